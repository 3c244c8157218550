"""The published networks, one file each: pure modules without files, devices or colour conversion."""

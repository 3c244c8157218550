"""Methods without weights, one file each, with the interface of the networks; their cards."""

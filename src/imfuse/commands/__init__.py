"""What stands behind the command line, one file per command: requests in, words and tables out."""

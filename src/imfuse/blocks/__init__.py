"""One unrolled iteration per file, its equation in the docstring of its class."""

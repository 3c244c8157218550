"""``python -m imfuse`` is the command line."""

from imfuse.cli import main

main()

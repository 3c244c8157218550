"""Print the table of all metrics as Markdown, or put it into a document: python -m imfuse.metrics [docs/metrics.md]."""

import sys
from pathlib import Path

from imfuse.metrics.document import metric_table, replace_table
from imfuse.metrics.table import METRICS


def main(arguments: list[str]) -> None:
    """Print the table, or rewrite it in each document that is named."""
    table = metric_table(METRICS.values())
    if not arguments:
        sys.stdout.write(table)
    for name in arguments:
        path = Path(name)
        path.write_text(replace_table(path.read_text(encoding="utf-8"), table), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])

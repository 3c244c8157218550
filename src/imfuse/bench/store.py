"""The rows of a benchmark's folder on disk: what this run is about, and whatever was ever made there."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from imfuse.bench.rows import Row, read_csv, to_csv
from imfuse.io.atomic import atomic_path

RESULTS_NAME = "results.csv"
STATE_NAME = ".rows.csv"
_SECONDS_BETWEEN = 2.0


class Store:
    """Rows that outlive the run.

    ``results.csv`` has the rows that this run is about. ``.rows.csv`` has those of earlier runs into the folder too, so
    that a quick look at five pictures does not throw away the times of all others. Both are replaced as a whole, never
    more often than every two seconds; what a killed process had not written is made again.

    Args:
        folder: of the benchmark.
        keys: of the rows that this run is about, in their order.
        metrics: keys of the metrics that it is about.
    """

    def __init__(self, folder: Path, keys: Sequence[tuple[str, str, str]], metrics: Sequence[str]) -> None:
        self._folder, self._keys, self._metrics = folder, keys, metrics
        state = folder / STATE_NAME
        self._rows = {row.key: row for row in read_csv(state)} if state.is_file() else {}
        self._written = time.monotonic()

    def get(self, key: tuple[str, str, str]) -> Row | None:
        """The row of a picture, perhaps of an earlier run."""
        return self._rows.get(key)

    def put(self, row: Row) -> None:
        """Take a row; it is on disk soon."""
        self._rows[row.key] = row
        if time.monotonic() - self._written > _SECONDS_BETWEEN:
            self.write()

    def rows(self) -> list[Row]:
        """The rows that this run is about, as far as they are known."""
        return [self._rows[key] for key in self._keys if key in self._rows]

    def write(self) -> None:
        """Put all rows on disk.

        Raises:
            OutputError: they cannot be written.
        """
        known = dict.fromkeys(key for row in self._rows.values() for key in row.values)
        for name, text in (
            (STATE_NAME, to_csv(self._rows.values(), list(known))),
            (RESULTS_NAME, to_csv(self.rows(), self._metrics)),
        ):
            write_text(self._folder / name, text)
        self._written = time.monotonic()


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all, replacing what is there.

    Raises:
        OutputError: it cannot be written.
    """
    with atomic_path(path, overwrite=True) as part:
        part.write_text(text, encoding="utf-8", newline="\n")

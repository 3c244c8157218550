"""The rows of ``results.csv``, one per picture, with all digits."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from imfuse.errors import DataError


@dataclass(frozen=True)
class Row:
    """What is known of one picture of a benchmark.

    Attributes:
        data_set: name of the data set.
        task: its task.
        model: name of the contender.
        kind: ``learned``, ``classical`` or ``pictures``.
        scene: name of the scene.
        values: metrics by key.
        seconds: wall time of reading the sources and fusing them; None for pictures of another program.
        peak_memory_mib: peak of the resident memory while that was done beyond what was resident before, in MiB; on
            another device than the CPU, of that device's. None where it cannot be measured.
        height: of the fused picture.
        width: likewise.
        device: where it was fused.
        threads: of PyTorch.
        picture: path of the fused picture within the benchmark's folder, with ``/``.
        picture_sha256: of that file.
        settings: hash of all that the picture depends on.
        scoring: hash of all that the metrics depend on beside the picture.
        notes: what the fusion's report says was done.
        error: why there is no picture, or no metric.
    """

    data_set: str
    task: str
    model: str
    kind: str
    scene: str
    values: dict[str, float] = field(default_factory=dict)
    seconds: float | None = None
    peak_memory_mib: float | None = None
    height: int | None = None
    width: int | None = None
    device: str = ""
    threads: int | None = None
    picture: str = ""
    picture_sha256: str = ""
    settings: str = ""
    scoring: str = ""
    notes: str = ""
    error: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        """Names of data set, contender and scene."""
        return self.data_set, self.model, self.scene


_NAMES = ("data_set", "task", "model", "kind", "scene")
_MEASURED: dict[str, type] = {"seconds": float, "peak_memory_mib": float, "height": int, "width": int, "threads": int}
_TEXTS = ("device", "picture", "picture_sha256", "settings", "scoring", "notes", "error")
_BEFORE = (*_NAMES,)
_AFTER = ("seconds", "peak_memory_mib", "height", "width", "device", "threads", *_TEXTS[1:])


def to_csv(rows: Iterable[Row], metrics: Sequence[str]) -> str:
    """Rows as CSV, one column per metric; floats with all digits, empty where there is no value."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow((*_BEFORE, *metrics, *_AFTER))
    for row in rows:
        values = [row.values.get(key) for key in metrics]
        rest = [getattr(row, name) for name in _AFTER]
        writer.writerow([*(getattr(row, name) for name in _BEFORE), *map(_cell, values), *map(_cell, rest)])
    return text.getvalue()


def _cell(value: str | float | None) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else repr(value)


def read_csv(path: Path) -> list[Row]:
    """The rows that :func:`to_csv` wrote.

    Raises:
        DataError: the file is of another kind.
    """
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            reader = csv.DictReader(stream, strict=True)
            columns = set(reader.fieldnames or ())
            if not columns.issuperset((*_BEFORE, *_AFTER)):
                raise ValueError("columns are missing")
            return [_row(entry, columns.difference(_BEFORE, _AFTER)) for entry in reader]
    except (ValueError, TypeError, csv.Error) as error:
        raise DataError(f"{path}: not the results of a benchmark ({error}); choose another folder") from error


def _row(entry: dict[str, str], metrics: Iterable[str]) -> Row:
    texts = {name: entry[name] for name in (*_NAMES, *_TEXTS)}
    values = {key: float(entry[key]) for key in metrics if entry[key]}
    seconds, memory, height, width, threads = (
        kind(entry[name]) if entry[name] else None for name, kind in _MEASURED.items()
    )
    return Row(
        **texts, values=values, seconds=seconds, peak_memory_mib=memory, height=height, width=width, threads=threads
    )

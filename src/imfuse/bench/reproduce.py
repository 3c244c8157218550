"""The papers' tables beside what is measured here: the same methods, sets and metrics, with the difference."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from imfuse.bench.published_tables import PublishedSet, PublishedTable

Means = Mapping[str, float]
"""Metric → mean over a data set."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One figure of ours.

    Attributes:
        value: the mean; NaN if it could not be measured.
        difference: from the paper's figure of the same method; NaN where the paper has none.
        marked: whether the data set lies in the model's training data.
    """

    value: float
    difference: float
    marked: bool


@dataclass(frozen=True, slots=True)
class Compared:
    """One data set of a published table with our rows.

    Attributes:
        published: the paper's part.
        rows: model here → the cells, in the order of the paper's columns; None where no metric here is the column's.
        overlaps: what marked rows share with their training data, in words.
        missing: why there are no rows, or fewer than the paper's methods that have a name here.
    """

    published: PublishedSet
    rows: Mapping[str, tuple[Cell | None, ...]]
    overlaps: tuple[str, ...]
    missing: tuple[str, ...]


def compare(
    table: PublishedTable,
    part: PublishedSet,
    measured: Mapping[str, Means],
    overlap: Callable[[str], str | None],
    missing: Sequence[str] = (),
) -> Compared:
    """Put our means beside one data set of a published table.

    Args:
        table: the table.
        part: one of its data sets.
        measured: model here → its means on that set.
        overlap: what a model's training data share with the set, in words.
        missing: what could not be measured, in words.
    """
    theirs = {here: part.values[method] for method, here in table.models.items() if method in part.values}
    rows, words = {}, []
    for model, means in measured.items():
        shared = overlap(model)
        words += [shared] if shared else []
        rows[model] = tuple(_cells(table, part, means, theirs.get(model), shared is not None))
    return Compared(part, rows, tuple(words), tuple(missing))


def _cells(
    table: PublishedTable, part: PublishedSet, means: Means, theirs: Sequence[float] | None, marked: bool
) -> Iterator[Cell | None]:
    for place, label in enumerate(part.columns):
        key = table.metrics[label].key
        if not key:
            yield None
            continue
        value = means.get(key, math.nan)
        yield Cell(value, value - theirs[place] if theirs is not None else math.nan, marked)


def as_markdown(table: PublishedTable, parts: Sequence[Compared]) -> str:
    """The comparison as Markdown: per data set the paper's rows as printed, then ours with the difference."""
    lines = [f"# {table.title}", "", f"{table.paper}, {table.place}."]
    lines += [f"{table.note}"] if table.note else []
    for part in parts:
        lines += ["", *_part_lines(table, part)]
    notes = [f"- {metric.label}: {_definition(metric.key, metric.note)}" for metric in table.metrics.values()]
    return "\n".join([*lines, "", "Metrics:", "", *notes, ""])


def _definition(key: str, note: str) -> str:
    here = f"`{key}` here" if key else "none of the metrics here"
    return f"{here}; {note}" if note else here


def _part_lines(table: PublishedTable, part: Compared) -> Iterator[str]:
    published = part.published
    place = f", here `{published.data}`" if published.data else ""
    yield f"## {published.label}{place}"
    yield ""
    if published.note:
        yield f"{published.note[0].upper()}{published.note[1:]}."
        yield ""
    yield _row(["method", *published.columns])
    yield "|" + " --- |" * (len(published.columns) + 1)
    for method, values in published.values.items():
        yield _row([f"{method}, as printed", *(_plain(value) for value in values)])
    names = {here: method for method, here in table.models.items() if method in published.values}
    for model, cells in part.rows.items():
        stands_for = f" (for {names[model]})" if model in names else ""
        yield _row([f"**{model}**, measured{stands_for}", *(_cell(cell) for cell in cells)])
    for words in (*(f"† {words}" for words in part.overlaps), *part.missing):
        yield ""
        yield f"{words}."


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _plain(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:g}"


def _cell(cell: Cell | None) -> str:
    if cell is None or math.isnan(cell.value):
        return "–"
    mark = "†" if cell.marked else ""
    change = "" if math.isnan(cell.difference) else f" ({cell.difference:+.3f})"
    return f"{cell.value:.3f}{mark}{change}"


def as_plain(table: PublishedTable, parts: Sequence[Compared]) -> dict[str, object]:
    """The comparison as plain values with all digits, for JSON; NaN becomes None."""
    return {
        "table": table.name,
        "paper": table.paper,
        "place": table.place,
        "sets": [
            {
                "label": part.published.label,
                "data": part.published.data,
                "note": part.published.note,
                "columns": {label: table.metrics[label].key for label in part.published.columns},
                "published": {name: [_number(x) for x in values] for name, values in part.published.values.items()},
                "measured": {
                    model: [None if cell is None else _number(cell.value) for cell in cells]
                    for model, cells in part.rows.items()
                },
                "overlaps": list(part.overlaps),
                "missing": list(part.missing),
            }
            for part in parts
        ],
    }


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value

"""The papers' tables beside what is measured here: the same methods, sets and metrics, with the difference."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from imfuse.bench.published_tables import PublishedMetric, PublishedSet, PublishedTable

OTHER_VARIANT = "≠"
"""Behind figures of ours that are another variant of a metric than the paper's."""

Means = Mapping[str, float]
"""Metric → mean over a data set."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One figure of ours.

    Attributes:
        value: the mean; NaN if it could not be measured.
        difference: from the paper's figure of the same method; NaN where the paper has none, or another metric.
        marked: whether the data set lies in the model's training data.
        comparable: whether the paper's metric is the same as ours.
    """

    value: float
    difference: float
    marked: bool
    comparable: bool = True


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
    table: PublishedTable, part: PublishedSet, means: Means, theirs: Sequence[Decimal] | None, marked: bool
) -> Iterator[Cell | None]:
    for place, label in enumerate(part.columns):
        metric = table.metrics[label]
        if not metric.key:
            yield None
            continue
        value = means.get(metric.key, math.nan)
        printed = float(theirs[place]) if theirs is not None and metric.comparable else math.nan
        yield Cell(value, value - printed, marked, metric.comparable)


def as_markdown(table: PublishedTable, parts: Sequence[Compared]) -> str:
    """The comparison as Markdown: per data set the paper's rows as printed, then ours with the difference."""
    lines = [f"# {table.title}", "", f"{table.paper}, {table.place}."]
    lines += [f"{table.note}"] if table.note else []
    for part in parts:
        lines += ["", *_part_lines(table, part)]
    notes = [f"- {metric.label}: {_definition(metric)}" for metric in table.metrics.values()]
    return "\n".join([*lines, "", "Metrics:", "", *notes, ""])


def _definition(metric: PublishedMetric) -> str:
    here = f"`{metric.key}` here" if metric.key else "none of the metrics here"
    if not metric.comparable:
        here += f", which is another variant ({OTHER_VARIANT}): no difference is taken"
    return f"{here}; {metric.note}" if metric.note else here


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
        yield _row([f"{method}, as printed", *map(str, values)])
    names = {here: method for method, here in table.models.items() if method in published.values}
    for model, cells in part.rows.items():
        stands_for = f" (for {names[model]})" if model in names else ""
        yield _row([f"**{model}**, measured{stands_for}", *(_cell(cell) for cell in cells)])
    for words in (*(f"† {words}" for words in part.overlaps), *part.missing):
        yield ""
        yield f"{words}."


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _cell(cell: Cell | None) -> str:
    if cell is None or math.isnan(cell.value):
        return "–"
    mark = ("†" if cell.marked else "") + ("" if cell.comparable else f" {OTHER_VARIANT}")
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
                "not_comparable": [label for label in part.published.columns if not table.metrics[label].comparable],
                "published": {name: [float(x) for x in values] for name, values in part.published.values.items()},
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

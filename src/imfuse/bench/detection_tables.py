"""What a benchmark of detection found as rows: for CSV, Markdown and the page, beside what a paper printed."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from imfuse.bench.detection import DetectionResults, Standing
from imfuse.bench.published_tables import PublishedTable, published_table
from imfuse.bench.ranking import ranks
from imfuse.data.sets import DataSet

PUBLISHED = "fnet-table2"
"""The paper's table of detection on M3FD."""

MEAN, HALF = "mAP", "mAP@0.5"


@dataclass(frozen=True)
class Table:
    """The figures of one data set.

    Attributes:
        columns: names of the classes in the paper's order where they are M3FD's, then mAP and mAP@0.5.
        rows: name of the method → its figures; NaN where there is none. Sources first, the others by their mAP.
        places: column → name of the method → 1 for the best, 2 for the second; methods without all pictures have none.
        counts: name of the method → of how many pictures.
        objects: how many objects of every class the pictures show.
    """

    columns: tuple[str, ...]
    rows: Mapping[str, tuple[float, ...]]
    places: Mapping[str, Mapping[str, int]]
    counts: Mapping[str, int]
    objects: Mapping[str, int]


def table_of(results: DetectionResults, data_set: DataSet) -> Table:
    """The figures of a data set."""
    marked = results.plan.annotations[data_set.name]
    counts = dict.fromkeys(marked.classes, 0)
    for scene in data_set.scenes:
        for one in marked.objects[scene.name]:
            counts[one.label] += not one.crowd
    # M3FD's order has all of its classes, of which a small data set may show a few.
    classes = [name for name in marked.classes if counts[name]]
    found = sorted(results.of(data_set), key=_order)
    rows = {one.method.name: _figures(one, classes) for one in found}
    whole = {one.method.name for one in found if one.precision and one.precision.pictures == len(data_set.scenes)}
    columns = (*classes, MEAN, HALF)
    places = {
        # Where nothing is found nobody is ahead.
        column: ranks({name: row[index] for name, row in rows.items() if name in whole and row[index] > 0}, "higher")
        for index, column in enumerate(columns)
    }
    seen = {one.method.name: one.precision.pictures if one.precision else 0 for one in found}
    return Table(columns, rows, places, seen, {name: counts[name] for name in classes})


def _order(one: Standing) -> tuple[bool, float]:
    mean = one.precision.mean if one.precision and not math.isnan(one.precision.mean) else -1.0
    return one.method.kind != "source", 0.0 if one.method.kind == "source" else -mean


def _figures(one: Standing, classes: Sequence[str]) -> tuple[float, ...]:
    if one.precision is None:
        return (math.nan,) * (len(classes) + 2)
    known = {each.name: each.average for each in one.precision.classes}
    return (*(known.get(name, math.nan) for name in classes), one.precision.mean, one.precision.mean_at_half)


def published_for(data_set: DataSet, results: DetectionResults) -> PublishedTable | None:
    """The paper's table, if the classes of a data set are those of M3FD."""
    table = published_table(PUBLISHED)
    classes = {name.casefold() for name in results.plan.annotations[data_set.name].classes}
    theirs = {name.casefold() for name in table.sets[0].columns[:-1]}
    return table if classes == theirs else None


def to_csv(results: DetectionResults) -> str:
    """A row per data set, method and class, and one for the mean over the classes, with all digits."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        ("data_set", "method", "kind", "detector", "class", "ap", "ap50", "objects", "pictures", "scenes", "error")
    )
    scenes = {data_set.name: len(data_set.scenes) for data_set in results.plan.bench.data_sets}
    for one in results.standings:
        head = (one.data_set, one.method.name, one.method.kind, one.detector)
        error = next(iter(one.failures.values()), "")
        if one.precision is None:
            writer.writerow((*head, "mean", "", "", "", 0, scenes[one.data_set], error))
            continue
        tail = (one.precision.pictures, scenes[one.data_set], error)
        for each in one.precision.classes:
            writer.writerow((*head, each.name, _digits(each.average), _digits(each.at_half), each.objects, *tail))
        mean, half = _digits(one.precision.mean), _digits(one.precision.mean_at_half)
        writer.writerow((*head, "mean", mean, half, sum(each.objects for each in one.precision.classes), *tail))
    return text.getvalue()


def _digits(value: float) -> str:
    return "" if math.isnan(value) else repr(value)


def shown_figure(value: float) -> str:
    """A figure for tables, with the digits of the paper's; a dash where there is none."""
    return "–" if math.isnan(value) else f"{value:.3f}"

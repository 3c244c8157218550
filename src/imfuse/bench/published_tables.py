"""The tables of the papers, as data."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from importlib.resources import files

from imfuse.errors import UsageError


@dataclass(frozen=True, slots=True)
class PublishedMetric:
    """A column of a published table.

    Attributes:
        label: as the paper prints it.
        key: the metric of :data:`imfuse.metrics.METRICS` that it is (``seconds`` for a time); empty where it is none of
            them.
        note: what is to be known when the two are compared.
        comparable: whether it is the metric of that key as defined here; if not, no difference is taken.
    """

    label: str
    key: str
    note: str
    comparable: bool = True


@dataclass(frozen=True, slots=True)
class PublishedSet:
    """The part of a published table that belongs to one data set.

    Attributes:
        label: as the paper calls it.
        data: name of the data set, ``SET/SCENE`` for a single scene of one; empty where it is not to be had.
        note: in what that differs from the paper's.
        columns: labels of the metrics.
        values: method as the paper calls it → its figures with the printed digits, in the order of the columns.
    """

    label: str
    data: str
    note: str
    columns: tuple[str, ...]
    values: Mapping[str, tuple[Decimal, ...]]


@dataclass(frozen=True, slots=True)
class PublishedTable:
    """A table of one of the papers.

    Attributes:
        name: that users choose it by, ``auif-table3``.
        title: what it compares.
        paper: reference.
        place: where it stands there.
        task: names of the tasks, with commas.
        note: what is to be known of it as a whole.
        models: method as the paper calls it → name of the model here.
        metrics: label → metric.
        sets: the data sets.
    """

    name: str
    title: str
    paper: str
    place: str
    task: str
    note: str
    models: Mapping[str, str]
    metrics: Mapping[str, PublishedMetric]
    sets: tuple[PublishedSet, ...]

    def keys(self, columns: tuple[str, ...]) -> tuple[str, ...]:
        """The metrics behind these columns, those that there are."""
        return tuple(dict.fromkeys(self.metrics[label].key for label in columns if self.metrics[label].key))


def at_scale(table: PublishedTable, scale: int) -> PublishedTable:
    """A table of spectral fusion for what is measured at one scale: the names of models and all notes say which."""

    def told(text: str) -> str:
        return text.replace("{scale}", str(scale))

    return replace(
        table,
        title=told(table.title),
        note=told(table.note),
        models={method: told(here) for method, here in table.models.items()},
        sets=tuple(replace(part, note=told(part.note)) for part in table.sets),
    )


def published_names() -> list[str]:
    """Names of all tables."""
    folder = files("imfuse.bench") / "published"
    names = (entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml"))
    return sorted(name for name in names if name != "overlaps")


def published_table(name: str) -> PublishedTable:
    """The table of this name.

    Raises:
        UsageError: there is none.
    """
    if name not in published_names():
        raise UsageError(f"unknown table {name!r}: choose one of {', '.join(published_names())}")
    text = (files("imfuse.bench") / "published" / f"{name}.toml").read_text(encoding="utf-8")
    entries = tomllib.loads(text, parse_float=Decimal)
    metrics = {
        label: PublishedMetric(label, found["key"], found.get("note", ""), found.get("comparable", True))
        for label, found in entries["metrics"].items()
    }
    sets = tuple(
        PublishedSet(
            found["label"],
            found["data"],
            found.get("note", ""),
            tuple(found["columns"]),
            {method: tuple(map(Decimal, values)) for method, values in found["values"].items()},
        )
        for found in entries["sets"]
    )
    return PublishedTable(
        entries["name"],
        entries["title"],
        entries["paper"],
        entries["place"],
        entries["task"],
        entries.get("note", ""),
        entries["models"],
        metrics,
        sets,
    )

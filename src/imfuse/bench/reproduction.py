"""Measuring what a published table shows: its data sets, found among the user's, by every model that serves them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from imfuse.bench.overlap import training_overlap
from imfuse.bench.plan import BenchPlan, plan_bench
from imfuse.bench.published_tables import PublishedSet, PublishedTable
from imfuse.bench.reproduce import Compared, Means, compare
from imfuse.bench.results import BenchResults
from imfuse.bench.rows import Row
from imfuse.bench.spectral import AS_STORED, SCALE, plan_spectral
from imfuse.data.stacks import folders_in
from imfuse.errors import DataError
from imfuse.metrics import METRICS
from imfuse.registry import list_models

_DEPTH = 3
"""How far below a given folder data sets are looked for."""

_CHEAP = "sf"
"""What is measured where a table holds nothing but times: a benchmark has at least one metric."""


def reproduced(table: PublishedTable, results: BenchResults | None) -> list[Compared]:
    """All parts of a published table with what is measured here.

    Args:
        table: the table.
        results: of the benchmark of :func:`plan_reproduction`; None if there was nothing to measure.
    """
    return [_compared(table, part, results) for part in table.sets]


def plan_reproduction(
    table: PublishedTable,
    roots: Sequence[Path],
    models: Sequence[str] = ("all",),
    *,
    folder: Path = Path("bench"),
    device: str = "cpu",
    command: str = "",
    images: int | None = None,
    scale: int = SCALE,
) -> BenchPlan | None:
    """The benchmark that a published table takes; None if no metric or no data set of it is to be had at all.

    Args:
        table: the table.
        roots: folders that hold its data sets under their names, at any place up to three levels below.
        models: as for :func:`imfuse.bench.plan.plan_bench`.
        folder: where pictures and rows go.
        device: where the models run.
        command: the command line that this is.
        images: only so many scenes of each data set.
        scale: of spectral fusion: how many pixels of the guide a coarse pixel is wide.

    Raises:
        DataError: none of its data sets is in the given folders.
        UsageError: an option does not serve.
    """
    names = dict.fromkeys(_set_and_scene(part)[0] for part in table.sets if _is_measured(table, part))
    if not names:
        return None
    found = _found(table, roots, list(names))
    if table.task == "spectral":
        (place,) = found.values()
        scenes = [scene for part in table.sets if (scene := _set_and_scene(part)[1])]
        return plan_spectral(
            place, models, folder=folder, device=device, command=command, images=images, scenes=scenes, scale=scale
        )
    keys = dict.fromkeys(key for part in table.sets for key in table.keys(part.columns) if _is_had(key))
    task = None if "," in table.task else table.task
    plan = plan_bench(
        list(found.values()),
        models,
        [key for key in keys if key != "seconds"] or [_CHEAP],
        folder=folder,
        task=task,
        device=device,
        command=command,
        images=images,
    )
    # What users call their folder is theirs; results go by the name of the table's.
    names_of = {place: name for name, place in found.items()}
    renamed = {data_set.name: names_of[data_set.folder] for data_set in plan.data_sets}
    return replace(
        plan,
        data_sets=tuple(replace(data_set, name=renamed[data_set.name]) for data_set in plan.data_sets),
        metrics={renamed[name]: keys for name, keys in plan.metrics.items()},
    )


def _found(table: PublishedTable, roots: Sequence[Path], names: Sequence[str]) -> dict[str, Path]:
    """The table's data sets that there are, with their folders."""
    found = {name: place for name in names if (place := find_set(roots, name)) is not None}
    if not found:
        raise DataError(
            f"{table.name}: none of its data sets ({', '.join(names)}) is in {', '.join(map(str, roots))}; give the "
            "folder that holds them under these names"
        )
    return found


def find_set(roots: Sequence[Path], name: str) -> Path | None:
    """The first folder of this name in the given folders, or one of them itself.

    Its test part (``cave/test``) may be given for it.
    """
    level = [Path(root) for root in roots]
    for _ in range(_DEPTH + 1):
        for folder in level:
            place = folder.resolve()
            if place.name == name or (place.name == "test" and place.parent.name == name):
                return folder
        level = [inner for folder in level if folder.is_dir() for inner in folders_in(folder)]
    return None


def _is_measured(table: PublishedTable, part: PublishedSet) -> bool:
    return bool(part.data) and any(map(_is_had, table.keys(part.columns)))


def _set_and_scene(part: PublishedSet) -> tuple[str, str]:
    """The name of the data set, and of its only scene that is meant; empty for all of them."""
    data_set, _, scene = part.data.partition("/")
    return data_set, scene


def _rows(results: BenchResults, part: PublishedSet) -> list[Row]:
    """Those of the part's data set, or scene."""
    data_set, scene = _set_and_scene(part)
    return [row for row in results.rows if row.data_set == data_set and scene in ("", row.scene)]


def _is_had(key: str) -> bool:
    return key == "seconds" or (key in METRICS and METRICS[key].available())


def _compared(table: PublishedTable, part: PublishedSet, results: BenchResults | None) -> Compared:
    cards = {card.name: card for card in list_models()}
    measured = dict(_means(_rows(results, part))) if results is not None else {}
    return compare(
        table,
        part,
        measured,
        lambda model: training_overlap(cards.get(model.removesuffix(AS_STORED)), _set_and_scene(part)[0]),
        list(_missing(table, part, measured, results)),
    )


def _means(rows: Sequence[Row]) -> Iterator[tuple[str, Means]]:
    """Every model with the means of its metrics over these rows, and of its time in seconds."""
    measured: dict[str, list[Mapping[str, float]]] = {}
    for row in rows:
        if not row.error:
            time = {} if row.seconds is None else {"seconds": row.seconds}
            measured.setdefault(row.model, []).append({**row.values, **time})
    for model, values in measured.items():
        shared = [key for key in values[0] if all(key in value for value in values)]
        yield model, {key: sum(value[key] for value in values) / len(values) for key in shared}


def _missing(
    table: PublishedTable, part: PublishedSet, measured: Mapping[str, Means], results: BenchResults | None
) -> Iterator[str]:
    """Why there is less than one might expect, in sentences without their full stop."""
    if not part.data:
        yield "Nothing is measured: these data are not to be had here"
        return
    rows = [] if results is None else _rows(results, part)
    if results is None or not rows:
        begun = results is not None and any(one.name == _set_and_scene(part)[0] for one in results.plan.data_sets)
        where = "among the scenes that were taken" if begun else "in the given folders"
        yield f"Nothing is measured: {part.data} is not {where}"
        return
    known = {card.name for card in list_models()} | {row.model.removesuffix(AS_STORED) for row in rows}
    absent = [
        f"{name} (for {method})"
        for method, here in table.models.items()
        if (name := here.removesuffix(AS_STORED)) not in known
    ]
    if absent:
        yield f"Not here yet: {', '.join(absent)}"
    keys = {label: table.metrics[label].key for label in part.columns}
    without = [label for label, key in keys.items() if key and not _is_had(key)]
    if without:
        yield f"{', '.join(without)} needs a model that is not at hand; see imfuse evaluate --list"
    if results.plan.subset and not _set_and_scene(part)[1]:
        yield f"Measured on {results.plan.subset}: not comparable with the paper's means"
    failed = {row.model for row in rows if row.error}
    if failed:
        rest = "" if _set_and_scene(part)[1] else "; their rows are means over the others"
        yield f"Pictures failed with {', '.join(sorted(failed))}{rest}"

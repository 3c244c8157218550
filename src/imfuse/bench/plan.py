"""What a benchmark is to compute: data sets, contenders, metrics, and where it goes."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from imfuse.bench.contenders import Contender, check_name, find_contenders
from imfuse.data.sets import DataSet, Scene, read_data_set
from imfuse.errors import DataError, UsageError
from imfuse.metrics import METRICS
from imfuse.metrics.defaults import default_metrics


@dataclass(frozen=True)
class Cell:
    """One picture of a benchmark: a scene of a data set by one contender."""

    data_set: DataSet
    contender: Contender
    scene: Scene

    @property
    def key(self) -> tuple[str, str, str]:
        """Names of data set, contender and scene."""
        return self.data_set.name, self.contender.name, self.scene.name

    @property
    def picture(self) -> Path:
        """Where the fused picture goes, within the benchmark's folder."""
        return Path("pictures", *self.key[:2], f"{self.scene.name}.png")


@dataclass(frozen=True)
class BenchPlan:
    """What a benchmark computes.

    Attributes:
        data_sets: with the scenes that are taken of each.
        contenders: what is compared.
        metrics: keys of the metrics of every data set, by its name.
        folder: where everything goes.
        device: where the models run.
        command: the command line that this is, for the summary; empty if it is none.
        subset: how the scenes were chosen, in words; empty if all are taken.
        left_out: metrics that were asked for and that a data set does not allow, in words.
    """

    data_sets: tuple[DataSet, ...]
    contenders: tuple[Contender, ...]
    metrics: dict[str, tuple[str, ...]]
    folder: Path
    device: str = "cpu"
    command: str = ""
    subset: str = ""
    left_out: tuple[str, ...] = field(default=())

    def contenders_of(self, data_set: DataSet) -> list[Contender]:
        """Those that can give pictures for a data set."""
        return [contender for contender in self.contenders if contender.serves(data_set)]

    def cells(self) -> Iterator[Cell]:
        """All pictures: data set by data set, contender by contender, scene by scene."""
        for data_set in self.data_sets:
            for contender in self.contenders_of(data_set):
                for scene in data_set.scenes:
                    yield Cell(data_set, contender, scene)


def plan_bench(
    folders: Sequence[str | Path],
    models: Sequence[str] = ("all",),
    metrics: Sequence[str] = (),
    *,
    folder: str | Path = "bench",
    fused: Sequence[str] = (),
    task: str | None = None,
    images: int | None = None,
    scenes: Sequence[str] = (),
    seed: int | None = None,
    device: str = "cpu",
    command: str = "",
) -> BenchPlan:
    """Find out what is to be compared, and refuse early what cannot be.

    Args:
        folders: of the data sets, as :func:`imfuse.data.sets.read_data_set` takes them.
        models: as :func:`imfuse.bench.contenders.find_contenders` takes them.
        metrics: keys of metrics; by default those of each task.
        folder: where results go.
        fused: ``NAME=FOLDER`` of pictures that other programs made.
        task: of the data sets, where neither their ``dataset.toml`` nor their folders' names tell.
        images: only so many scenes of each data set: spread evenly over it, or drawn by ``seed``.
        scenes: only the scenes of these names.
        seed: for ``images``.
        device: where the models run.
        command: the command line that this is, for the summary.

    Raises:
        UsageError: an option does not serve.
        DataError: a data set cannot be read, or there is no scene left.
    """
    sets = [read_data_set(Path(given), task) for given in folders]
    if not sets:
        raise UsageError("no data set: give the folder of at least one")
    _check_sets(sets, Path(folder))
    taken = chosen_scenes(sets, images, scenes, seed)
    contenders = find_contenders(models, fused, dict.fromkeys(data_set.task for data_set in taken))
    for contender in contenders:
        if not any(contender.serves(data_set) for data_set in taken):
            raise UsageError(_useless(contender, taken))
    chosen, left_out = _metrics(taken, metrics)
    return BenchPlan(
        tuple(taken),
        contenders,
        chosen,
        Path(folder),
        device,
        command,
        subset_words(images, scenes, seed),
        tuple(left_out),
    )


def _check_sets(sets: Sequence[DataSet], output: Path) -> None:
    names: dict[str, Path] = {}
    for data_set in sets:
        check_name(data_set.name, f"{data_set.folder}: data set")
        if output.resolve() == data_set.folder.resolve():
            raise UsageError(f"{output}: is the folder of a data set, into which nothing is written; give another -o")
        if data_set.name in names:
            raise UsageError(
                f"{names[data_set.name]} and {data_set.folder} are both called {data_set.name!r}: give one of them "
                "another name in its dataset.toml"
            )
        names[data_set.name] = data_set.folder


def _useless(contender: Contender, sets: Sequence[DataSet]) -> str:
    if contender.card is None:
        return (
            f"{contender.folder}: holds no picture of any scene that is taken; name pictures as the scenes are called, "
            f"and put those of several data sets into folders of their names ({', '.join(s.name for s in sets)})"
        )
    tasks = ", ".join(dict.fromkeys(data_set.task for data_set in sets))
    return f"model {contender.name!r} serves {', '.join(contender.card.tasks)}, and the data sets are for {tasks}"


def chosen_scenes(sets: Sequence[DataSet], images: int | None, names: Sequence[str], seed: int | None) -> list[DataSet]:
    """The data sets with the scenes that are taken, without those of which none is."""
    if images is not None and images < 1:
        raise UsageError(f"{images} images: take at least one")
    if seed is not None and images is None:
        raise UsageError(f"seed {seed} draws scenes at random, but all are taken: give --images, how many to draw")
    known = {scene.name for data_set in sets for scene in data_set.scenes}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UsageError(f"no data set has a scene {unknown[0]!r}; scenes are called by the stem of their pictures")
    taken = []
    for data_set in sets:
        scenes = [scene for scene in data_set.scenes if not names or scene.name in names]
        taken.append(replace(data_set, scenes=tuple(_sample(scenes, images, seed))))
    if not any(data_set.scenes for data_set in taken):
        raise DataError(f"{', '.join(str(data_set.folder) for data_set in sets)}: no scenes")
    return [data_set for data_set in taken if data_set.scenes]


def _sample(scenes: Sequence[Scene], count: int | None, seed: int | None) -> list[Scene]:
    if count is None or count >= len(scenes):
        return list(scenes)
    if seed is not None:
        return [scenes[index] for index in sorted(random.Random(seed).sample(range(len(scenes)), count))]
    return [scenes[(2 * index + 1) * len(scenes) // (2 * count)] for index in range(count)]


def subset_words(images: int | None, scenes: Sequence[str], seed: int | None) -> str:
    """How scenes were chosen, in words; empty if all are taken."""
    parts = [f"the scenes {', '.join(scenes)}"] if scenes else []
    if images is not None:
        how = "spread evenly" if seed is None else f"drawn with seed {seed}"
        parts.append(f"at most {images} scene{'' if images == 1 else 's'} of each data set, {how}")
    return "; ".join(parts)


def _metrics(sets: Sequence[DataSet], asked: Sequence[str]) -> tuple[dict[str, tuple[str, ...]], list[str]]:
    """The metrics of every data set, and what was asked for in vain."""
    unknown = [key for key in asked if key not in METRICS]
    if unknown:
        raise UsageError(f"unknown metric {', '.join(unknown)}; known are {', '.join(METRICS)}")
    chosen, left_out = {}, []
    for data_set in sets:
        truth = all(scene.truth is not None for scene in data_set.scenes)
        counts = {len(scene.sources) for scene in data_set.scenes}
        wanted = list(dict.fromkeys(asked)) or default_metrics(data_set.task, truth=truth)
        served = {key: all(METRICS[key].is_served(count, truth) for count in counts) for key in wanted}
        chosen[data_set.name] = tuple(key for key in wanted if served[key] and METRICS[key].available())
        missing = [key for key in wanted if key not in chosen[data_set.name]]
        lacks = [f"{METRICS[key].name} {_lack(key, served[key])}" for key in missing]
        if not chosen[data_set.name]:
            raise UsageError(f"{data_set.folder}: none of the metrics can be had for its scenes: {'; '.join(lacks)}")
        left_out += [f"{data_set.name}: {lack}" for lack in lacks]
    return chosen, left_out


def _lack(key: str, served: bool) -> str:
    """Why a metric is left out."""
    if served:
        return "needs a model that is not at hand; imfuse evaluate --list tells where it is looked for"
    return {"two sources": "takes exactly two sources", "truth": "needs a ground truth"}.get(
        METRICS[key].needs, "cannot be had for its scenes"
    )

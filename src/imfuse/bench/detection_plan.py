"""What a benchmark of detection is to compute: scenes with marked objects, methods, a detector."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from imfuse.bench.contenders import Contender
from imfuse.bench.plan import BenchPlan, chosen_scenes, plan_bench, subset_words
from imfuse.bench.views import source_names
from imfuse.data.sets import DataSet
from imfuse.detection import Annotations, DetectorOptions, read_annotations
from imfuse.detection.split import Split, find_split, seeded_split
from imfuse.errors import DataError, SourceError, UsageError
from imfuse.io import open_source
from imfuse.io.naming import shown

TASK = "infrared"
"""What is fused: detection looks at infrared and visible pictures."""

METHOD = "{method}"
"""In a detector's path it stands for the name of the method whose pictures the detector was trained on."""

Part = Literal["all", "train", "test"]


@dataclass(frozen=True)
class Method:
    """A kind of pictures that detectors look at.

    Attributes:
        name: ``visible``, ``infrared`` or that of a contender.
        contender: who fused the pictures; None for a source.
        source: index of the source among those of a scene; None for fused pictures.
    """

    name: str
    contender: Contender | None = None
    source: int | None = None

    @property
    def kind(self) -> str:
        """``source``, or the contender's kind."""
        return "source" if self.contender is None else self.contender.kind


@dataclass(frozen=True)
class DetectionPlan:
    """What a benchmark of detection computes.

    Attributes:
        bench: the fusing, with the scenes that are looked at.
        annotations: of every data set, by its name.
        splits: parts for training and testing, by name of the data set; empty where it is not split.
        detector: file or name of the detector; may hold ``{method}``. Empty where nothing is to be detected.
        options: how it is run.
        same: name of a class of the detector → that of the annotations, where they differ.
        remarks: what a reader must know of a data set, in words, by its name.
    """

    bench: BenchPlan
    annotations: Mapping[str, Annotations]
    splits: Mapping[str, Split]
    detector: str
    options: DetectorOptions
    same: Mapping[str, str]
    remarks: Mapping[str, tuple[str, ...]]

    def methods(self, data_set: DataSet) -> list[Method]:
        """The sources, visible first, and the contenders."""
        names = source_names(data_set)
        sources = [Method(name, source=place) for place, name in reversed(list(enumerate(names)))]
        return [*sources, *(Method(one.name, one) for one in self.bench.contenders_of(data_set))]

    def reference(self, method: Method) -> str:
        """The detector of a method."""
        return self.detector.replace(METHOD, method.name)

    @property
    def steps(self) -> int:
        """How many pictures detectors look at."""
        return sum(len(self.methods(one)) * len(one.scenes) for one in self.bench.data_sets)


def plan_detection(
    folders: Sequence[Path],
    models: Sequence[str] = ("all",),
    *,
    detector: str = "",
    options: DetectorOptions | None = None,
    annotations: Path | None = None,
    same: Mapping[str, str] | None = None,
    part: Part | None = None,
    split: Path | None = None,
    seed: int | None = None,
    folder: Path = Path("bench"),
    fused: Sequence[str] = (),
    metrics: Sequence[str] = (),
    images: int | None = None,
    scenes: Sequence[str] = (),
    device: str = "cpu",
    command: str = "",
    export: bool = False,
) -> DetectionPlan:
    """Find out what is to be compared, and refuse early what cannot be.

    Args:
        folders: of the data sets: ``ir/ vis/`` (M3FD: ``Ir/ Vis/ Annotation/``) with annotations.
        models: as for :func:`imfuse.bench.plan.plan_bench`.
        detector: file or name of the detector; may hold ``{method}``. Empty to detect nothing.
        options: how it is run.
        annotations: file or folder of the annotations, where they are not in the data set's folder.
        same: name of a class of the detector → that of the annotations, where they differ.
        part: which scenes are looked at: of the test part, the train part, or all. By default the test part where a
            data set is split by lists or is M3FD, and all where it is not.
        split: folder with ``train.txt`` and ``val.txt`` (or ``meta/`` with them), where the data set's has none.
        seed: of the split that is drawn where there are no lists, and of ``images``; 0 and none by default.
        folder: where results go.
        fused: ``NAME=FOLDER`` of pictures that other programs made.
        metrics: keys of metrics of the fused pictures that are computed too; none by default.
        images: only so many scenes of each data set.
        scenes: only those of these names.
        device: where the models run.
        command: the command line that this is.
        export: whether both parts are taken, to be written as training sets: every data set is split then.

    Raises:
        UsageError: an option does not serve.
        DataError: a data set, its annotations or its split cannot be read, or no scene is left.
    """
    if annotations is not None and len(folders) > 1:
        raise UsageError("--annotations belong to one data set, but several are given; give one")
    base = plan_bench(folders, models, metrics, folder=folder, fused=fused, task=TASK, device=device, command=command)
    options = options or DetectorOptions(device=device)
    found: dict[str, Annotations] = {}
    splits: dict[str, Split] = {}
    remarks: dict[str, tuple[str, ...]] = {}
    taken = []
    for data_set in base.data_sets:
        name = data_set.name
        marked = _annotations(data_set, annotations)
        wants_split = export or part in ("train", "test") or marked.form == "VOC"
        divided = _split(data_set, split, seed or 0, drawn=wants_split)
        found[name] = marked
        if divided is not None:
            splits[name] = divided
        wanted, words = _part(data_set, divided, "all" if export else part)
        whole, missing = _annotated(wanted, marked)
        remarks[name] = (*words, *missing, *marked.notes)
        taken.append(whole)
    _refuse_unseen(scenes, base.data_sets, taken)
    drawn = seed if images is not None else None
    chosen = chosen_scenes(taken, images, scenes, drawn)
    _refuse_names(base.contenders, chosen)
    names = [data_set.name for data_set in chosen]
    bench = replace(
        base,
        data_sets=tuple(chosen),
        metrics={name: base.metrics[name] if metrics else () for name in names},
        left_out=base.left_out if metrics else (),
        subset=subset_words(images, scenes, drawn),
    )
    return DetectionPlan(bench, found, splits, detector, options, same or {}, remarks)


class PictureSizes:
    """Height and width of the visible pictures, by the names of their scenes, each read from its file once."""

    def __init__(self, data_set: DataSet) -> None:
        self._paths = {scene.name: scene.sources[-1] for scene in data_set.scenes}
        self._known: dict[str, tuple[int, int] | None] = {}

    def get(self, stem: str) -> tuple[int, int] | None:
        """The size for a scene; None if there is no such scene, or its picture cannot be read."""
        if stem not in self._known:
            self._known[stem] = self._read(stem)
        return self._known[stem]

    def _read(self, stem: str) -> tuple[int, int] | None:
        if stem not in self._paths:
            return None
        try:
            source = open_source(self._paths[stem])
        except SourceError:
            return None  # it cannot be fused either, and is told as left out
        return source.height, source.width


def _annotations(data_set: DataSet, place: Path | None) -> Annotations:
    stems = [scene.name for scene in data_set.scenes]
    return read_annotations(data_set.folder, stems, PictureSizes(data_set).get, place)


def _split(data_set: DataSet, place: Path | None, seed: int, *, drawn: bool) -> Split | None:
    """The parts of a data set; None where it is taken as a whole."""
    names = [scene.name for scene in data_set.scenes]
    found = find_split(place or data_set.folder, names)
    if place is not None and found is None:
        raise DataError(f"{shown(place)}: holds no train.txt and val.txt; give the folder of the lists")
    return seeded_split(names, seed) if found is None and drawn else found


def _part(data_set: DataSet, split: Split | None, part: Part | None) -> tuple[DataSet, list[str]]:
    """The scenes of a part, and what is to be told of it."""
    if split is None:
        return data_set, []
    names = {"train": split.train, "all": (*split.train, *split.test)}.get(part or "test", split.test)
    wanted = set(names)
    scenes = tuple(scene for scene in data_set.scenes if scene.name in wanted)
    told = f"the {part or 'test'} part: {len(scenes)} of {len(data_set.scenes)} scenes, by {split.words}"
    return replace(data_set, scenes=scenes), [] if part == "all" else [told]


def _annotated(data_set: DataSet, marked: Annotations) -> tuple[DataSet, list[str]]:
    """The scenes with annotations, and what is to be told of the others."""
    without = [scene.name for scene in data_set.scenes if scene.name not in marked.objects]
    kept = tuple(scene for scene in data_set.scenes if scene.name in marked.objects)
    if not kept:
        raise DataError(f"{shown(marked.place)}: none of the scenes that are looked at has annotations")
    sizes = PictureSizes(data_set)
    damaged = [name for name in without if sizes.get(name) is None]
    unmarked = [name for name in without if name not in damaged]
    told = [
        f"{len(names)} scenes {what} are left out: {', '.join(map(shown, names[:5]))}{' …' if len(names) > 5 else ''}"
        for names, what in ((damaged, "whose visible picture cannot be read"), (unmarked, "without annotations"))
        if names
    ]
    return replace(data_set, scenes=kept), told


def _refuse_unseen(names: Sequence[str], every: Sequence[DataSet], taken: Sequence[DataSet]) -> None:
    there, seen = ({scene.name for one in sets for scene in one.scenes} for sets in (every, taken))
    unseen = [name for name in names if name in there and name not in seen]
    if unseen:
        raise UsageError(
            f"{shown(unseen[0])!r} has no annotations, or is not in the part that is looked at (--part all: both)"
        )


def _refuse_names(contenders: Sequence[Contender], sets: Sequence[DataSet]) -> None:
    for data_set in sets:
        for name in source_names(data_set):
            if any(one.name == name for one in contenders):
                raise UsageError(f"a model is called {name!r}, as a source is; call it otherwise: NAME=PATH")

"""Pictures and objects of a benchmark as training sets for YOLO: one per method, all with one split."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from filecmp import cmp
from pathlib import Path

from imfuse.bench.detection_plan import DetectionPlan, Method, PictureSizes
from imfuse.bench.results import BenchResults
from imfuse.bench.runner import why_failed
from imfuse.bench.store import write_text
from imfuse.bench.views import display
from imfuse.bench.yolo_readme import readme
from imfuse.data.sets import DataSet, Scene
from imfuse.detection import Annotations
from imfuse.detection.split import Split
from imfuse.errors import SourceError, UsageError
from imfuse.io import open_source, save_image
from imfuse.io.atomic import atomic_path
from imfuse.io.naming import shown
from imfuse.outputs import make_folder

_TAKEN_AS_THEY_ARE = (".png", ".jpg", ".jpeg", ".bmp")
_PARTS = ("train", "val")


@dataclass(frozen=True)
class Exported:
    """What became of an export.

    Attributes:
        folder: where it is.
        written: how many pictures were written; the others were there.
        pictures: how many there are.
        failures: why a picture is not there, by ``METHOD · SCENE``.
        interrupted: whether the export was stopped before its end.
    """

    folder: Path
    written: int
    pictures: int
    failures: dict[str, str]
    interrupted: bool = False


def check_export(plan: DetectionPlan, folder: Path) -> None:
    """Refuse early what cannot be exported.

    Raises:
        UsageError: several data sets, or the folder is the data set's, the benchmark's or holds another split.
    """
    if len(plan.bench.data_sets) != 1:
        raise UsageError("--export-yolo writes one data set, but several are given; give one")
    (data_set,) = plan.bench.data_sets
    for taken in (data_set.folder, plan.bench.folder):
        if folder.resolve() == taken.resolve():
            raise UsageError(f"{shown(folder)}: is taken by other pictures; give another folder to --export-yolo")
    for part, scenes in _parts(data_set, plan.splits[data_set.name]).items():
        # Pictures of another split would stay in the wrong part, and be trained on and tested with.
        if (folder / f"{part}.txt").exists() and (folder / f"{part}.txt").read_text(encoding="utf-8") != _list(scenes):
            raise UsageError(f"{shown(folder)}: holds another split of pictures; give another folder to --export-yolo")


def export_yolo(
    plan: DetectionPlan,
    bench: BenchResults,
    folder: Path,
    *,
    progress: Callable[[str, int], None] = lambda words, done: None,
    stop: Callable[[], bool] = lambda: False,
) -> Exported:
    """Write ``METHOD/images|labels/train|val/``, ``METHOD/data.yaml``, ``train.txt``, ``val.txt`` and ``README.md``.

    Pictures are copied as they are where YOLO can read them, and saved as 8-bit PNG where not. A picture that is there
    and equal stays; one that fails is told and left out of that method's set alone.

    Args:
        plan: what is exported, with all scenes of both parts.
        bench: the fused pictures, of :func:`imfuse.bench.runner.run_bench` with ``plan.bench``.
        folder: where it goes.
        progress: told before every picture.
        stop: asked before every picture.

    Raises:
        UsageError: as for :func:`check_export`.
        OutputError: the folder cannot be written to.
    """
    check_export(plan, folder)
    (data_set,) = plan.bench.data_sets
    split, marked = plan.splits[data_set.name], plan.annotations[data_set.name]
    methods = plan.methods(data_set)
    work = _Export(plan, bench, data_set, folder)
    make_folder(folder)
    for part, scenes in work.parts.items():
        write_text(folder / f"{part}.txt", _list(scenes))
    for method in methods:
        for part, scenes in work.parts.items():
            for kind in ("images", "labels"):
                make_folder(folder / method.name / kind / part)
            for scene in scenes:
                if stop():
                    return work.result(interrupted=True)
                progress(f"{method.name} · {scene.name}", work.done)
                work.write(method, part, scene)
        write_text(folder / method.name / "data.yaml", _data_yaml(folder / method.name, marked))
    counts = {part: len(scenes) for part, scenes in work.parts.items()}
    remarks = plan.remarks[data_set.name]
    names = [method.name for method in methods]
    text = readme(data_set, folder, names, split, counts, remarks, _same_pictures(plan, methods))
    write_text(folder / "README.md", text)
    return work.result()


def _same_pictures(plan: DetectionPlan, methods: Sequence[Method]) -> list[str]:
    """The options by which a benchmark compares the same methods on the pictures that are there."""
    models, others = [], []
    for one in (method.contender for method in methods if method.contender is not None):
        if one.card is None:
            others += ["--fused", f"{one.name}={one.folder}"]
        else:
            models.append(one.name if one.reference == one.name else f"{one.name}={one.reference}")
    return ["--models", ",".join(models), *others, "-o", str(plan.bench.folder)]


class _Export:
    """The work on single pictures, and its account."""

    def __init__(self, plan: DetectionPlan, bench: BenchResults, data_set: DataSet, folder: Path) -> None:
        self._marked, self._sizes = plan.annotations[data_set.name], PictureSizes(data_set)
        self._rows = {row.key: row for row in bench.rows}
        self._plan, self._data_set, self._folder = plan, data_set, folder
        self.parts = _parts(data_set, plan.splits[data_set.name])
        self.done = self._written = 0
        self._failures: dict[str, str] = {}

    def write(self, method: Method, part: str, scene: Scene) -> None:
        """One picture with its labels."""
        self.done += 1
        place = self._folder / method.name
        label = place / "labels" / part / f"{scene.name}.txt"
        try:
            source = self._picture(method, scene)
            self._written += _put(source, place / "images" / part, scene.name)
            text = _labels(self._marked, scene.name, self._sizes)
            if not label.is_file() or label.read_text(encoding="utf-8") != text:
                write_text(label, text)
        except Exception as error:
            self._failures[f"{method.name} · {scene.name}"] = why_failed(error)
            label.unlink(missing_ok=True)

    def _picture(self, method: Method, scene: Scene) -> Path:
        if method.source is not None:
            return scene.sources[method.source]
        row = self._rows.get((self._data_set.name, method.name, scene.name))
        if row is None or not row.picture:
            raise SourceError(row.error if row is not None else f"{shown(scene.name)}: was not fused")
        return self._plan.bench.folder / row.picture

    def result(self, *, interrupted: bool = False) -> Exported:
        """The account."""
        return Exported(self._folder, self._written, self.done, self._failures, interrupted)


def _parts(data_set: DataSet, split: Split) -> dict[str, list[Scene]]:
    named = zip(_PARTS, (set(split.train), set(split.test)), strict=True)
    return {part: [scene for scene in data_set.scenes if scene.name in names] for part, names in named}


def _list(scenes: Sequence[Scene]) -> str:
    return "".join(f"{scene.name}\n" for scene in scenes)


def _put(source: Path, folder: Path, stem: str) -> bool:
    """Put a picture into a folder; whether it was written, or there and equal."""
    plain = source.suffix.lower() in _TAKEN_AS_THEY_ARE and open_source(source).dtype == "uint8"
    target = folder / (stem + (source.suffix.lower() if plain else ".png"))
    if not plain:
        save_image(target, display(source), overwrite=True)
        return True
    if target.is_file() and cmp(source, target, shallow=False):
        return False
    with atomic_path(target, overwrite=True) as made:
        shutil.copyfile(source, made)
    return True


def _labels(marked: Annotations, scene: str, sizes: PictureSizes) -> str:
    """The lines of a label file: class, centre, width and height in parts of the picture; crowds are no objects."""
    height, width = sizes.get(scene) or (1, 1)
    lines = []
    for one in marked.objects[scene]:
        if not one.crowd:
            left, top, right, bottom = one.box
            x, y = (left + right) / 2 / width, (top + bottom) / 2 / height
            numbers = (x, y, (right - left) / width, (bottom - top) / height)
            lines.append(f"{marked.classes.index(one.label)} " + " ".join(f"{number:.6f}" for number in numbers))
    return "".join(f"{line}\n" for line in lines)


def _data_yaml(folder: Path, marked: Annotations) -> str:
    """The description that YOLO reads; texts as JSON writes them are YAML too."""
    names = "".join(f"  {place}: {json.dumps(name, ensure_ascii=False)}\n" for place, name in enumerate(marked.classes))
    path = json.dumps(str(folder.resolve()), ensure_ascii=False)
    return f"path: {path}\ntrain: images/train\nval: images/val\nnames:\n{names}"

"""Running a benchmark of detection: what detectors find on sources and on fused pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from imfuse.bench.detection_plan import METHOD, DetectionPlan, Method, PictureSizes
from imfuse.bench.detection_store import DetectionStore
from imfuse.bench.results import BenchResults
from imfuse.bench.runner import why_failed
from imfuse.bench.views import display
from imfuse.data.sets import DataSet, Scene
from imfuse.detection import Detections, Detector, Precision, average_precision, open_detector
from imfuse.detection.precision import check_precision
from imfuse.errors import ImfuseError, SourceError, UsageError
from imfuse.io.naming import shown
from imfuse.registry import file_hash

Progress = Callable[[str, int], None]
"""Called with what is begun, in words, and the number of pictures before it."""


@dataclass(frozen=True)
class Standing:
    """How well objects are found on the pictures of one method.

    Attributes:
        data_set: name of the data set.
        method: whose pictures these are.
        detector: file or name of the detector.
        precision: of the classes that the detector knows; None if there is no picture.
        found: what was found, by scene, labels as indices into the classes of the annotations.
        failures: why a scene does not count, by its name.
    """

    data_set: str
    method: Method
    detector: str
    precision: Precision | None
    found: Mapping[str, Detections]
    failures: Mapping[str, str]


@dataclass(frozen=True)
class DetectionResults:
    """What a benchmark of detection gave.

    Attributes:
        plan: what was asked for.
        bench: the fusing.
        standings: of the methods that were reached, data set by data set, in the plan's order.
        made: how many pictures were looked at in this run; the others had been looked at, or failed.
        interrupted: whether the run was stopped before its end.
    """

    plan: DetectionPlan
    bench: BenchResults
    standings: tuple[Standing, ...]
    made: int
    interrupted: bool = False

    def of(self, data_set: DataSet) -> list[Standing]:
        """Those of one data set."""
        return [one for one in self.standings if one.data_set == data_set.name]


def check_detectors(plan: DetectionPlan) -> None:
    """Open what can be opened, so that nothing is fused in vain.

    Raises:
        UsageError: a detector for all methods cannot be used, or there is none for any of them.
        WeightsError: likewise.
        MissingExtraError: what runs or scores it is not installed.
    """
    check_precision()
    errors: list[ImfuseError] = []
    every = [(plan.reference(method), one.name) for one in plan.bench.data_sets for method in plan.methods(one)]
    references = list(dict.fromkeys(every))
    for reference, name in references:
        try:
            detector = open_detector(reference, plan.options)
            matched(detector.names, plan.annotations[name].classes, plan.same)
        except ImfuseError as error:
            errors.append(error)
    if errors and (METHOD not in plan.detector or len(errors) == len(references)):
        raise errors[0]


def run_detection(
    plan: DetectionPlan,
    bench: BenchResults,
    *,
    progress: Progress = lambda words, done: None,
    stop: Callable[[], bool] = lambda: False,
    overwrite: bool = False,
) -> DetectionResults:
    """Look at all pictures of a plan, and compare what is found with what is marked.

    What was found in an earlier run by the same detector in the same picture is kept. A picture or a detector that
    fails is noted, and the rest goes on.

    Args:
        plan: what to do.
        bench: the fused pictures, of :func:`imfuse.bench.runner.run_bench` with ``plan.bench``.
        progress: told before every picture.
        stop: asked before every picture; once it says yes, no more are begun.
        overwrite: look at all pictures again.

    Raises:
        OutputError: the folder cannot be written to.
        MissingExtraError: pycocotools is not installed.
    """
    standings: list[Standing] = []
    done = made = 0
    opened = _Opened(plan)
    for data_set in plan.bench.data_sets:
        work = _DataSetWork(plan, bench, data_set, overwrite)
        for method in plan.methods(data_set):
            run = _MethodRun(work, method, opened)
            for scene in data_set.scenes:
                if stop():
                    return DetectionResults(plan, bench, tuple(standings), made, interrupted=True)
                progress(f"{data_set.name} · {method.name} · {scene.name}", done)
                made += run.look_at(scene)
                done += 1
            standings.append(run.standing())
    return DetectionResults(plan, bench, tuple(standings), made)


def matched(names: Sequence[str], classes: Sequence[str], same: Mapping[str, str]) -> dict[int, int]:
    """Classes of a detector → those of annotations, as indices; upper and lower case are the same.

    Args:
        names: of the detector's classes.
        classes: of the annotations'.
        same: what a class of the detector is called in the annotations, where that differs.

    Raises:
        UsageError: none is the same, or `same` names what is not there.
    """
    places = {name.casefold(): place for place, name in enumerate(classes)}
    known = {name.casefold() for name in names}
    for mine, theirs in same.items():
        if mine.casefold() not in known or theirs.casefold() not in places:
            raise UsageError(
                f"--same-class {mine}={theirs}: the detector knows {_some(names)}, the annotations {_some(classes)}"
            )
    renamed = {mine.casefold(): theirs.casefold() for mine, theirs in same.items()}
    found = {
        number: places[called]
        for number, name in enumerate(names)
        if (called := renamed.get(name.casefold(), name.casefold())) in places
    }
    if not found:
        raise UsageError(
            f"the detector knows {_some(names)}, the annotations {_some(classes)}: no class in common; say which are "
            f"the same: --same-class {names[0]}={classes[0]}"
        )
    return found


class _Opened:
    """The detector in use: one in memory at a time; one that cannot be opened fails the same way again."""

    def __init__(self, plan: DetectionPlan) -> None:
        self._plan = plan
        self._last: tuple[str, Detector | Exception] | None = None

    def get(self, reference: str) -> Detector:
        if self._last is None or self._last[0] != reference:
            try:
                self._last = reference, open_detector(reference, self._plan.options)
            except Exception as error:
                self._last = reference, error
        found = self._last[1]
        if isinstance(found, Exception):
            raise found
        return found


class _DataSetWork:
    """What all methods of a data set share: the marked objects, and where pictures are."""

    def __init__(self, plan: DetectionPlan, bench: BenchResults, data_set: DataSet, overwrite: bool) -> None:
        self.plan, self.data_set, self.overwrite = plan, data_set, overwrite
        self.annotations = plan.annotations[data_set.name]
        self.sizes = PictureSizes(data_set)
        self._rows = {row.key: row for row in bench.rows_of(data_set)}
        self._hashes: dict[Path, str] = {}

    def picture(self, method: Method, scene: Scene) -> tuple[Path, str]:
        """A picture and its hash.

        Raises:
            SourceError: there is none.
        """
        if method.source is not None:
            path = scene.sources[method.source]
            if path not in self._hashes:
                self._hashes[path] = file_hash(path)
            return path, self._hashes[path]
        row = self._rows.get((self.data_set.name, method.name, scene.name))
        if row is None or not row.picture:
            raise SourceError(row.error if row is not None else f"{shown(scene.name)}: was not fused")
        return self.plan.bench.folder / row.picture, row.picture_sha256


class _MethodRun:
    """The work on the pictures of one method."""

    def __init__(self, work: _DataSetWork, method: Method, opened: _Opened) -> None:
        self._work, self._method, self._opened = work, method, opened
        self._reference = work.plan.reference(method)
        self._store = DetectionStore(work.plan.bench.folder, work.data_set.name, method.name)
        self._found: dict[str, Detections] = {}
        self._failures: dict[str, str] = {}

    def look_at(self, scene: Scene) -> bool:
        """Find what is in a picture, or what was found earlier; whether it was looked at now."""
        try:
            detector = self._opened.get(self._reference)
            path, digest = self._work.picture(self._method, scene)
            kept = None if self._work.overwrite else self._store.get(scene.name, digest, detector.fingerprint)
            if kept is None:
                looked = self._detected(detector, path, scene)
                self._found[scene.name] = self._store.put(scene.name, digest, detector.fingerprint, looked)
            else:
                self._found[scene.name] = kept
            return kept is None
        except Exception as error:
            self._failures[scene.name] = why_failed(error)
            return False

    def _detected(self, detector: Detector, path: Path, scene: Scene) -> Detections:
        """Boxes in pixels of the visible picture, in which the objects are marked."""
        pixels = rgb(path)
        found = detector.detect(pixels)
        height, width = self._work.sizes.get(scene.name) or pixels.shape[:2]
        return found.scaled(width / pixels.shape[1], height / pixels.shape[0])

    def standing(self) -> Standing:
        """How well the marked objects were found."""
        work, classes = self._work, self._work.annotations.classes
        place = work.data_set.name, self._method, self._reference
        try:
            numbers = matched(self._opened.get(self._reference).names, classes, work.plan.same)
        except Exception as error:
            failures = {scene.name: why_failed(error) for scene in work.data_set.scenes}
            return Standing(*place, None, {}, failures)
        found = {scene: renumbered(one, numbers) for scene, one in self._found.items()}
        if not found:
            return Standing(*place, None, {}, self._failures)
        truth = {scene: work.annotations.objects[scene] for scene in found}
        known = [name for index, name in enumerate(classes) if index in numbers.values()]
        return Standing(*place, average_precision(truth, _among(found, classes, known), known), found, self._failures)


def renumbered(found: Detections, numbers: Mapping[int, int]) -> Detections:
    """With other labels; boxes whose label has no other are left out."""
    kept = found.take(np.isin(found.labels, list(numbers)))
    labels = np.array([numbers[int(label)] for label in kept.labels], np.int64)
    return Detections(kept.boxes, kept.scores, labels)


def _among(found: Mapping[str, Detections], classes: Sequence[str], known: Sequence[str]) -> dict[str, Detections]:
    """Labels as indices into the known classes."""
    numbers = {classes.index(name): place for place, name in enumerate(known)}
    return {scene: renumbered(one, numbers) for scene, one in found.items()}


def rgb(path: Path) -> NDArray[np.uint8]:
    """A picture as detectors take it, (H, W, 3) with 8 bits; gray three times.

    Raises:
        SourceError: it cannot be read.
    """
    pixels = display(path)
    return pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2)


def _some(names: Sequence[str]) -> str:
    told = ", ".join(map(shown, names[:8]))
    return f"{told} and {len(names) - 8} more" if len(names) > 8 else told

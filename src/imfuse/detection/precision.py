"""COCO's average precision of what detectors found."""

from __future__ import annotations

import contextlib
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np

from imfuse.detection.annotations import AnnotatedObject
from imfuse.detection.boxes import Detections
from imfuse.errors import MissingExtraError

DEFINITION = (
    "AP@[0.5:0.95] of COCO as pycocotools computes it: per class the precision at 101 recalls, interpolated, averaged "
    "over the overlaps (IoU) 0.50, 0.55 … 0.95; all areas, the 100 best boxes of a picture and class. mAP is the mean "
    "over the classes."
)
"""What the figures are, in words."""


@dataclass(frozen=True)
class ClassPrecision:
    """How well one class is found.

    Attributes:
        name: of the class.
        average: AP@[0.5:0.95]; NaN if no picture shows an object of it.
        at_half: AP@0.5, likewise.
        objects: how many there are, crowds not counted.
    """

    name: str
    average: float
    at_half: float
    objects: int


@dataclass(frozen=True)
class Precision:
    """How well all classes are found.

    Attributes:
        classes: one for each.
        pictures: how many were looked at.
    """

    classes: tuple[ClassPrecision, ...]
    pictures: int

    @property
    def mean(self) -> float:
        """mAP@[0.5:0.95]: over the classes that there are objects of; NaN if there are none."""
        return _mean([one.average for one in self.classes])

    @property
    def mean_at_half(self) -> float:
        """mAP@0.5, likewise."""
        return _mean([one.at_half for one in self.classes])


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return fmean(known) if known else math.nan


def check_precision() -> None:
    """Refuse early where nothing can be scored.

    Raises:
        MissingExtraError: pycocotools is not installed.
    """
    try:
        import pycocotools.cocoeval  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("average precision", "detect") from error


def average_precision(
    truth: Mapping[str, Sequence[AnnotatedObject]], found: Mapping[str, Detections], classes: Sequence[str]
) -> Precision:
    """Compare what was found with what is there.

    Args:
        truth: the objects of every picture that is looked at, by its name; those of other classes do not count.
        found: what was found there, labels as indices into `classes`; nothing where a picture is not in it.
        classes: names of the classes that count.

    Raises:
        MissingExtraError: pycocotools is not installed.
    """
    check_precision()
    from pycocotools.cocoeval import COCOeval

    numbers = {name: number for number, name in enumerate(truth, start=1)}
    places = {name: place for place, name in enumerate(classes)}
    there = [
        _entry(numbers[name], places[one.label], one.box, iscrowd=int(one.crowd))
        for name, objects in truth.items()
        for one in objects
        if one.label in places
    ]
    seen = [
        _entry(numbers[name], int(label), box, score=float(score), iscrowd=0)
        for name in truth
        if (one := found.get(name)) is not None
        for box, score, label in zip(one.boxes, one.scores, one.labels, strict=True)
    ]
    with contextlib.redirect_stdout(io.StringIO()):  # pycocotools talks
        run = COCOeval(_coco(there, numbers, classes), _coco(seen, numbers, classes), "bbox")
        run.evaluate()
        run.accumulate()
    table = run.eval["precision"][:, :, :, 0, -1]  # overlaps, recalls, classes; all areas, 100 boxes
    counts = [sum(one["category_id"] == place + 1 and not one["iscrowd"] for one in there) for place in places.values()]
    every = [
        ClassPrecision(name, _average(table[:, :, place]), _average(table[0, :, place]), counts[place])
        for name, place in places.items()
    ]
    return Precision(tuple(every), len(truth))


def _average(values: Any) -> float:
    """Mean of the precisions; pycocotools writes −1 for a class without objects."""
    return math.nan if not values.size or values.min() < 0 else float(np.mean(values))


def _entry(image: int, place: int, box: Sequence[float], **more: float) -> dict[str, Any]:
    left, top, right, bottom = map(float, box)
    width, height = right - left, bottom - top
    return {
        "image_id": image,
        "category_id": place + 1,
        "bbox": [left, top, width, height],
        "area": width * height,
        **more,
    }


def _coco(entries: list[dict[str, Any]], numbers: Mapping[str, int], classes: Sequence[str]) -> Any:
    """A set of boxes as pycocotools keeps it; numbers begin at 1, since it takes 0 for "no match"."""
    from pycocotools.coco import COCO

    coco = COCO()
    coco.dataset = {
        "images": [{"id": number} for number in numbers.values()],
        "annotations": [{"id": number, **entry} for number, entry in enumerate(entries, start=1)],
        "categories": [{"id": place + 1, "name": name} for place, name in enumerate(classes)],
    }
    coco.createIndex()
    return coco

"""Boxes that a detector found: what it gives back, and the suppression of those that lie on better ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.float64]
"""(N, 4): left, top, right and bottom edge in pixels; the left edge of the first pixel is 0."""


@dataclass(frozen=True)
class Detections:
    """What a detector found in one picture, best score first.

    Attributes:
        boxes: (N, 4) left, top, right and bottom edge in pixels.
        scores: (N,) in [0, 1].
        labels: (N,) indices into the detector's names of classes.
    """

    boxes: Boxes
    scores: NDArray[np.float64]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.scores)

    def take(self, places: NDArray[np.intp] | NDArray[np.bool_]) -> Detections:
        """Some of them."""
        return Detections(self.boxes[places], self.scores[places], self.labels[places])

    def scaled(self, across: float, down: float) -> Detections:
        """As they lie in a picture of another size."""
        return Detections(self.boxes * (across, down, across, down), self.scores, self.labels)

    def usable(self, confidence: float) -> Detections:
        """Those of at least this score whose numbers are numbers and whose boxes have an area."""
        finite = np.isfinite(self.boxes).all(axis=1) & np.isfinite(self.scores)
        wide = (self.boxes[:, 2] > self.boxes[:, 0]) & (self.boxes[:, 3] > self.boxes[:, 1])
        return self.take(finite & wide & (self.scores >= confidence))

    def best(self, limit: int) -> Detections:
        """The best ones, best first; of equal scores the earlier first."""
        return self.take(np.argsort(-self.scores, kind="stable")[:limit])


def overlap(box: Boxes, others: Boxes) -> NDArray[np.float64]:
    """Intersection over union of one box (4,) with N others (N, 4), (N,); 0 where neither has an area."""
    sides = np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])
    shared = np.prod(np.maximum(sides, 0), axis=1)
    union = np.prod(box[2:] - box[:2]) + np.prod(others[:, 2:] - others[:, :2], axis=1) - shared
    ratio: NDArray[np.float64] = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return ratio


def suppress(found: Detections, threshold: float, limit: int) -> Detections:
    """Greedy non-maximum suppression, class by class.

    The best box stays, all of its class that overlap it by more than the threshold go, and so on.

    Args:
        found: in any order.
        threshold: intersection over union.
        limit: so many stay at most.
    """
    rest = found.best(len(found))
    kept: list[Detections] = []
    while len(rest) and len(kept) < limit:
        first = rest.take(np.arange(1))
        kept.append(first)
        hidden = (rest.labels == first.labels[0]) & (overlap(first.boxes[0], rest.boxes) > threshold)
        hidden[0] = True
        rest = rest.take(~hidden)
    return joined(kept)


def joined(parts: list[Detections]) -> Detections:
    """Several as one, in their order."""
    if not parts:
        return Detections(np.zeros((0, 4)), np.zeros(0), np.zeros(0, np.int64))
    return Detections(
        np.concatenate([part.boxes for part in parts]),
        np.concatenate([part.scores for part in parts]),
        np.concatenate([part.labels for part in parts]),
    )

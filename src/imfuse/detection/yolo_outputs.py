"""What exported YOLO networks give out, and the boxes in it.

========== ====================== ==========================================================================
layout     output                 content
========== ====================== ==========================================================================
yolov5     (1, N, 5 + classes)    centre x, centre y, width, height, objectness, score per class
yolov8     (1, 4 + classes, N)    centre x, centre y, width, height, score per class (v8, v9, v11, v12)
end-to-end (1, N, 6) or (N, 6)    left, top, right, bottom, score, class; the suppression is in the network
end-to-end (N, 7)                 batch, left, top, right, bottom, class, score (YOLOv7's export)
========== ====================== ==========================================================================

Coordinates are pixels of the network's input.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from imfuse.detection.boxes import Boxes, Detections

Layout = Literal["yolov5", "yolov8", "end-to-end"]
LAYOUTS: tuple[Layout, ...] = get_args(Layout)
"""Names of the layouts."""

_MOST_FINAL = 1000
"""End-to-end exports give 100 or 300 boxes, rarely more; grids have thousands of cells."""

_MOST_LABEL = 1e6

_MOST_CANDIDATES = 30_000
"""Of the best scores, that are suppressed among each other."""


def find_layout(shape: Sequence[int], classes: int, asked: Layout | None = None) -> Layout | None:
    """The layout of an output, None if it is none of them.

    One class makes (1, N, 6) ambiguous: it is taken for end-to-end up to 1,000 rows, for yolov5 beyond.

    Args:
        shape: of the output.
        classes: how many the detector knows.
        asked: what the user says that it is; only checked then.
    """
    fitting = [layout for layout in LAYOUTS if _fits(shape, classes, layout)]
    if asked is not None:
        return asked if asked in fitting else None
    if "end-to-end" in fitting and "yolov5" in fitting:
        return "end-to-end" if shape[-2] <= _MOST_FINAL else "yolov5"
    return fitting[0] if fitting else None


def _fits(shape: Sequence[int], classes: int, layout: Layout) -> bool:
    if layout == "end-to-end":
        return (len(shape) == 2 and shape[1] in (6, 7)) or (len(shape) == 3 and shape[0] == 1 and shape[2] == 6)
    if len(shape) != 3 or shape[0] != 1:
        return False
    return shape[2] == 5 + classes if layout == "yolov5" else shape[1] == 4 + classes


def decode(output: NDArray[Any], layout: Layout, confidence: float) -> Detections:
    """The boxes of an output in pixels of the input, those of at least this score.

    A cell of a grid gives one box for every class that reaches it, as YOLOv5's own validation has it.

    Args:
        output: of a shape that fits the layout.
        layout: its meaning.
        confidence: smallest score.
    """
    table = np.asarray(output, np.float64)
    if layout == "end-to-end":
        return _final(table.reshape(-1, table.shape[-1])).usable(confidence)
    if layout == "yolov5":
        cells = table[0]
        scores = cells[:, 5:] * cells[:, 4:5]
    else:
        cells = table[0].T
        scores = cells[:, 4:]
    rows, labels = np.nonzero(scores >= confidence)
    found = Detections(_corners(cells[rows, :4]), scores[rows, labels], labels.astype(np.int64))
    return found.usable(confidence).best(_MOST_CANDIDATES)


def _final(rows: NDArray[np.float64]) -> Detections:
    if rows.shape[1] == 7:
        boxes, labels, scores = rows[:, 1:5], rows[:, 5], rows[:, 6]
    else:
        boxes, scores, labels = rows[:, :4], rows[:, 4], rows[:, 5]
    known = np.abs(labels) < _MOST_LABEL  # nor NaN
    return Detections(boxes[known], scores[known], np.rint(labels[known]).astype(np.int64))


def _corners(centred: Boxes) -> Boxes:
    half = centred[:, 2:] / 2
    return np.concatenate([centred[:, :2] - half, centred[:, :2] + half], axis=1)

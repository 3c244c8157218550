"""Pictures of any size as a network of one size takes them: scaled as a whole, on a gray ground."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imfuse.detection.boxes import Detections

GROUND = 114
"""The gray of YOLO's letterbox."""


@dataclass(frozen=True)
class Letterbox:
    """Where a picture lies in the network's input.

    Attributes:
        across: pixels of the input per pixel of the picture, horizontally.
        down: likewise, vertically; the two differ by the rounding of sizes alone.
        left: first column of the picture in the input.
        top: first row.
        height: of the picture, in its own pixels.
        width: likewise.
    """

    across: float
    down: float
    left: int
    top: int
    height: int
    width: int

    def back(self, found: Detections) -> Detections:
        """What was found in the input as it lies in the picture, cut at its edges; what lies outside is left out."""
        boxes = (found.boxes - (self.left, self.top, self.left, self.top)) / (
            self.across,
            self.down,
            self.across,
            self.down,
        )
        boxes = np.clip(boxes, 0, (self.width, self.height, self.width, self.height))
        return Detections(boxes, found.scores, found.labels).usable(0.0)


def letterbox(pixels: NDArray[np.uint8], height: int, width: int) -> tuple[NDArray[np.uint8], Letterbox]:
    """Scale a picture until it fits, and centre it.

    Args:
        pixels: (h, w, 3).
        height: of the input.
        width: of the input.

    Returns:
        The input (height, width, 3), and where the picture lies in it.
    """
    import cv2

    h, w = pixels.shape[:2]
    scale = min(height / h, width / w)
    new_h, new_w = max(1, round(h * scale)), max(1, round(w * scale))
    top, left = (height - new_h) // 2, (width - new_w) // 2
    canvas = np.full((height, width, 3), GROUND, np.uint8)
    resized = pixels if (new_h, new_w) == (h, w) else cv2.resize(pixels, (new_w, new_h), interpolation=cv2.INTER_LINEAR)
    canvas[top : top + new_h, left : left + new_w] = resized
    return canvas, Letterbox(new_w / w, new_h / h, left, top, h, w)

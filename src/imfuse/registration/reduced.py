"""Small gray copies of pictures, read by windows: what motions are estimated on."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, sqrt
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from imfuse.io import PixelSource
from imfuse.io.window import Window

Gray = NDArray[np.float32]

_STRIP = 1 << 20
"""Pixels that are read at once: a few MB, whatever the size of the picture."""

_BT601 = np.array([0.299, 0.587, 0.114], np.float32)


@dataclass(frozen=True, slots=True)
class Reduced:
    """A small gray copy.

    Attributes:
        gray: (h, w) float32, luma of the encoded values, in which the full range is 0…1.
        factor: side of the blocks of pixels whose mean each of its pixels is.
        low: the smallest value of the picture, in its own values.
        high: the largest.
    """

    gray: Gray
    factor: int
    low: float
    high: float


def reduction(height: int, width: int, pixels: int) -> int:
    """Side of the blocks that bring a picture to about ``pixels`` pixels or fewer."""
    return min(max(1, ceil(sqrt(height * width / pixels))), height, width)


def reduced(source: PixelSource, pixels: int) -> Reduced:
    """A small gray copy of a picture: means of square blocks, so large that about ``pixels`` of them are left.

    What does not fill a block at the right and at the bottom is left out. The picture is read in strips.

    Raises:
        SourceError: the picture cannot be read.
    """
    factor = reduction(source.height, source.width, pixels)
    height, width = source.height // factor, source.width // factor
    gray = np.empty((height, width), np.float32)
    rows = max(1, _STRIP // (factor * source.width))
    low, high = [], []
    for top in range(0, height, rows):
        count = min(rows, height - top)
        strip = source.read(Window(top * factor, 0, count * factor, source.width))
        low.append(float(strip.min()))
        high.append(float(strip.max()))
        gray[top : top + count] = _gray(_blocks(strip[:, : width * factor], factor), source.full_range)
    return Reduced(gray, factor, min(low), max(high))


def _blocks(strip: NDArray[Any], factor: int) -> NDArray[Any]:
    """Means of square blocks, (h, w, C)."""
    if factor == 1:
        return strip
    height, width = strip.shape[0] // factor, strip.shape[1] // factor
    return cv2.resize(strip, (width, height), interpolation=cv2.INTER_AREA).reshape(height, width, -1)


def _gray(pixels: NDArray[Any], full_range: tuple[float, float]) -> Gray:
    """Luma, in which the full range is 0…1; values that are no numbers are refused where the levels are found."""
    values = pixels.astype(np.float32)
    luma = values @ _BT601 if values.shape[2] == 3 else values.mean(-1)
    unit = (luma - np.float32(full_range[0])) / np.float32(full_range[1] - full_range[0])
    return np.asarray(np.nan_to_num(unit, nan=0.0, posinf=1.0, neginf=0.0), np.float32)

"""The loop of :mod:`imfuse.ops.fast_guided_filter`; it needs numba."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imfuse.ops.compiling import compiled

Map = NDArray[np.float32]


@compiled(fastmath=True)
def line_of_coarse(slopes: Map, offsets: Map, guides: Map, scale: int, out: Map) -> None:
    """Write ``↑slope · guide + ↑offset``, the coefficients interpolated bilinearly and never held at full size.

    A coarse row is interpolated along its columns once, and two of them make the fine rows that lie between.

    Args:
        slopes: (n, h, w).
        offsets: likewise.
        guides: (n, H, W) with H ≤ scale · h and W ≤ scale · w.
        scale: fine pixels per coarse one.
        out: like the guides.
    """
    maps, height, width = guides.shape
    upper, lower = np.empty((2, width), np.float32), np.empty((2, width), np.float32)
    for index in range(maps):
        slope, offset, held = slopes[index], offsets[index], -1
        for row in range(height):
            place = max((row + 0.5) / scale - 0.5, 0.0)
            first = min(int(place), len(slope) - 1)
            if first != held:
                second = min(first + 1, len(slope) - 1)
                _interpolate(slope[first], scale, upper[0])
                _interpolate(offset[first], scale, upper[1])
                _interpolate(slope[second], scale, lower[0])
                _interpolate(offset[second], scale, lower[1])
                held = first
            share = np.float32(place - first)
            guide, line = guides[index, row], out[index, row]
            a, b, below, other = upper[0], upper[1], lower[0], lower[1]
            for j in range(width):
                line[j] = (a[j] + share * (below[j] - a[j])) * guide[j] + b[j] + share * (other[j] - b[j])


@compiled(fastmath=True)
def _interpolate(coarse: Map, scale: int, out: Map) -> None:
    last = len(coarse) - 1
    for j in range(len(out)):
        place = max((j + 0.5) / scale - 0.5, 0.0)
        first = min(int(place), last)
        share = np.float32(place - first)
        out[j] = coarse[first] + share * (coarse[min(first + 1, last)] - coarse[first])

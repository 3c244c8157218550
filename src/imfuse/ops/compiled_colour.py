"""The loops of :mod:`imfuse.ops.colour`, the histogram of the stretch and the count of what is beyond; they need numba.

All maps are float32; planes are (n,), with the pixels in any order.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imfuse.ops.compiling import compiled

Map = NDArray[np.float32]

_RUN = 1024
"""Pixels that are looked at in all channels before the next ones are."""

_STRICT = {"contract", "nsz"}
"""So the compiler may take min and max for instructions, and not what is no number for anything else."""


@compiled(_STRICT)
def add_chroma(rgb: Map, y: Map, scales: Map, weighted: Map, weights: Map) -> None:
    """Add |d| d and |d| of the distances d of blue and red from luma, divided by their scales, to sums (2, n)."""
    for plane in range(2):
        channel, scale = rgb[2 - 2 * plane], scales[plane]
        sums, counts = weighted[plane], weights[plane]
        for i in range(len(y)):
            distance = (channel[i] - y[i]) / scale
            weight = abs(distance)
            sums[i] += weight * distance
            counts[i] += weight


@compiled(_STRICT)
def merged_chroma(weighted: Map, weights: Map, y: Map, factors: Map, tiny: float, rgb: Map) -> None:
    """The colours (3, n) of a luma with the weighted means of the distances, paled until they lie in [0, 1].

    Args:
        weighted: Σ |d| d of blue and red, (2, n).
        weights: Σ |d|.
        y: (n,).
        factors: of the distances in blue and red, and of those two in green.
        tiny: the least divisor.
        rgb: the result.
    """
    red, green, blue = rgb[0], rgb[1], rgb[2]
    blues, reds, blue_weights, red_weights = weighted[0], weighted[1], weights[0], weights[1]
    zero, one, least = np.float32(0), np.float32(1), np.float32(tiny)
    to_blue, to_red, blue_to_green, red_to_green = factors[0], factors[1], factors[2], factors[3]
    for i in range(len(y)):
        luma = y[i]
        b = to_blue * blues[i] / max(blue_weights[i], least)
        r = to_red * reds[i] / max(red_weights[i], least)
        g = blue_to_green * b + red_to_green * r
        high, low = max(r, g, b), max(-r, -g, -b)
        kept = min((one - luma) / max(high, least), luma / max(low, least))
        kept = min(max(kept, zero), one)
        red[i], green[i], blue[i] = luma + kept * r, luma + kept * g, luma + kept * b


@compiled(_STRICT)
def pale(rgb: Map, y: Map, tiny: float) -> None:
    """Take colours (3, n) towards their luma until they lie in [0, 1]: :func:`imfuse.ops.colour.pale_`."""
    red, green, blue = rgb[0], rgb[1], rgb[2]
    zero, one, least = np.float32(0), np.float32(1), np.float32(tiny)
    for i in range(len(y)):
        r, g, b, luma = red[i], green[i], blue[i], y[i]
        high, low = max(r, g, b), min(r, g, b)
        kept = min((one - luma) / max(high - luma, least), luma / max(luma - low, least))
        kept = min(max(kept, zero), one)
        lost = one - kept
        red[i] = r + lost * (luma - r)
        green[i] = g + lost * (luma - g)
        blue[i] = b + lost * (luma - b)


@compiled(_STRICT)
def count_values(values: Map, low: float, per_unit: float, counts: NDArray[np.int64]) -> None:
    """Count values (n,) in bins, of which there are so many per unit from ``low`` on; what lies beyond at the ends."""
    first, last = np.float32(0), np.float32(len(counts) - 1)
    start, scale = np.float32(low), np.float32(per_unit)
    for i in range(len(values)):
        counts[int(min(max(np.rint((values[i] - start) * scale), first), last))] += 1


@compiled(_STRICT)
def count_beyond(planes: Map, low: float, high: float) -> int:
    """How many pixels of planes (C, n) have a channel below or above."""
    least, most, count = np.float32(low), np.float32(high), 0
    outside = np.empty(_RUN, np.uint8)
    for left in range(0, planes.shape[1], _RUN):
        run = min(_RUN, planes.shape[1] - left)
        outside[:] = 0
        for channel in range(planes.shape[0]):
            values = planes[channel, left : left + run]
            for i in range(run):
                outside[i] |= (values[i] < least) | (values[i] > most)
        for i in range(run):
            count += outside[i]
    return count

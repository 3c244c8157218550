"""The map of :mod:`imfuse.blocks.coded_map` by compiled loops: a code never leaves the processor's first caches."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from types import ModuleType
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from imfuse.blocks.dcu_stack import Folded
from imfuse.ops.compiling import loops_for
from imfuse.ops.padding import reflected_indices

Map = NDArray[np.float32]

LOOPS = "imfuse.blocks.compiled_loops"

_TAPS = 9
_WORTH = 1 << 17
"""Pixels that are worth a thread, which takes milliseconds to get a processor of its own."""


def compiled_map(folded: Sequence[Folded], head: Tensor, picture: Tensor) -> Tensor | None:
    """Σ head · code, (H, W), of a picture (H, W).

    Every thread of torch's makes a band of rows, from as many more as these depend on.

    Args:
        folded: units of 3×3 soft-thresholded filters of one channel.
        head: (1, q), on codes divided by the gains.
        picture: the picture.

    Returns:
        None where the loops do not serve (:func:`imfuse.ops.compiling.loops_for`), the units are not of that kind, or
        the picture is smaller than their filters.
    """
    spacings = [unit.spacing for unit in folded]
    if any(len(unit.analysis) != _TAPS + 1 for unit in folded) or min(picture.shape) <= max(spacings):
        return None
    loops = loops_for(LOOPS, picture)
    if loops is None:
        return None
    stack = _Stack.of(folded, head, loops)
    pixels = picture.numpy()
    height, width = pixels.shape
    result = np.empty((height, width), np.float32)
    halo = stack.halos()[0] + spacings[0]
    least = max(halo, max(spacings) + 1, _WORTH // width)
    bands = max(min(torch.get_num_threads(), height // least), 1)
    edges = np.linspace(0, height, bands + 1).astype(int).tolist()

    def make(top: int, bottom: int) -> None:
        first, stop = max(top - halo, 0), min(bottom + halo, height)
        result[top:bottom] = stack.map(pixels[first:stop], loops, top - first, bottom - first)

    if bands == 1:
        make(0, height)
    else:
        with ThreadPoolExecutor(bands - 1) as pool:
            others = [pool.submit(make, *edge) for edge in pairwise(edges[1:])]
            make(*edges[:2])
        for other in others:
            other.result()
    return torch.from_numpy(result)


class _Stack(NamedTuple):
    """The units as the loops take them.

    Attributes:
        spacings: (n,).
        analysis: (n, q, 10).
        thresholds: (n, q).
        lasts: what is made of the code of every unit: the next one's filters, (9, q), and the head, (3, q).
    """

    spacings: NDArray[np.int64]
    analysis: Map
    thresholds: Map
    lasts: list[Map]

    @classmethod
    def of(cls, folded: Sequence[Folded], head: Tensor, loops: ModuleType) -> _Stack:
        """Filled up with zeros to what the loops do at a time."""
        filters = -(-head.shape[1] // loops.FILTERS) * loops.FILTERS
        lasts = [*(unit.synthesis for unit in folded if unit.synthesis is not None), head]
        return cls(
            np.array([unit.spacing for unit in folded]),
            np.stack([_array(unit.analysis.T, filters, _TAPS + 1) for unit in folded]),
            np.stack([_array(unit.high, filters) for unit in folded]),
            [_array(last, -(-len(last) // loops.TAPS) * loops.TAPS, filters) for last in lasts],
        )

    def halos(self) -> list[int]:
        """Rows above and below some of the map whose codes these depend on, for every unit."""
        later = 2 * self.spacings[1:]
        return [int(later[unit:].sum()) for unit in range(len(self.lasts))]

    def map(self, pixels: Map, loops: ModuleType, top: int, bottom: int) -> Map:
        """Rows of the map of a picture, from one to another, (bottom − top, W).

        What the filters of the next unit make of a code is taken from its residual at once, so that no more is in
        memory than one residual per unit; the codes themselves are made anew in every unit, from the residuals so far,
        which takes less time than to write and to read them.
        """
        height, width = pixels.shape
        units, margin = len(self.lasts), int(self.spacings.max())
        inside = slice(margin, margin + height), slice(margin, margin + width)
        residuals = np.empty((units, height + 2 * margin, width + 2 * margin), np.float32)
        residuals[:, inside[0], inside[1]] = pixels
        result = np.empty((height, width), np.float32)
        given = self.spacings, self.analysis, self.thresholds
        for unit, (last, halo) in enumerate(zip(self.lasts, self.halos(), strict=True)):
            _reflect(residuals[unit], margin)
            is_head = unit == units - 1
            out = result if is_head else residuals[unit + 1][inside]
            step = 0 if is_head else int(self.spacings[unit + 1])
            rows = max(top - halo, 0), min(bottom + halo, height)
            loops.code_rows(residuals[: unit + 1], *given, last, step, out, *rows)
        return result[top:bottom]


def _array(values: Tensor, *shape: int) -> Map:
    """The values, filled up with zeros to a shape."""
    filled = np.zeros(shape, np.float32)
    filled[tuple(map(slice, values.shape))] = values.detach().numpy()
    return filled


def _reflect(padded: Map, margin: int) -> None:
    """Fill the margin of a map with its reflection."""
    height, width = (side - 2 * margin for side in padded.shape)
    rows, columns = (reflected_indices(side, margin, torch.device("cpu")).numpy() for side in (height, width))
    middle = slice(margin, margin + height)
    for side in (slice(0, margin), slice(margin + width, None)):
        padded[middle, side] = padded[middle, columns[side] + margin]
    for side in (slice(0, margin), slice(margin + height, None)):
        padded[side] = padded[rows[side] + margin]

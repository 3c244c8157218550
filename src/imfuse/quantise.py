"""From the unit interval to the depth of the result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from imfuse.errors import UsageError
from imfuse.io.source import PixelSource
from imfuse.levels import Windowed
from imfuse.ops.colour import LOOPS
from imfuse.ops.compiling import flat, loops_for
from imfuse.ops.interleaving import interleaved

Depth = Literal[8, 16, "float"]
_DTYPES: dict[str, np.dtype[Any]] = {
    "8": np.dtype(np.uint8),
    "16": np.dtype(np.uint16),
    "float": np.dtype(np.float32),
}


@dataclass(frozen=True, slots=True)
class OutputDepth:
    """How results are stored: ``uint8`` 0…255, ``uint16`` 0…65535 or ``float32`` with black 0 and white 1."""

    dtype: np.dtype[Any]

    @property
    def is_float(self) -> bool:
        """Whether values are neither rounded nor clipped."""
        return self.dtype == np.float32

    @property
    def white(self) -> float:
        """The value of white."""
        return 1.0 if self.is_float else float(np.iinfo(self.dtype).max)

    def quantise(self, unit: Tensor, fitted: Callable[[Tensor], Tensor] | None = None) -> tuple[NDArray[Any], int]:
        """Pixels (h, w, C) of a tensor (C, h, w), and how many of them are beyond black or white.

        Integers are rounded to the nearest level and clipped; float is neither.

        Args:
            unit: black 0, white 1.
            fitted: what is done with the values before they are clipped.
        """
        tolerance = 1e-6 if self.is_float else 0.5 / self.white
        loops = loops_for(LOOPS, unit)
        if loops is not None:
            beyond = int(loops.count_beyond(flat(unit.unsqueeze(0)), -tolerance, 1 + tolerance))
        else:
            beyond = int((unit.amin(0) < -tolerance).logical_or_(unit.amax(0) > 1 + tolerance).sum())
        if self.is_float:
            return interleaved(unit.cpu().numpy()), beyond
        if fitted is not None:
            unit = fitted(unit)
        levels = (unit * self.white).round_().clamp_(0, self.white)
        # Signed 32 bits hold every level; torch has few kernels for unsigned 16.
        integers = levels.to(torch.uint8 if self.dtype == np.uint8 else torch.int32).cpu().numpy()
        return interleaved(integers.astype(self.dtype, copy=False)), beyond

    def convert_alpha(self, alpha: NDArray[Any], source: PixelSource) -> NDArray[Any]:
        """The source's alpha (h, w) in this depth; opaque is the white of the source's range."""
        full = source.full_range[1]
        if alpha.dtype == self.dtype and full == self.white:
            return alpha
        unit = alpha.astype(np.float64) / full
        if self.is_float:
            return unit.astype(np.float32)
        return np.rint(np.clip(unit, 0, 1) * self.white).astype(self.dtype)


def depth_notes(detail: PixelSource, depth: OutputDepth) -> list[str]:
    """What the report says where the result's levels are not those of the source."""
    low, high = detail.full_range
    if (low, high) == (0.0, depth.white):
        return []
    return [f"{detail.name}: {low:g}…{high:g} is stored as 0…{depth.white:g} ({depth.dtype})"]


def mixed_depth_notes(sources: Sequence[PixelSource], depth: OutputDepth) -> list[str]:
    """What the report says where pictures are deeper than the result."""
    # Values that are seen through a window are float whatever the depth of their file.
    deeper = [s for s in sources if s.dtype.itemsize > depth.dtype.itemsize and not isinstance(s, Windowed)]
    if not deeper or len(deeper) == len(sources):
        return []
    deepest = max(deeper, key=lambda source: source.dtype.itemsize)
    more = f" and {len(deeper) - 1} more" if len(deeper) > 1 else ""
    asked = "float" if deepest.dtype == np.float32 else str(8 * deepest.dtype.itemsize)
    return [f"{deepest.name}{more}: {deepest.dtype}, deeper than the result, {depth.dtype}; --depth {asked} keeps it"]


def check_depth(depth: Depth | str | None) -> None:
    """Refuse a depth that there is not.

    Raises:
        UsageError: it is none of 8, 16 and ``float``.
    """
    if depth is not None and str(depth) not in _DTYPES:
        raise UsageError(f"unknown depth {depth!r}: choose 8, 16 or float")


def output_depth(detail: PixelSource, depth: Depth | str | None) -> OutputDepth:
    """The depth asked for, or that of the source that carries the detail.

    Raises:
        UsageError: none of 8, 16 and ``float``.
    """
    check_depth(depth)
    return OutputDepth(np.dtype(detail.dtype) if depth is None else _DTYPES[str(depth)])

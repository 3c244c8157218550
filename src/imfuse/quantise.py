"""From the unit interval to the depth of the result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from imfuse.errors import UsageError
from imfuse.io.source import PixelSource

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
    def white(self) -> float:
        """The value of white."""
        return 1.0 if self.dtype == np.float32 else float(np.iinfo(self.dtype).max)

    def quantise(self, unit: Tensor) -> tuple[NDArray[Any], int]:
        """Pixels (h, w, C) of a tensor (C, h, w), and how many of them were clipped to black…white.

        Integers are rounded to the nearest level; float is neither rounded nor clipped.
        """
        if self.dtype == np.float32:
            return unit.permute(1, 2, 0).cpu().numpy(), 0
        half_a_level = 0.5 / self.white
        beyond = (unit < -half_a_level).logical_or_(unit > 1 + half_a_level)
        clipped = int(beyond.any(dim=0).sum())
        levels = (unit * self.white).round_().clamp_(0, self.white)
        # Signed 32 bits hold every level; torch has few kernels for unsigned 16.
        integers = levels.to(torch.int32).permute(1, 2, 0).cpu().numpy()
        return integers.astype(self.dtype), clipped

    def convert_alpha(self, alpha: NDArray[Any], source: PixelSource) -> NDArray[Any]:
        """The source's alpha (h, w) in this depth."""
        if alpha.dtype == self.dtype:
            return alpha
        full = 1.0 if np.issubdtype(alpha.dtype, np.floating) else source.full_range[1]
        unit = alpha.astype(np.float64) / full
        if self.dtype == np.float32:
            return unit.astype(np.float32)
        return np.rint(np.clip(unit, 0, 1) * self.white).astype(self.dtype)


def output_depth(detail: PixelSource, depth: Depth | str | None) -> OutputDepth:
    """The depth asked for, or that of the source that carries the detail.

    Raises:
        UsageError: none of 8, 16 and ``float``.
    """
    if depth is None:
        return OutputDepth(np.dtype(detail.dtype))
    try:
        return OutputDepth(_DTYPES[str(depth)])
    except KeyError:
        raise UsageError(f"unknown depth {depth!r}: choose 8, 16 or float") from None

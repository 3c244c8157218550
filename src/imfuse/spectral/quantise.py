"""From what a network gives back to the units and the type of the bands."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from imfuse.levels import Levels
from imfuse.spectral.pair import is_wide


def to_units(
    fused: Tensor, levels: Levels, dtype: np.dtype[Any], gone: NDArray[np.bool_] | None
) -> tuple[NDArray[Any], int]:
    """Values (bands, H, W) in the units of the bands, and how many of them, missing ones aside, were clipped.

    Integers are rounded to the nearest and clipped to their type; floats are neither.

    Args:
        fused: with the levels at 0 and 1, float32, (bands, H, W).
        levels: of the bands.
        dtype: of the result.
        gone: where values are missing, of a shape that fits.
    """
    values = fused.to("cpu", torch.float64 if is_wide(dtype) else torch.float32, copy=True)
    values.mul_(levels.high - levels.low).add_(levels.low)
    if dtype.kind == "f":
        return values.numpy().astype(dtype, copy=False), 0
    limits = np.iinfo(dtype)
    rounded = values.round_().numpy()
    beyond = (rounded < limits.min) | (rounded > limits.max)
    if gone is not None:
        beyond &= ~gone
    return rounded.clip(limits.min, limits.max).astype(dtype), int(beyond.sum())

"""Values that a cube does not have: where they are, what stands in for them in filters, and how a result marks them.

A value is missing where it is the cube's nodata value or, of floats, no number. In the result a band is missing in all
of the area that a pixel covers which misses it, and all bands are where the guide misses any of its channels.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from imfuse.cubes import Cube

REACH = 8
"""How many pixels of the bands far values are carried into what is missing; deeper inside stands the band's mean."""


def can_miss(cube: Cube) -> bool:
    """Whether values can be missing: of floats always, of integers with a nodata value that they can have."""
    return cube.dtype.kind == "f" or fits(cube.description.nodata, cube.dtype)


def fits(value: float | None, dtype: np.dtype[Any]) -> bool:
    """Whether values of this type can be this one."""
    if value is None:
        return False
    if dtype.kind == "f":
        return True
    limits = np.iinfo(dtype)
    return math.isfinite(value) and value == int(value) and limits.min <= value <= limits.max


def missing_of(values: NDArray[Any], nodata: float | None) -> NDArray[np.bool_]:
    """Where values are missing, of their shape."""
    if values.dtype.kind != "f":
        integer = int(nodata) if nodata is not None and fits(nodata, values.dtype) else None
        return np.zeros(values.shape, bool) if integer is None else np.equal(values, integer)
    gone: NDArray[np.bool_] = ~np.isfinite(values)
    if nodata is not None and math.isfinite(nodata):
        with np.errstate(over="ignore"):
            gone |= values == values.dtype.type(nodata)  # as the file stores it: float32 has no -9999.1
    return gone


def spread(values: Tensor, valid: Tensor, means: Tensor, steps: int = REACH) -> Tensor:
    """Values with what is missing filled by its surroundings, so that filters see no edge.

    Step by step, missing pixels that touch known ones become their mean; what is still missing in the end becomes the
    mean of its band. A pixel depends on no others than those up to ``steps`` away.

    Args:
        values: (1, C, h, w); what is missing may be anything, NaN too.
        valid: of the same shape, bool.
        means: of each band, (C,).
        steps: how far.
    """
    known = valid.to(values.dtype)
    filled = torch.where(valid, values, 0)
    for _ in range(steps):
        if bool(known.all()):
            break
        counts = F.avg_pool2d(known, 3, 1, 1)
        around = F.avg_pool2d(filled, 3, 1, 1) / counts.clamp_min(1e-6)
        next_to = (known == 0).logical_and_(counts > 0)
        filled = torch.where(next_to, around, filled)
        known = torch.where(next_to, 1, known)
    return torch.where(known > 0, filled, means.to(filled).reshape(1, -1, 1, 1))


def fill_guide(guide: Tensor, valid: Tensor, means: Tensor, scale: int) -> Tensor:
    """The guide (1, G, H, W) with what is missing filled by the means of blocks, which :func:`spread` carries on.

    Args:
        guide: the guide.
        valid: (1, 1, H, W), bool: pixels that have all channels.
        means: of each channel, (G,).
        scale: side of a block.
    """
    known = torch.where(valid, guide, 0)
    share = F.avg_pool2d(valid.to(guide.dtype), scale)
    blocks = F.avg_pool2d(known, scale) / share.clamp_min(1e-6)
    filled = spread(blocks, (share > 0).expand_as(blocks), means)
    return torch.where(valid, guide, F.interpolate(filled, scale_factor=scale, mode="nearest"))


def result_nodata(nodata: float | None, dtype: np.dtype[Any]) -> float:
    """What marks missing values of a result: the bands' nodata value; otherwise NaN of floats and 0 of integers."""
    if nodata is not None and fits(nodata, dtype):
        return nodata
    return math.nan if dtype.kind == "f" else 0.0


def mark(values: NDArray[Any], gone: NDArray[np.bool_], nodata: float) -> int:
    """Write the nodata value where values are missing, and move values off it where they are not.

    Args:
        values: (bands, H, W); changed.
        gone: of a shape that fits.
        nodata: the value.

    Returns:
        How many values were moved, by the smallest step there is.
    """
    moved = 0
    if math.isfinite(nodata):
        mistaken = (values == values.dtype.type(nodata)) & ~gone
        moved = int(mistaken.sum())
        if moved:
            values[mistaken] = _beside(values.dtype, nodata)
    np.copyto(values, values.dtype.type(nodata), where=gone)
    return moved


def _beside(dtype: np.dtype[Any], value: float) -> Any:
    """The next value, upwards where there is one."""
    if dtype.kind == "f":
        return np.nextafter(dtype.type(value), dtype.type(math.inf))
    return dtype.type(int(value) + (1 if value < np.iinfo(dtype).max else -1))

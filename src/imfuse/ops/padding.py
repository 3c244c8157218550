"""Reflection and replication at the borders of a picture of any size."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def reflected_indices(length: int, pad: int, device: torch.device) -> Tensor:
    """Indices ``−pad … length + pad − 1`` folded into ``0 … length − 1`` by reflection without repeating the border.

    Where the reflection is wider than the picture it reflects again; a single pixel is repeated.
    """
    positions = torch.arange(-pad, length + pad, device=device)
    if length == 1:
        return torch.zeros_like(positions)
    period = 2 * (length - 1)
    folded = positions.remainder(period)
    return torch.minimum(folded, period - folded)


def reflect_pad(x: Tensor, pad: int) -> Tensor:
    """Pad rows and columns of ``x`` (B, C, H, W) by ``pad`` reflected pixels on every side.

    Equal to ``torch.nn.functional.pad(mode="reflect")`` where that is defined. Where the reflection is wider than the
    picture it reflects again, as NumPy's and OpenCV's do, so that every size from 1×1 up is served.
    """
    height, width = x.shape[-2:]
    if pad < height and pad < width:
        return F.pad(x, (pad, pad, pad, pad), mode="reflect")
    rows = reflected_indices(height, pad, x.device)
    columns = reflected_indices(width, pad, x.device)
    return x.index_select(-2, rows).index_select(-1, columns)


def replicate_pad(x: Tensor, pad: int) -> Tensor:
    """Pad rows and columns of ``x`` (B, C, H, W) by ``pad`` copies of the border pixels on every side."""
    return F.pad(x, (pad, pad, pad, pad), mode="replicate")

"""Colour of pictures ``(B, 3, H, W)``: full-range BT.601, the space in which the papers split luma and chroma."""

from __future__ import annotations

import torch
from torch import Tensor

LUMA_WEIGHTS = (0.299, 0.587, 0.114)


def luma(rgb: Tensor) -> Tensor:
    """Y = 0.299 R + 0.587 G + 0.114 B: (B, 3, H, W) → (B, 1, H, W), same range. One channel is returned as it is."""
    if rgb.shape[1] == 1:
        return rgb
    weights = torch.tensor(LUMA_WEIGHTS, dtype=rgb.dtype, device=rgb.device)
    return torch.einsum("bchw,c->bhw", rgb, weights).unsqueeze(1)


def replace_luma(rgb: Tensor, old: Tensor, new: Tensor) -> Tensor:
    """Give a colour picture another luma and keep its Cb and Cr.

    In full-range Y'CbCr, R = Y + 1.402 Cr and so on: with the same chroma every channel moves by the change of luma.
    The result can leave [0, 1]; it is not clipped here.

    Args:
        rgb: (B, 3, H, W).
        old: its luma, (B, 1, H, W).
        new: the luma it gets, (B, 1, H, W).
    """
    return rgb + (new - old)

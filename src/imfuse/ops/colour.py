"""Colour of pictures ``(B, 3, H, W)``.

Luma and chroma are those of full-range BT.601, the space in which the papers split them; light is that of sRGB.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from imfuse.ops.compiling import flat, loops_for

LUMA_WEIGHTS = (0.299, 0.587, 0.114)
LOOPS = "imfuse.ops.compiled_colour"
_CB = 2 * (1 - LUMA_WEIGHTS[2])
_CR = 2 * (1 - LUMA_WEIGHTS[0])


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


def chroma(rgb: Tensor, y: Tensor) -> Tensor:
    """Cb − ½ and Cr − ½, the signed distances from neutral: (B, 2, H, W), each in [−½, ½] for RGB in [0, 1].

    Args:
        rgb: (B, 3, H, W).
        y: its luma, (B, 1, H, W).
    """
    distances = rgb.new_empty(len(rgb), 2, *rgb.shape[2:])
    for channel, plane, scale in ((2, 0, _CB), (0, 1, _CR)):
        distances[:, plane : plane + 1] = (rgb[:, channel : channel + 1] - y).div_(scale)
    return distances


def with_chroma(y: Tensor, distances: Tensor) -> Tensor:
    """The colour picture (B, 3, H, W) of a luma and the distances from neutral that :func:`chroma` gives.

    The result can leave [0, 1]; it is not clipped here.

    Args:
        y: (B, 1, H, W).
        distances: Cb − ½ and Cr − ½, (B, 2, H, W).
    """
    red_weight, green_weight, blue_weight = LUMA_WEIGHTS
    rgb = y.new_empty(len(y), 3, *y.shape[2:])
    blue, red = distances[:, :1] * _CB, distances[:, 1:] * _CR
    rgb[:, 1:2] = (red * red_weight).add_(blue, alpha=blue_weight).div_(-green_weight)
    rgb[:, :1], rgb[:, 2:] = red, blue
    return rgb.add_(y)


def add_chroma_(weighted: Tensor, weights: Tensor, rgb: Tensor, y: Tensor) -> None:
    """Add a picture's distances from neutral, each weighted by its absolute value, and these weights to sums in place.

    Args:
        weighted: Σ |d| d, (B, 2, H, W).
        weights: Σ |d|, likewise.
        rgb: (B, 3, H, W).
        y: its luma, (B, 1, H, W).
    """
    loops = loops_for(LOOPS, weighted, weights, rgb, y) if len(rgb) == 1 else None
    if loops is not None:
        scales = np.array([_CB, _CR], np.float32)
        loops.add_chroma(flat(rgb), flat(y)[0], scales, flat(weighted), flat(weights))
        return
    distances = chroma(rgb, y)
    weight = distances.abs()
    weighted.add_(distances.mul_(weight))
    weights.add_(weight)


def merged_chroma(weighted: Tensor, weights: Tensor, y: Tensor) -> Tensor:
    """The colour picture (B, 3, H, W) of a luma with the mean distances of :func:`add_chroma_`, paled into [0, 1].

    Where all were neutral both sums are 0: the smallest positive divisor leaves 0, and changes no other quotient.
    """
    tiny = torch.finfo(y.dtype).tiny
    loops = loops_for(LOOPS, weighted, weights, y) if len(y) == 1 else None
    if loops is None:
        return pale_(with_chroma(y, weighted / weights.clamp_min(tiny)), y)
    red_weight, green_weight, blue_weight = LUMA_WEIGHTS
    factors = np.array([_CB, _CR, -blue_weight / green_weight, -red_weight / green_weight], np.float32)
    rgb = y.new_empty(1, 3, *y.shape[2:])
    loops.merged_chroma(flat(weighted), flat(weights), flat(y)[0], factors, tiny, flat(rgb))
    return rgb


def pale_(rgb: Tensor, y: Tensor) -> Tensor:
    """Take colours in place towards the neutral one of their luma just as far as they must be to lie in [0, 1].

    Luma stays as it is, and so do hue and the balance of Cb and Cr: both are scaled by t = min(1, (1 − y) / (max − y),
    y / (y − min)) with the largest and the smallest channel. To clip each channel would shift all of them. What lies in
    [0, 1] is not changed by a bit; what is darker than black or brighter than white becomes neutral.

    Args:
        rgb: (B, 3, H, W).
        y: its luma, (B, 1, H, W).

    Returns:
        ``rgb``.
    """
    tiny = torch.finfo(rgb.dtype).tiny  # a divisor for neutral colours, which stay what they are
    loops = loops_for(LOOPS, rgb, y) if len(rgb) == 1 else None
    if loops is not None:
        loops.pale(flat(rgb), flat(y)[0], tiny)
        return rgb
    above = (rgb.amax(1, keepdim=True) - y).clamp_min_(tiny)
    kept = (1 - y).div_(above)
    below = (y - rgb.amin(1, keepdim=True)).clamp_min_(tiny)
    kept = torch.minimum(kept, torch.div(y, below, out=below), out=kept)
    return rgb.lerp_(y, kept.clamp_(0, 1).neg_().add_(1))


def srgb_to_linear(encoded: Tensor) -> Tensor:
    """Light from sRGB values: IEC 61966-2-1, ``((v + 0.055) / 1.055)^2.4``, and ``v / 12.92`` up to 0.04045.

    Args:
        encoded: any shape, in [0, 1].

    Returns:
        The same shape, in [0, 1]; 1 is the light of white.
    """
    # The power is taken of values in its own part only: elsewhere its slope would be that of the unused branch.
    power = ((encoded.clamp_min(0.04045) + 0.055) / 1.055).pow(2.4)
    return torch.where(encoded <= 0.04045, encoded / 12.92, power)


def linear_to_srgb(light: Tensor) -> Tensor:
    """The inverse of :func:`srgb_to_linear`: ``1.055 v^(1/2.4) − 0.055``, and ``12.92 v`` up to 0.0031308."""
    power = 1.055 * light.clamp_min(0.0031308).pow(1 / 2.4) - 0.055
    return torch.where(light <= 0.0031308, light * 12.92, power)

"""The two convolutions of convolutional sparse coding: d ∗ z and its transpose, with reflection at the borders.

Pictures have few channels (c, often one) and codes many (q, 64). ``conv2d`` is far from the limit when one side has a
single channel; a matrix product over the pixels is near it. Codes are kept with their channels last in memory.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from imfuse.ops.padding import reflect_pad


def pixels_first(code: Tensor) -> Tensor:
    """(B, q, H, W) as a matrix (B·H·W, q), without a copy where the channels lie last in memory."""
    return code.permute(0, 2, 3, 1).reshape(-1, code.shape[1])


def channels_first(rows: Tensor, batch: int, height: int, width: int) -> Tensor:
    """(B·H·W, q) as (B, q, H, W) with the channels last in memory; without a copy."""
    return rows.reshape(batch, height, width, -1).permute(0, 3, 1, 2)


def synthesise(code: Tensor, filters: Tensor, spacing: int = 1) -> Tensor:
    """The picture of a code: ``conv2d(reflect_pad(code), filters)``.

    Every pixel's code gives its s² contributions in one matrix product; they are then shifted and added. What lies
    beyond the border is reflected after the product, where it is s² numbers per pixel and not q.

    Args:
        code: (B, q, H, W).
        filters: (c, q, s, s), s odd.
        spacing: pixels from one tap to the next.

    Returns:
        (B, c, H, W).
    """
    batch, count, height, width = code.shape
    channels, _, size, _ = filters.shape
    taps = filters.permute(1, 0, 2, 3).reshape(count, -1)
    if code.is_contiguous():
        given = (taps.T @ code.flatten(2)).reshape(batch, -1, height, width)
    else:
        given = channels_first(pixels_first(code) @ taps, batch, height, width)
    padded = reflect_pad(given, size // 2 * spacing)
    padded = padded.reshape(batch, channels, size, size, *padded.shape[-2:])
    picture = code.new_zeros(batch, channels, height, width)
    for down in range(size):
        for right in range(size):
            top, left = down * spacing, right * spacing
            picture = picture + padded[:, :, down, right, top : top + height, left : left + width]
    return picture


def patches(picture: Tensor, size: int, spacing: int = 1) -> Tensor:
    """The ``size × size`` neighbours of every pixel, reflected at the borders: (B, c, H, W) → (B·H·W, c·size²)."""
    padded = reflect_pad(picture, size // 2 * spacing)
    if spacing == 1:
        windows = padded.unfold(2, size, 1).unfold(3, size, 1).flatten(-2)
    else:  # unfolding would take the gaps along, and gradients of their size
        height, width = picture.shape[-2:]
        offsets = range(0, size * spacing, spacing)
        windows = torch.stack(
            [padded[..., top : top + height, left : left + width] for top in offsets for left in offsets], -1
        )
    return windows.permute(0, 2, 3, 1, 4).reshape(-1, picture.shape[1] * size * size)


def analyse(picture: Tensor, filters: Tensor, code: Tensor | None = None, spacing: int = 1) -> Tensor:
    """The code of a picture, added to ``code``: ``code + conv2d(reflect_pad(picture), filters)``.

    Args:
        picture: (B, c, H, W).
        filters: (q, c, s, s), s odd.
        code: (B, q, H, W), or None for zero.
        spacing: pixels from one tap to the next.

    Returns:
        (B, q, H, W), channels last in memory.
    """
    batch, _, height, width = picture.shape
    taps = filters.flatten(1).T
    seen = patches(picture, filters.shape[-1], spacing)
    rows = seen @ taps if code is None else torch.addmm(pixels_first(code), seen, taps)
    return channels_first(rows, batch, height, width)


def synthesise_literally(code: Tensor, filters: Tensor, spacing: int = 1) -> Tensor:
    """:func:`synthesise` by ``conv2d``, as printed."""
    return F.conv2d(reflect_pad(code, filters.shape[-1] // 2 * spacing), filters, dilation=spacing)


def analyse_literally(picture: Tensor, filters: Tensor, spacing: int = 1) -> Tensor:
    """:func:`analyse` by ``conv2d``, as printed."""
    return F.conv2d(reflect_pad(picture, filters.shape[-1] // 2 * spacing), filters, dilation=spacing)

"""Weighted means over sliding windows, for everything that compares local statistics."""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor


def gaussian_taps(size: int, sigma: float) -> list[float]:
    """Return the `size` taps (odd) of a sampled Gaussian with sum 1.

    The outer product of the taps with themselves is MATLAB's `fspecial('gaussian', size, sigma)`.
    """
    taps = [math.exp(-((i - size // 2) ** 2) / (2.0 * sigma**2)) for i in range(size)]
    total = math.fsum(taps)
    return [tap / total for tap in taps]


def box_taps(size: int) -> list[float]:
    """Return `size` equal taps with sum 1."""
    return [1.0 / size] * size


def filter_valid(pictures: Tensor, taps: list[float], step: int = 1) -> Tensor:
    """Filter rows and columns with symmetric taps, where the window lies inside the picture.

    Args:
        pictures: (…, H, W), any floating point type.
        taps: n taps, symmetric.
        step: keep every `step`-th window in both directions, the first included.

    Returns:
        (…, (H − n)//step + 1, (W − n)//step + 1), of the same type.
    """
    if _opencv_serves(pictures, taps):
        margin = len(taps) // 2
        height, width = pictures.shape[-2:]
        filtered = filter_zero_padded(pictures, taps)[..., margin : height - margin, margin : width - margin]
        return filtered[..., ::step, ::step]
    return _filter_axis(_filter_axis(pictures, taps, -2, step), taps, -1, step)


def filter_zero_padded(pictures: Tensor, taps: list[float]) -> Tensor:
    """Filter rows and columns with symmetric taps around every pixel; outside the picture lie zeros.

    Args:
        pictures: (…, H, W), any floating point type.
        taps: n taps, symmetric, n odd.

    Returns:
        (…, H, W), of the same type.
    """
    if not _opencv_serves(pictures, taps):
        return filter_valid(F.pad(pictures, [len(taps) // 2] * 4), taps)
    if pictures.requires_grad and torch.is_grad_enabled():
        filtered: Tensor = _ZeroPaddedFilter.apply(pictures, taps)  # type: ignore[no-untyped-call]
        return filtered
    return _filter_with_opencv(pictures, taps)


def _opencv_serves(pictures: Tensor, taps: list[float]) -> bool:
    known = pictures.dtype in (torch.float32, torch.float64) and pictures.device.type == "cpu"
    return known and type(pictures) is Tensor and len(taps) % 2 == 1


class _ZeroPaddedFilter(torch.autograd.Function):
    """A symmetric filter between zeros is its own adjoint: the gradient is filtered as the picture was."""

    @staticmethod
    def forward(ctx: Any, pictures: Tensor, taps: list[float]) -> Tensor:
        ctx.taps = taps
        return _filter_with_opencv(pictures, taps)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return filter_zero_padded(gradients[0], ctx.taps), None


def _filter_with_opencv(pictures: Tensor, taps: list[float]) -> Tensor:
    """Filter pictures on the CPU between zeros, about twice as fast as shifted sums."""
    height, width = pictures.shape[-2:]
    filtered = torch.empty_like(pictures, memory_format=torch.contiguous_format)
    kernel = np.asarray(taps)
    planes = zip(
        pictures.detach().reshape(-1, height, width).numpy(), filtered.view(-1, height, width).numpy(), strict=True
    )
    for plane, target in planes:
        cv2.sepFilter2D(plane, -1, kernel, kernel, dst=target, borderType=cv2.BORDER_CONSTANT)
    return filtered


def _filter_axis(pictures: Tensor, taps: list[float], axis: int, step: int) -> Tensor:
    # Shifted sums in place: on a CPU many times faster than conv2d in float64 and several times in float32, gradients
    # included, with one allocation.
    windows = (pictures.size(axis) - len(taps)) // step + 1
    span = (windows - 1) * step + 1

    def shifted(offset: int) -> Tensor:
        part = pictures.narrow(axis, offset, span)
        if step == 1:
            return part
        return part[..., ::step, :] if axis == -2 else part[..., ::step]

    middle = len(taps) // 2
    total = shifted(middle) * taps[middle]
    if len(taps) % 2 == 0:
        total.add_(shifted(middle - 1), alpha=taps[middle])
    for offset in range((len(taps) - 1) // 2):
        total.add_(shifted(offset), alpha=taps[offset])
        total.add_(shifted(len(taps) - 1 - offset), alpha=taps[offset])
    return total

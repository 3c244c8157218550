"""Weighted means over sliding windows, for everything that compares local statistics."""

from __future__ import annotations

import math

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
    return _filter_axis(_filter_axis(pictures, taps, -2, step), taps, -1, step)


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

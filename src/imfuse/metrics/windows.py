"""Local windows that several families of metrics share: separable filters, strips, and the moments in each window."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor

CACHED_VALUES = 1 << 15  # pixels of a strip
LEAST_ROWS = 16  # fewer would repeat most of their work in the next strip


def gaussian_taps(size: int, sigma: float) -> list[float]:
    """Return the `size` taps (odd) of a sampled Gaussian with sum 1.

    The outer product of the taps with themselves is MATLAB's `fspecial('gaussian', size, sigma)`.
    """
    taps = [math.exp(-((i - size // 2) ** 2) / (2.0 * sigma**2)) for i in range(size)]
    total = math.fsum(taps)
    return [tap / total for tap in taps]


def uniform_taps(size: int) -> list[float]:
    """Return `size` equal taps with sum 1."""
    return [1.0 / size] * size


def filter_valid(pictures: Tensor, taps: list[float], step: int = 1) -> Tensor:
    """Filter rows and columns with symmetric taps, where the window lies inside the picture.

    Args:
        pictures: (…, H, W).
        taps: n taps, n odd, symmetric.
        step: keep every `step`-th window in both directions, the first included.

    Returns:
        (…, (H − n)//step + 1, (W − n)//step + 1).
    """
    if pictures.device.type == "cpu" and not pictures.requires_grad:
        return _filter_with_opencv(pictures, taps)[..., ::step, ::step]
    return _filter_axis(_filter_axis(pictures, taps, -2, step), taps, -1, step)


def _filter_with_opencv(pictures: Tensor, taps: list[float]) -> Tensor:
    """All windows of pictures on the CPU without a gradient, about twice as fast as shifted sums."""
    height, width = pictures.shape[-2:]
    filtered = torch.empty_like(pictures, memory_format=torch.contiguous_format)
    kernel = np.asarray(taps)
    planes = zip(pictures.reshape(-1, height, width).numpy(), filtered.view(-1, height, width).numpy(), strict=True)
    for plane, target in planes:
        cv2.sepFilter2D(plane, -1, kernel, kernel, dst=target, borderType=cv2.BORDER_REPLICATE)
    margin = len(taps) // 2
    return filtered[..., margin : height - margin, margin : width - margin]


def _filter_axis(pictures: Tensor, taps: list[float], axis: int, step: int) -> Tensor:
    # Shifted sums in place: on a CPU an order of magnitude faster than float64 conv2d, with one allocation.
    windows = (pictures.size(axis) - len(taps)) // step + 1
    span = (windows - 1) * step + 1

    def shifted(offset: int) -> Tensor:
        part = pictures.narrow(axis, offset, span)
        if step == 1:
            return part
        return part[..., ::step, :] if axis == -2 else part[..., ::step]

    middle = len(taps) // 2
    total = shifted(middle) * taps[middle]
    for offset in range(middle):
        total.add_(shifted(offset), alpha=taps[offset])
        total.add_(shifted(len(taps) - 1 - offset), alpha=taps[offset])
    return total


def strips(pictures: Sequence[Tensor], size: int) -> Iterator[Tensor]:
    """Cut N pictures (B, H, W) into strips of rows whose windows of `size` rows together are all windows, each once.

    On the CPU a strip is small enough for its statistics to stay in the cache; memory that is asked for anew costs more
    than the arithmetic.

    Yields:
        (N, B, h, W).
    """
    height, width = pictures[0].shape[-2:]
    windows = height - size + 1
    rows = max(LEAST_ROWS, size, CACHED_VALUES // width) if pictures[0].device.type == "cpu" else windows
    for start in range(0, windows, rows):
        stop = min(start + rows, windows) + size - 1
        yield torch.stack([picture[..., start:stop, :] for picture in pictures])


@dataclass(frozen=True)
class Moments:
    """First and second moments of the fused picture and S sources in each window, the weights those of the taps.

    Attributes:
        means: (1 + S, …, h, w), the fused picture first.
        variances: likewise; rounding may leave them slightly negative.
        covariances: (S, …, h, w), of each source with the fused picture.
    """

    means: Tensor
    variances: Tensor
    covariances: Tensor


def moments(pictures: Tensor, taps: list[float]) -> Moments:
    """Local moments of (1 + S, …, H, W) pictures, the fused one first, in all whole windows."""
    means = filter_valid(pictures, taps)
    variances = filter_valid(pictures * pictures, taps).addcmul_(means, means, value=-1.0)
    covariances = filter_valid(pictures[1:] * pictures[:1], taps).addcmul_(means[1:], means[:1], value=-1.0)
    return Moments(means, variances, covariances)


def safe_sqrt(values: Tensor) -> Tensor:
    """Square root whose gradient at 0 is 0 rather than infinite."""
    if not values.requires_grad:
        return values.sqrt()
    positive = values > 0
    return torch.where(positive, values, 1.0).sqrt() * positive

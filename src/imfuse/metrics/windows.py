"""What several families of metrics share: strips of pictures, and the moments in each local window."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from imfuse.ops.windows import filter_valid

CACHED_VALUES = 1 << 15  # pixels of a strip
LEAST_ROWS = 16  # fewer would repeat most of their work in the next strip


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

"""Sobel gradients of pictures, for losses."""

from __future__ import annotations

import torch
from torch import Tensor


def sobel(x: Tensor) -> tuple[Tensor, Tensor]:
    """Horizontal and vertical Sobel gradient of pictures (B, C, H, W), where the 3×3 window lies inside.

    The kernels are (1, 2, 1) across and (−1, 0, 1) along, not divided.

    Returns:
        Two tensors (B, C, H − 2, W − 2).
    """
    rows = x[..., :-2, :] + 2 * x[..., 1:-1, :] + x[..., 2:, :]
    columns = x[..., :-2] + 2 * x[..., 1:-1] + x[..., 2:]
    return rows[..., 2:] - rows[..., :-2], columns[..., 2:, :] - columns[..., :-2, :]


def sobel_strength(x: Tensor) -> Tensor:
    """|Sobel x| + |Sobel y| of pictures (B, C, H, W), (B, C, H − 2, W − 2)."""
    horizontal, vertical = sobel(x)
    return horizontal.abs() + vertical.abs()


def sobel_distance(x: Tensor, y: Tensor) -> Tensor:
    """The mean of ‖∇x − ∇y‖₁ over the pixels, a scalar; both components of ∇ count."""
    horizontal, vertical = sobel(x - y)
    result: Tensor = horizontal.abs().mean() + vertical.abs().mean()
    return result


def edge_shares(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Each picture's part in the sum of both mean gradient strengths, (B,) each, summing to 1; a half where both are 0.

    Args:
        first: (B, 1, H, W).
        second: likewise.
    """
    means = torch.stack([sobel_strength(picture).mean((1, 2, 3)) for picture in (first, second)])
    total = means.sum(0)
    share = torch.where(total > 0, means[0] / total.clamp_min(torch.finfo(total.dtype).tiny), 0.5)
    return share, 1 - share

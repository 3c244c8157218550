"""The guided filter: smooths a map along the edges of another."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from imfuse.ops.filters import box_mean


def guided_filter(x: Tensor, guide: Tensor, radius: int, epsilon: float) -> Tensor:
    """K. He, J. Sun, X. Tang, "Guided image filtering", 2013, Eqs. 5, 6 and 8; channel by channel.

    In every window of (2r + 1)² pixels ``x`` is taken for an affine function a·guide + b; the result at a pixel is the
    mean of the functions of all windows that hold it. Borders are reflected, as elsewhere.

    Args:
        x: (B, C, H, W).
        guide: (B, C, H, W).
        radius: r in pixels; the result depends on 2r pixels around.
        epsilon: ε, the variance of the guide below which a window is taken for flat.

    Returns:
        (B, C, H, W).
    """
    slope, offset = mean_coefficients(x, guide, radius, epsilon)
    return slope * guide + offset


def mean_coefficients(
    x: Tensor, guide: Tensor, radius: int, epsilon: float, reduced: Callable[[Tensor], Tensor] = lambda maps: maps
) -> tuple[Tensor, Tensor]:
    """ā and b̄ of :func:`guided_filter`, both (B, C, H, W): its result is ā·guide + b̄ (He et al. 2013, Eq. 8).

    Args:
        x: as for :func:`guided_filter`.
        guide: likewise.
        radius: likewise; of what is reduced, if anything is.
        epsilon: likewise.
        reduced: takes means of x, guide and their products over parts of the picture, before those over windows.
    """
    size = 2 * radius + 1

    def mean(maps: Tensor) -> Tensor:
        return box_mean(reduced(maps), size)

    mean_x, mean_guide = mean(x), mean(guide)
    covariance = mean(x * guide) - mean_x * mean_guide
    variance = (mean(guide * guide) - mean_guide * mean_guide).clamp_min(0)
    slope = covariance / (variance + epsilon)
    return box_mean(slope, size), box_mean(mean_x - slope * mean_guide, size)

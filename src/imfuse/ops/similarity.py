"""Structural similarity as a differentiable map."""

from __future__ import annotations

import torch
from torch import Tensor

from imfuse.ops.windows import filter_valid, gaussian_taps


def ssim_map(x: Tensor, y: Tensor, *, window: int = 11, sigma: float = 1.5, data_range: float = 1.0) -> Tensor:
    """Structural similarity (Wang et al. 2004) of two pictures in every whole Gaussian window.

    Args:
        x: (B, 1, H, W), at least ``window`` pixels on each side.
        y: likewise.
        window: side of the window in pixels.
        sigma: deviation of the Gaussian in pixels.
        data_range: difference of white and black.

    Returns:
        (B, 1, H − window + 1, W − window + 1), each in [−1, 1]. Covariances are those of the weighted window without
        Bessel's correction; K1 = 0.01, K2 = 0.03, as in the paper.
    """
    count = x.shape[0]
    maps = filter_valid(torch.cat([x, y, x * x + y * y, x * y]), gaussian_taps(window, sigma))
    mean_x, mean_y, mean_squares, mean_product = torch.split(maps, count)
    squares = mean_x * mean_x + mean_y * mean_y
    product = mean_x * mean_y
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    luminance = (2 * product + c1) / (squares + c1)
    return luminance * (2 * (mean_product - product) + c2) / (mean_squares - squares + c2)

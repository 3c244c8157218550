"""Anisotropic diffusion: smooths a picture within its regions and not across their edges."""

from __future__ import annotations

import torch
from torch import Tensor

from imfuse.ops.colour import luma


def anisotropic_diffusion(x: Tensor, iterations: int, step: float, contrast: float) -> Tensor:
    """P. Perona, J. Malik, "Scale-space and edge detection using anisotropic diffusion", 1990, Eqs. 7 and 8.

    In every iteration a pixel gets ``λ · Σ g(|∇|) ∇`` of the differences ∇ to its four neighbours, with
    ``g(d) = exp(−(d/K)²)``. Nothing flows over the borders, as in the paper, which keeps the mean. Of colour pictures
    the luma's differences say how much flows of all channels.

    Args:
        x: (B, C, H, W), C = 1 or 3.
        iterations: how often; the result depends on as many pixels around.
        step: λ, at most ¼ for stability.
        contrast: K, the difference across which little flows, in the units of ``x``.

    Returns:
        (B, C, H, W).
    """
    smooth = x.clone()
    for _ in range(iterations):
        flows = [_flow(smooth, dim, step, contrast) for dim in (-2, -1)]
        for dim, flow in zip((-2, -1), flows, strict=True):
            count = flow.shape[dim]
            smooth.narrow(dim, 0, count).add_(flow)
            smooth.narrow(dim, 1, count).sub_(flow)
    return smooth


def _flow(x: Tensor, dim: int, step: float, contrast: float) -> Tensor:
    """What every pixel gets from the next one along an axis, and gives to it with the opposite sign."""
    difference = torch.diff(x, dim=dim)
    conduction = luma(difference).div(contrast).square_().neg_().exp_()
    return difference.mul(conduction).mul_(step)

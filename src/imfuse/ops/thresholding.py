"""Proximal operators as pointwise functions."""

from __future__ import annotations

import torch
from torch import Tensor


def soft_threshold(x: Tensor, threshold: Tensor | float) -> Tensor:
    """sign(x) · max(|x| − γ, 0): the proximal operator of γ‖·‖₁ (Deep CSC, below Eq. 2: "SST").

    Args:
        x: any shape.
        threshold: γ ≥ 0, broadcast to ``x``.
    """
    if isinstance(threshold, Tensor):
        return x - torch.maximum(torch.minimum(x, threshold), -threshold)
    return x - x.clamp(-threshold, threshold)

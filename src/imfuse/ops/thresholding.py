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
        # As printed: its gradient takes an eighth of the time of that of a clamp between tensors.
        return torch.relu(x.abs() - threshold) * x.sign()
    return x - x.clamp(-threshold, threshold)

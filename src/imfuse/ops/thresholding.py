"""Proximal operators as pointwise functions."""

from __future__ import annotations

from torch import Tensor


def soft_threshold(x: Tensor, threshold: Tensor | float) -> Tensor:
    """sign(x) · max(|x| − γ, 0): the proximal operator of γ‖·‖₁ (Deep CSC, below Eq. 2: "SST").

    Args:
        x: any shape.
        threshold: γ ≥ 0, broadcast to ``x``.
    """
    return x.sign() * (x.abs() - threshold).clamp_min(0)

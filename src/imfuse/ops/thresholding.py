"""Proximal operators as pointwise functions, and what stands for them where a network is trained."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


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


def hard_threshold(x: Tensor, threshold: Tensor | float) -> Tensor:
    """0 where |x| ≤ θ, else x: the proximal operator of θ²/2 · ‖·‖₀ (FNet, Eq. 3).

    Args:
        x: any shape.
        threshold: θ ≥ 0, broadcast to ``x``.
    """
    return torch.where(x.abs() <= threshold, 0, x)


def sigmoidal_threshold(x: Tensor, threshold: Tensor | float, alpha: float = 0.1, gamma: float = 100.0) -> Tensor:
    """sign(x) (|x| − αθ) / (1 + e^(−γ (|x| − θ))): a hard threshold that can be learned (FNet, Eq. 6).

    Eq. 6 is printed without the sign. For γ → ∞ it is the hard threshold with α = 0, and the soft one with α = 1. No
    value of ``x`` overflows.

    Args:
        x: any shape.
        threshold: θ ≥ 0, broadcast to ``x``.
        alpha: α in [0, 1]: which part of θ large values lose.
        gamma: γ > 0: how steep the step at ±θ is.
    """
    if isinstance(threshold, Tensor) and threshold.ndim == 0 and x.requires_grad and torch.is_grad_enabled():
        result: Tensor = _SigmoidalThreshold.apply(x, threshold, alpha, gamma)  # type: ignore[no-untyped-call]
        return result
    return (x - x.sign() * (alpha * threshold)) * torch.sigmoid(gamma * (x.abs() - threshold))


def sigmoidal_threshold_(x: Tensor, threshold: float, alpha: float = 0.1, gamma: float = 100.0) -> Tensor:
    """:func:`sigmoidal_threshold` in place, where no gradient is recorded."""
    gate = x.abs().sub_(threshold).mul_(gamma).sigmoid_()
    return x.sub_(x.sign(), alpha=alpha * threshold).mul_(gate)


class _SigmoidalThreshold(torch.autograd.Function):
    """:func:`sigmoidal_threshold` with one threshold for all: it keeps only ``x``, and works in place otherwise."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, threshold: Tensor, alpha: float, gamma: float) -> Tensor:
        ctx.save_for_backward(x, threshold)
        ctx.alpha, ctx.gamma = alpha, gamma
        return sigmoidal_threshold_(x.clone(), float(threshold), alpha, gamma)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None, None]:
        x, threshold = ctx.saved_tensors
        theta, alpha, gamma = float(threshold), ctx.alpha, ctx.gamma
        magnitude = x.abs()
        gate = magnitude.sub(theta).mul_(gamma).sigmoid_()
        # What the step of the gate gives: γ (|x| − αθ) g (1 − g), the derivative by |x| beside g, and by −θ beside −αg.
        step = magnitude.sub_(alpha * theta).mul_(gamma).mul_(gate)
        step.addcmul_(step, gate, value=-1)
        by_threshold = torch.add(step, gate, alpha=alpha).mul_(x.sign()).mul_(gradient).sum().neg_()
        return step.add_(gate).mul_(gradient), by_threshold.reshape(threshold.shape), None, None

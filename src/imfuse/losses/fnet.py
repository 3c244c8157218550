"""The losses of FNet's two stages of training."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from imfuse.losses.gradients import edge_shares, sobel_distance, sobel_strength
from imfuse.ops.similarity import ssim_map


def inverse_fusion_loss(reconstructions: tuple[Tensor, Tensor], sources: tuple[Tensor, Tensor]) -> Tensor:
    """Stage I: ‖I₁' − I₁‖₁ + ‖∇I₁' − ∇I₁‖₁, and the same of I₂ (FNet, Eq. 25); means over the pixels.

    Args:
        reconstructions: I₁' and I₂', the sources as the inverse fusion gives them back, each (B, 1, H, W).
        sources: I₁ and I₂.

    Returns:
        A scalar.
    """
    terms = [F.l1_loss(x, y) + sobel_distance(x, y) for x, y in zip(reconstructions, sources, strict=True)]
    return terms[0] + terms[1]


def fusion_loss(
    fused: Tensor,
    sources: tuple[Tensor, Tensor],
    intensity_weight: float = 20.0,
    gradient_weight: float = 20.0,
    ssim_weight: float = 15.0,
) -> Tensor:
    """Stage II: β₁ L_int + β₂ L_grad + β₃ L_ssim (FNet, Eq. 26).

    L_int = ‖I_f − max(I₁, I₂)‖₁; L_grad = ‖∇I_f − max(∇I₁, ∇I₂)‖₁ with ∇ = |Sobel x| + |Sobel y|; L_ssim = w₁ (1 −
    ssim(I₁, I_f)) + w₂ (1 − ssim(I₂, I_f)), where w₁ and w₂ are each source's part in the sum of their mean gradients.
    Norms are means over the pixels. SSIM is the mean over all whole 11×11 Gaussian windows (σ = 1.5, data range 1).

    The paper does not say over what the gradients are averaged: here over every pair by itself, so that a pair's loss
    does not depend on what else is in the batch.

    Args:
        fused: I_f, (B, 1, H, W), at least 11×11 pixels.
        sources: I₁ and I₂, likewise, in [0, 1].
        intensity_weight: β₁.
        gradient_weight: β₂.
        ssim_weight: β₃.

    Returns:
        A scalar.
    """
    first, second = sources
    intensity = F.l1_loss(fused, torch.maximum(first, second))
    strongest = torch.maximum(sobel_strength(first), sobel_strength(second))
    gradient = F.l1_loss(sobel_strength(fused), strongest)
    shares = edge_shares(first, second)
    similarity = [
        share * ssim_map(source, fused).mean((1, 2, 3)) for share, source in zip(shares, sources, strict=True)
    ]
    structure = (1 - similarity[0] - similarity[1]).mean()
    return intensity_weight * intensity + gradient_weight * gradient + ssim_weight * structure

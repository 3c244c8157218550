"""The reconstruction loss that the autoencoders AUIF and CSC-IVFN share."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from imfuse.ops.similarity import ssim_map


def reconstruction_loss(reconstruction: Tensor, picture: Tensor, ssim_weight: float = 5.0) -> Tensor:
    """Mean squared error plus μ (1 − SSIM) / 2 (AUIF, Eq. 7; Deep CSC, Eq. 4, read without its division by hw).

    SSIM is the mean over all whole 11×11 Gaussian windows (σ = 1.5, data range 1), the window of the paper that
    defines it.

    Args:
        reconstruction: (B, 1, H, W), at least 11×11 pixels.
        picture: likewise, in [0, 1].
        ssim_weight: μ in AUIF, λ in Deep CSC; 5 in both.

    Returns:
        A scalar.
    """
    similarity = ssim_map(reconstruction, picture).mean()
    return F.mse_loss(reconstruction, picture) + ssim_weight * (1 - similarity) / 2

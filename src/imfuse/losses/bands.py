"""Losses of bands against the true ones."""

from __future__ import annotations

from typing import Literal

import torch.nn.functional as F
from torch import Tensor

BandsLoss = Literal["mse", "psnr"]

_FLOOR = 1e-5
"""Mean squared error that is added, that of 50 dB: what is better, such as a black crop, shall not count ever more."""


def bands_loss(fused: Tensor, truth: Tensor, name: BandsLoss = "mse") -> Tensor:
    """The loss of sharpened bands.

    ``mse`` is the mean squared error, Deep CSC's. Most of it comes from a few crops of fine detail; ``psnr`` is the
    mean of the logarithms of the crops' mean squared errors, so that what counts is by which factor each is made
    better, as in a mean of PSNRs (L. Chen et al., "HINet", CVPR Workshops 2021).

    Args:
        fused: (B, L, H, W).
        truth: likewise.
        name: ``mse`` or ``psnr``.

    Returns:
        A scalar.
    """
    if name == "mse":
        return F.mse_loss(fused, truth)
    return (fused - truth).square().mean(dim=(1, 2, 3)).add(_FLOOR).log().mean()

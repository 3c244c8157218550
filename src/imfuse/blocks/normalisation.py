"""Batch normalisation in inference: a scale and a shift per channel, which fold into the convolution before it."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def scale_and_shift(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """The vectors a and b (channels,) with which evaluation computes a·x + b.

    Raises:
        RuntimeError: the normalisation keeps no running statistics.
    """
    mean, variance = norm.running_mean, norm.running_var
    if mean is None or variance is None:
        raise RuntimeError("the batch normalisation keeps no running statistics")
    scale = norm.weight * torch.rsqrt(variance + norm.eps)
    return scale, norm.bias - scale * mean

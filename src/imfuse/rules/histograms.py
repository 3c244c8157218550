"""Histograms of feature maps over a whole picture, gathered window by window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from imfuse.ops.dictionary import pixels_first

BINS = 256


class Scale(NamedTuple):
    """The values (C,) of each channel that stand for 0 and 255."""

    low: Tensor
    high: Tensor


def positions(rows: Tensor, scale: Scale) -> Tensor:
    """Where values (pixels, C) lie on the axis 0…255, not rounded."""
    step = (BINS - 1) / (scale.high - scale.low)
    return (rows - scale.low) * step


@dataclass(frozen=True, slots=True)
class Histogram:
    """How often each of 256 levels occurs in each channel of a batch of maps; mergeable.

    Attributes:
        scale: which values the levels stand for.
        counts: (B, C, 256) float64; pixels beyond the scale count at its ends.
    """

    scale: Scale
    counts: Tensor

    @classmethod
    def of(cls, feature: Tensor, scale: Scale) -> Histogram:
        """The histogram of maps (B, C, H, W)."""
        batch, channels = feature.shape[:2]
        offsets = torch.arange(channels, device=feature.device) * BINS
        counts = []
        for picture in feature:
            levels = positions(pixels_first(picture[None]), scale).round_().clamp_(0, BINS - 1)
            indices = levels.to(torch.int64).add_(offsets).flatten()
            counts.append(torch.bincount(indices, minlength=channels * BINS))
        return cls(scale, torch.stack(counts).reshape(batch, channels, BINS).double())

    def merged(self, other: Histogram) -> Histogram:
        """The histogram of both sets of pixels together."""
        return Histogram(self.scale, self.counts + other.counts)

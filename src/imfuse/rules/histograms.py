"""Histograms of feature maps over a whole picture, gathered window by window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

BINS = 256


class Scale(NamedTuple):
    """The values (C,) of each channel that stand for 0 and 255."""

    low: Tensor
    high: Tensor

    def levels(self, plane: Tensor, channel: int) -> Tensor:
        """Values of a channel on the axis 0…255, not rounded; those beyond it at its ends."""
        low, high = self.low[channel], self.high[channel]
        return (plane - low).mul_((BINS - 1) / (high - low)).clamp_(0, BINS - 1)


@dataclass(frozen=True, slots=True)
class Histogram:
    """How often each of 256 levels occurs in each channel of a batch of maps; mergeable.

    Attributes:
        scale: which values the levels stand for.
        counts: (B, C, 256) float64, on the CPU.
    """

    scale: Scale
    counts: Tensor

    @classmethod
    def of(cls, feature: Tensor, scale: Scale) -> Histogram:
        """The histogram of maps (B, C, H, W)."""
        counts = [
            torch.stack([_counts(plane, scale, channel) for channel, plane in enumerate(picture)])
            for picture in feature.detach()
        ]
        return cls(scale, torch.stack(counts).cpu().double())

    def merged(self, other: Histogram) -> Histogram:
        """The histogram of both sets of pixels together."""
        return Histogram(self.scale, self.counts + other.counts)


def _counts(plane: Tensor, scale: Scale, channel: int) -> Tensor:
    # Plane by plane: what lies between stays in the processor's cache.
    indices = scale.levels(plane, channel).round_().to(torch.int64).flatten()
    if torch.compiler.is_exporting():  # bincount's result has a size that no graph knows
        return indices.new_zeros(BINS).scatter_add(0, indices, torch.ones_like(indices))
    return torch.bincount(indices, minlength=BINS)

"""The saliency-weighted rule: a source weighs as much as its values differ from all others of its map."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from imfuse.errors import UsageError
from imfuse.ops.dictionary import channels_first, pixels_first
from imfuse.ops.guided import guided_filter
from imfuse.rules.histograms import BINS, Histogram, Scale, positions


class SaliencyWeighted:
    """Weights by saliency, smoothed by a guided filter (Deep CSC, Eq. 7; after Lahoud and Süsstrunk 2019).

    The saliency of a value v is S(v) = Σᵢ H(i) |v − i|: its mean distance from all values of its map, taken from the
    map's histogram over 256 levels. w̃ₙ = Sₙ / Σ S, each smoothed with its own map as guide, and divided by their sum.

    Decided where the paper is silent: every channel of a code is a map of its own; both sources' maps of a channel
    have one scale of levels, the network's (so that their saliencies compare); S is evaluated at the unrounded value,
    so that the result does not jump between levels nor depend on tiles; filtered weights are clamped to be
    non-negative, which the filter does not promise; where no source is salient, all weigh the same. Radius and ε of the
    filter are 4 pixels and 0.01 on maps whose levels are scaled to 0…1. (Eq. 7 reads I^V once; it is V^B.)

    All sources' maps are held until the result, since the first one's weight depends on the last one's saliency.

    Args:
        histograms: of the sources' maps over the whole picture, in their order.
    """

    radius = 4
    epsilon = 1e-2
    halo = 2 * radius

    def __init__(self, histograms: Sequence[Histogram]) -> None:
        self.histograms = histograms
        self.features: list[Tensor] = []

    def add(self, feature: Tensor) -> None:
        """Take the next source's map."""
        if len(self.features) >= len(self.histograms):
            raise UsageError("more sources than histograms: survey all of them")
        self.features.append(feature)

    def weights(self) -> list[Tensor]:
        """The weight of every source so far, each (B, C, H, W)."""
        if not self.features:
            raise UsageError("nothing to fuse: give at least one source")
        saliencies = [
            saliency(feature, histogram) for feature, histogram in zip(self.features, self.histograms, strict=True)
        ]
        shares = _shares(saliencies)
        filtered = []
        for share, feature, histogram in zip(shares, self.features, self.histograms, strict=True):
            guide = _unit(feature, histogram.scale)
            filtered.append(guided_filter(share, guide, self.radius, self.epsilon).clamp_min_(0))
        return _shares(filtered)

    def result(self) -> Tensor:
        """The merged map of the sources so far."""
        return torch.stack([w * f for w, f in zip(self.weights(), self.features, strict=True)]).sum(0)


def saliency(feature: Tensor, histogram: Histogram) -> Tensor:
    """S(v) of every value of maps (B, C, H, W), in levels: the mean distance |v − i| over the histogram.

    S is linear between levels, so a table of its values at the levels, and one beyond each end, is enough.
    """
    tables = _tables(histogram.counts)
    batch, channels, height, width = feature.shape
    offsets = torch.arange(channels, device=feature.device) * tables.shape[-1]
    rows = []
    for picture, table in zip(feature, tables, strict=True):
        place = positions(pixels_first(picture[None]), histogram.scale).add_(1)
        left = place.floor().clamp_(0, BINS)
        index = left.to(torch.int64).add_(offsets)
        flat = table.to(feature.dtype)
        slope = (flat[:, 1:] - flat[:, :-1]).contiguous()
        slope = torch.nn.functional.pad(slope, (0, 1))
        rows.append(torch.addcmul(flat.take(index), slope.take(index), place.sub_(left)))
    return channels_first(torch.stack(rows), batch, height, width)


def _tables(counts: Tensor) -> Tensor:
    """S at the levels −1, 0 … 255, 256 for every map: (B, C, 258) float64."""
    levels = torch.arange(BINS, dtype=counts.dtype, device=counts.device)
    knots = torch.arange(-1, BINS + 1, dtype=counts.dtype, device=counts.device)
    distance = (levels[:, None] - knots[None, :]).abs()
    return (counts / counts.sum(-1, keepdim=True)) @ distance


def _unit(feature: Tensor, scale: Scale) -> Tensor:
    low, high = (bound.reshape(1, -1, 1, 1) for bound in scale)
    return (feature - low) / (high - low)


def _shares(parts: Sequence[Tensor]) -> list[Tensor]:
    """Non-negative maps over their sum; equal shares where the sum is zero."""
    total = torch.stack(list(parts)).sum(0)
    positive = total > 0
    return [torch.where(positive, part / total.clamp_min(1e-30), 1 / len(parts)) for part in parts]

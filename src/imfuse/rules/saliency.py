"""The saliency-weighted rule: a source weighs as much as its values differ from all others of its map."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

import torch
from torch import Tensor

from imfuse.errors import UsageError
from imfuse.ops.guided import guided_filter
from imfuse.rules.histograms import BINS, Histogram


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
        weights = [torch.empty_like(feature) for feature in self._given()]
        for picture, channel, tables in self._maps():
            for weight, part in zip(weights, self._weights(picture, channel, tables), strict=True):
                weight[picture, channel] = part
        return weights

    def result(self) -> Tensor:
        """The merged map of the sources so far."""
        merged = torch.zeros_like(self._given()[0])
        for picture, channel, tables in self._maps():
            for weight, feature in zip(self._weights(picture, channel, tables), self.features, strict=True):
                merged[picture, channel] += weight * feature[picture, channel]
        return merged

    def _given(self) -> list[Tensor]:
        if not self.features:
            raise UsageError("nothing to fuse: give at least one source")
        return self.features

    def _maps(self) -> Iterator[tuple[int, int, list[Tensor]]]:
        """Every map of the batch by itself, so that what lies between stays in the processor's cache."""
        tables = [saliency_tables(histogram.counts) for histogram in self.histograms]
        for picture, channel in product(*map(range, self._given()[0].shape[:2])):
            yield picture, channel, [table[picture, channel] for table in tables]

    def _weights(self, picture: int, channel: int, tables: Sequence[Tensor]) -> list[Tensor]:
        """The weights (H, W) of the sources in one map."""
        scales = [histogram.scale for histogram in self.histograms]
        levels = [
            scale.positions(feature[picture, channel], channel)
            for feature, scale in zip(self.features, scales, strict=True)
        ]
        shares = _shares([saliency(level, table) for level, table in zip(levels, tables, strict=True)])
        filtered = []
        for share, level in zip(shares, levels, strict=True):
            guide = level.div_(BINS - 1)[None, None]
            filtered.append(guided_filter(share[None, None], guide, self.radius, self.epsilon)[0, 0].clamp_min_(0))
        return _shares(filtered)


def saliency_tables(counts: Tensor) -> Tensor:
    """S at the levels −1, 0 … 255, 256: counts (…, 256) → (…, 258)."""
    levels = torch.arange(BINS, dtype=counts.dtype, device=counts.device)
    knots = torch.arange(-1, BINS + 1, dtype=counts.dtype, device=counts.device)
    distance = (levels[:, None] - knots[None, :]).abs()
    return (counts / counts.sum(-1, keepdim=True)) @ distance


def saliency(levels: Tensor, table: Tensor) -> Tensor:
    """S(v), the mean distance of each value of a map from all, in levels.

    Between neighbouring levels S is linear, and so it is beyond the last ones: two table entries give its exact value.

    Args:
        levels: (H, W), on the axis 0…255, not rounded.
        table: (258,), of :func:`saliency_tables`.
    """
    place = levels + 1
    left = place.floor().clamp_(0, BINS)
    index = left.to(torch.int64)
    values = table.to(levels.dtype)
    slopes = values[1:] - values[:-1]
    return torch.addcmul(values.take(index), slopes.take(index), place.sub_(left))


def _shares(parts: Sequence[Tensor]) -> list[Tensor]:
    """Non-negative maps over their sum; equal shares where the sum is zero."""
    total = sum(parts[1:], start=parts[0])
    if bool((total > 0).all()):
        return [part / total for part in parts]
    return [torch.where(total > 0, part / total, 1 / len(parts)) for part in parts]

"""The saliency-weighted rule: a source weighs as much as its values differ from all others of its map."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

import torch
from torch import Tensor

from imfuse.errors import UsageError
from imfuse.ops.guided import guided_filter
from imfuse.rules.fold import Fold, nothing_to_fuse
from imfuse.rules.histograms import BINS, Histogram


class SaliencyWeighted(Fold):
    """Weights by saliency, smoothed by a guided filter (Deep CSC, Eq. 7; after Lahoud and Süsstrunk 2019).

    The saliency of a value v is S(v) = Σᵢ H(i) |v − i|: its mean distance from all values of its map, taken from the
    map's histogram over 256 levels. w̃ₙ = Sₙ / Σ S, each smoothed with its own map as guide, and divided by their sum.

    Decided where the paper is silent: every channel of a code is a map of its own; both sources' maps of a channel
    have one scale of levels, the network's (so that their saliencies compare). S is evaluated at the unrounded value,
    so that the result does not jump between levels nor depend on tiles; values beyond the scale count as its ends; and
    a distance below half a level counts as half a level, Σᵢ H(i) max(|v − i|, ½), because what a level stands for
    cannot be told apart: otherwise two flat maps would be weighed by how far each happens to lie from a level. Filtered
    weights are clamped to be non-negative, which the filter does not promise.

    Radius and ε of the filter are 4 pixels and 0.01 on maps whose levels are scaled to 0…1. On validation pairs the
    scores hardly depend on them, since base maps are smooth already (SD 35.3 at radius 1, 35.1 at 4, 34.5 at 16; ε from
    10⁻⁴ to 10⁻¹ moves it by 0.1). (Eq. 7 reads I^V once; it is V^B.)

    All sources' maps are held until the result, since the first one's weight depends on the last one's saliency.
    """

    radius = 4
    epsilon = 1e-2
    halo = 2 * radius

    def __init__(self, survey: Sequence[Histogram] = (), *, keep_weights: bool = False) -> None:
        super().__init__(survey, keep_weights=keep_weights)
        self.features: list[Tensor] = []

    def add(self, feature: Tensor) -> None:
        """Take the next source's map."""
        if len(self.features) >= len(self.survey):
            raise UsageError("more sources than histograms: survey all of them")
        self.features.append(feature)

    def weights(self) -> list[Tensor]:
        """The weight of every source so far, (B, 1, H, W): the mean over the channels."""
        weights = [torch.zeros_like(feature[:, :1]) for feature in self._given()]
        for picture, channel, tables in self._maps():
            for weight, part in zip(weights, self._weights(picture, channel, tables), strict=True):
                weight[picture, 0] += part / self.features[0].shape[1]
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
            raise nothing_to_fuse()
        return self.features

    def _maps(self) -> Iterator[tuple[int, int, list[Tensor]]]:
        """Every map of the batch by itself, so that what lies between stays in the processor's cache."""
        like = self._given()[0]
        tables = [saliency_tables(histogram.counts).to(like) for histogram in self.survey]
        for picture, channel in product(*map(range, like.shape[:2])):
            yield picture, channel, [table[picture, channel] for table in tables]

    def _weights(self, picture: int, channel: int, tables: Sequence[Tensor]) -> list[Tensor]:
        """The weights (H, W) of the sources in one map."""
        levels = [
            histogram.scale.levels(feature[picture, channel], channel)
            for feature, histogram in zip(self.features, self.survey, strict=True)
        ]
        saliencies = [saliency(level, table) for level, table in zip(levels, tables, strict=True)]
        total = sum(saliencies[1:], start=saliencies[0])
        filtered = []
        for part, level in zip(saliencies, levels, strict=True):
            guide = level.div_(BINS - 1)[None, None]
            share = (part / total)[None, None]
            filtered.append(guided_filter(share, guide, self.radius, self.epsilon)[0, 0].clamp_min_(0))
        total = sum(filtered[1:], start=filtered[0])
        return [torch.where(total > 0, part / total, 1 / len(filtered)) for part in filtered]


def saliency_tables(counts: Tensor) -> Tensor:
    """S at −½, ½ … 255½, between which it is linear: counts (…, 256) → (…, 257)."""
    levels = torch.arange(BINS, dtype=counts.dtype, device=counts.device)
    knots = torch.arange(BINS + 1, dtype=counts.dtype, device=counts.device) - 0.5
    return (counts / counts.sum(-1, keepdim=True)) @ (levels[:, None] - knots[None, :]).abs()


def saliency(levels: Tensor, table: Tensor) -> Tensor:
    """S(v) = Σᵢ H(i) max(|v − i|, ½) of every value of a map, in levels.

    Args:
        levels: (H, W), on the axis 0…255, not rounded.
        table: (257,), of :func:`saliency_tables`.
    """
    place = levels + 0.5
    left = place.floor()
    index = left.to(torch.int64)
    slopes = table[1:] - table[:-1]
    return torch.addcmul(table.take(index), slopes.take(index), place.sub_(left))

"""Feature maps for people to look at: which source gave them, and those that vary the most."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from imfuse.networks.protocol import Core, Part
from imfuse.rules import AVERAGE
from imfuse.rules.fold import Fold
from imfuse.rules.shares import as_shares, greatest

SHOWN = 8
"""So many features are shown."""


@dataclass(frozen=True, slots=True)
class Spread:
    """How far features vary over a picture; mergeable.

    Attributes:
        count: pixels.
        sums: of every feature, (C,) float64, on the CPU.
        squares: likewise, of its squares.
    """

    count: int
    sums: Tensor
    squares: Tensor

    @classmethod
    def of(cls, features: Tensor, core: Core) -> Spread:
        """That of the core of features (1, C, H, W)."""
        channels = features[0, :, *core]
        sums = [channel.sum(dtype=torch.float64) for channel in channels]
        squares = [channel.double().square_().sum() for channel in channels]  # one at a time in float64
        return cls(channels[0].numel(), torch.stack(sums).cpu(), torch.stack(squares).cpu())

    def merged(self, other: Self) -> Self:
        """That of both sets of pixels together."""
        return type(self)(self.count + other.count, self.sums + other.sums, self.squares + other.squares)

    def widest(self, count: int) -> list[int]:
        """The indices of the features of the largest variance, the largest first."""
        variance = self.squares / self.count - (self.sums / self.count).square()
        return variance.argsort(descending=True, stable=True)[:count].tolist()


def feature_parts(features: Tensor, chosen: Sequence[int], name: str) -> Iterator[tuple[str, Part]]:
    """The chosen ones of the features (1, C, H, W) of a source or the result, under the names of their ranks."""
    for key, index in zip(feature_keys(len(chosen)), chosen, strict=True):
        image = features[:, index : index + 1].clone()  # a view would hold all features
        yield f"{name}_{key}", Part(image, "map", f"{name}: feature {index}", name, key)


def feature_keys(count: int) -> list[str]:
    """What the names of the parts end with."""
    return [f"feature-{rank}" for rank in range(1, count + 1)]


def feature_shares(encode: Callable[[Tensor], Tensor], pictures: Iterable[Tensor]) -> Tensor:
    """The share of each source in what the maximum of their features takes beyond their mean, (B, N, H, W).

    Where xₙ are the features of the sources, m their maximum and x̄ their mean, a feature counts with the energy
    (m − x̄)², all for the source in which it attains the maximum; those that share it, as equal sources do, share its
    energy. Were it m or m², features that all sources have alike, such as the brightness, would outweigh those in which
    they differ. Of the textured pixels of the focus pairs made of ``built_in_scenes(1)`` (radius 3 at threshold 0.4,
    and 8 at 0.5), 85 % go to the picture that is sharp there with IFCNN's published weights; by m it would be 70 %, by
    m² 68 %.

    Args:
        encode: the features (B, C, H, W) of a source; the same bits each time.
        pictures: the sources, gone through twice, one in memory at a time.

    Raises:
        UsageError: there are none.
    """
    mean = AVERAGE.start()
    best, ties = greatest(_told(mean, map(encode, pictures)))
    energy = (best - mean.result()).square_().div_(ties)
    del mean, ties
    return as_shares(torch.where(encode(picture) >= best, energy, 0).sum(1, keepdim=True) for picture in pictures)


def _told(fold: Fold, maps: Iterable[Tensor]) -> Iterator[Tensor]:
    """The maps, each of which the fold takes as it goes by."""
    for feature in maps:
        fold.add(feature)
        yield feature
        del feature

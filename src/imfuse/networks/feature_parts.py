"""Some of many feature maps, for people to look at: those that vary the most."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from imfuse.networks.protocol import Core, Part

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

"""The rule that looks for the strongest response: the elementwise maximum."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from imfuse.rules.fold import Fold, nothing_to_fuse
from imfuse.rules.histograms import Histogram


class Maximum(Fold):
    """Elementwise maximum of all maps, each channel by itself (IFCNN, Eq. 1)."""

    def __init__(self, survey: Sequence[Histogram] = (), *, keep_weights: bool = False) -> None:
        super().__init__(survey, keep_weights=keep_weights)
        self.largest: Tensor | None = None
        self.features: list[Tensor] = []

    def add(self, feature: Tensor) -> None:
        """Take the next source's map."""
        if self.largest is None:
            self.largest = feature
        else:
            self.largest = torch.maximum(self.largest, feature, out=self.largest if self.in_place else None)
        if self.keep_weights:
            self.features.append(feature)

    def result(self) -> Tensor:
        """The merged map of the sources so far."""
        if self.largest is None:
            raise nothing_to_fuse()
        return self.largest

    def weights(self) -> list[Tensor]:
        """The share of channels in which each source so far is the largest; equals share."""
        won = torch.stack([feature == self.result() for feature in self.features])
        shares = won / won.sum(0)
        return [share.mean(1, keepdim=True) for share in shares]

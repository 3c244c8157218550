"""Rules without a look at the maps: sum and mean."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from imfuse.rules.fold import Fold, nothing_to_fuse
from imfuse.rules.histograms import Histogram


class Addition(Fold):
    """Sum of all maps: every weight is one."""

    def __init__(self, survey: Sequence[Histogram] = (), *, keep_weights: bool = False) -> None:
        super().__init__(survey, keep_weights=keep_weights)
        self.total: Tensor | None = None
        self.count = 0

    def add(self, feature: Tensor) -> None:
        """Take the next source's map."""
        if self.total is None:
            self.total = feature
        else:
            self.total = torch.add(self.total, feature, out=self.total if self.in_place else None)
        self.count += 1

    def result(self) -> Tensor:
        """The merged map of the sources so far."""
        if self.total is None:
            raise nothing_to_fuse()
        return self.total

    def weights(self) -> list[Tensor]:
        """The weight of every source so far."""
        return [torch.ones_like(self.result()[:, :1])] * self.count


class Average(Addition):
    """Mean of all maps: every weight is 1 / N."""

    def result(self) -> Tensor:
        """The merged map of the sources so far."""
        return super().result() / self.count

    def weights(self) -> list[Tensor]:
        """The weight of every source so far."""
        return [weight / self.count for weight in super().weights()]

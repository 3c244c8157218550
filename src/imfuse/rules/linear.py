"""Rules without a look at the maps: sum and mean."""

from __future__ import annotations

import torch
from torch import Tensor

from imfuse.errors import UsageError


class Addition:
    """Sum of all maps: every weight is one."""

    def __init__(self) -> None:
        self.total: Tensor | None = None
        self.count = 0

    def add(self, feature: Tensor) -> None:
        """Take the next source's map."""
        self.total = feature if self.total is None else self.total + feature
        self.count += 1

    def result(self) -> Tensor:
        """The merged map of the sources so far."""
        if self.total is None:
            raise UsageError("nothing to fuse: give at least one source")
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

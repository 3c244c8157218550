"""The ℓ1-norm rule: a source weighs as much as its maps are active around a pixel."""

from __future__ import annotations

import torch
from torch import Tensor

from imfuse.ops.filters import box_mean
from imfuse.rules.linear import Addition


class L1Norm:
    """Weights χ(‖F_i‖₁) / Σ_j χ(‖F_j‖₁): χ is the 3×3 mean, ‖·‖₁ the sum of absolute values over a pixel's channels.

    AUIF, Eq. 9; Deep CSC, Eq. 6, where χ is called Γ. Borders are reflected, as elsewhere. Where every activity is
    zero, so is every map, and the result is zero.
    """

    halo = 1

    def __init__(self) -> None:
        self.weighted = Addition()
        self.activities: list[Tensor] = []

    def add(self, feature: Tensor) -> None:
        """Take the next source's map."""
        activity = box_mean(torch.linalg.vector_norm(feature, ord=1, dim=1, keepdim=True), 3)
        self.weighted.add(activity * feature)
        self.activities.append(activity)

    def result(self) -> Tensor:
        """The merged map of the sources so far."""
        return self.weighted.result() / self._total()

    def weights(self) -> list[Tensor]:
        """The weight of every source so far, each (B, 1, H, W)."""
        total = self._total()
        return [activity / total for activity in self.activities]

    def _total(self) -> Tensor:
        return torch.stack(self.activities).sum(0).clamp_min(1e-12) if self.activities else self.weighted.result()

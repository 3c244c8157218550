"""The ℓ1-norm rule: a source weighs as much as its maps are active around a pixel."""

from __future__ import annotations

import torch
from torch import Tensor

from imfuse.errors import UsageError
from imfuse.ops.filters import box_mean


class L1Norm:
    """Weights χ(‖F_i‖₁) / Σ_j χ(‖F_j‖₁): χ is the 3×3 mean, ‖·‖₁ the sum of absolute values over a pixel's channels.

    AUIF, Eq. 9; Deep CSC, Eq. 6, where χ is called Γ. Borders are reflected, as elsewhere. Where every activity is
    zero, so is every map, and the result is zero.
    """

    halo = 1

    def __init__(self) -> None:
        self.weighted: Tensor | None = None
        self.activities: list[Tensor] = []

    def add(self, feature: Tensor) -> None:
        """Take the next source's map."""
        activity = box_mean(_l1_norm(feature), 3)
        if self.weighted is None:
            self.weighted = activity * feature
        else:
            self.weighted = self.weighted.addcmul_(activity, feature)
        self.activities.append(activity)

    def result(self) -> Tensor:
        """The merged map of the sources so far."""
        total = self._total()
        return total if self.weighted is None else self.weighted / total

    def weights(self) -> list[Tensor]:
        """The weight of every source so far, each (B, 1, H, W)."""
        total = self._total()
        return [activity / total for activity in self.activities]

    def _total(self) -> Tensor:
        if not self.activities:
            raise UsageError("nothing to fuse: give at least one source")
        return torch.stack(self.activities).sum(0).clamp_min(1e-12)


def _l1_norm(feature: Tensor) -> Tensor:
    """Σ_c |F_c|, (B, 1, H, W), channel by channel: a reduction over planes that lie far apart is far slower."""
    total = feature[:, :1].abs()
    for channel in range(1, feature.shape[1]):
        total = total.add_(feature[:, channel : channel + 1].abs())
    return total

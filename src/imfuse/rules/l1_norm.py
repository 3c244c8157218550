"""The ℓ1-norm rule: a source weighs as much as its maps are active around a pixel."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from imfuse.ops.filters import box_mean
from imfuse.rules.fold import Fold, nothing_to_fuse
from imfuse.rules.histograms import Histogram

_LEAST = 1e-12


class L1Norm(Fold):
    """Weights χ(‖F_i‖₁) / Σ_j χ(‖F_j‖₁): χ is the 3×3 mean, ‖·‖₁ the sum of absolute values over a pixel's channels.

    AUIF, Eq. 9; Deep CSC, Eq. 6, where χ is called Γ. Borders are reflected, as elsewhere. Where every activity is
    zero, so is every map, and the result is zero.
    """

    halo = 1

    def __init__(self, survey: Sequence[Histogram] = (), *, keep_weights: bool = False) -> None:
        super().__init__(survey, keep_weights=keep_weights)
        self.weighted: Tensor | None = None
        self.total: Tensor | None = None
        self.activities: list[Tensor] = []

    def add(self, feature: Tensor) -> None:
        """Take the next source's map."""
        activity = box_mean(_l1_norm(feature), 3)
        if self.weighted is None or self.total is None:
            self.weighted, self.total = activity * feature, activity
        else:
            self.weighted = self.weighted.addcmul_(activity, feature)
            self.total = self.total + activity
        if self.keep_weights:
            self.activities.append(activity)

    def result(self) -> Tensor:
        """The merged map of the sources so far."""
        if self.weighted is None or self.total is None:
            raise nothing_to_fuse()
        return self.weighted / self.total.clamp_min(_LEAST)

    def weights(self) -> list[Tensor]:
        """The weight of every source so far, each (B, 1, H, W)."""
        if self.total is None:
            raise nothing_to_fuse()
        return [activity / self.total.clamp_min(_LEAST) for activity in self.activities]


def _l1_norm(feature: Tensor) -> Tensor:
    """Σ_c |F_c|, (B, 1, H, W), channel by channel: a reduction over planes that lie far apart is far slower."""
    total = feature[:, :1].abs()
    for channel in range(1, feature.shape[1]):
        total = total.add_(feature[:, channel : channel + 1].abs())
    return total

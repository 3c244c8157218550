"""Softmax across sources: pictures blended by weights that sum to one, one source in memory at a time."""

from __future__ import annotations

import torch
from torch import Tensor

from imfuse.rules.fold import nothing_to_fuse


class SoftmaxBlend:
    """Σ wₖ yₖ with wₖ = exp(lₖ) / Σ exp(lⱼ), folded.

    After each source the mean so far and the logarithm L of the sum of exponentials so far are known. A new source has
    the share s = exp(l) / (exp(L) + exp(l)) = σ(l − L) of what there is now, and the mean moves by it towards the
    source: three maps are held, whatever the number of sources, and no exponential overflows. The latest l is taken
    into L when another one comes; the last of all never is.
    """

    def __init__(self) -> None:
        self._mean: Tensor | None = None
        self._total: Tensor | None = None
        self._latest: Tensor | None = None

    def add(self, logit: Tensor, picture: Tensor) -> None:
        """Take the next source (B, C, H, W) and the logarithm l of its weight, (B, 1, H, W)."""
        if self._mean is None or self._total is None:
            self._mean, self._total = picture, logit
            return
        if self._latest is not None:
            self._total = torch.logaddexp(self._total, self._latest)
        self._latest = logit
        share = torch.sigmoid(logit - self._total)
        self._mean = torch.lerp(self._mean, picture, share)

    def result(self) -> Tensor:
        """The blend of the sources so far, (B, C, H, W).

        Raises:
            UsageError: there is none.
        """
        if self._mean is None:
            raise nothing_to_fuse()
        return self._mean

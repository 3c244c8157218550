"""How the sources of a scene vary together, over the whole picture: the statistic of principal components."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from imfuse.rules.fold import nothing_to_fuse

FLAT = 1e-12
"""Maps whose variances sum to less are flat: a millionth of the range is what float32 can tell."""

_STRIP = 2**16


@dataclass(frozen=True, slots=True)
class Covariance:
    """Sums over the pixels of N maps, of which their covariance follows; mergeable.

    Attributes:
        count: pixels.
        sums: of every map, (B, N) float64, on the CPU.
        products: of every two maps, (B, N, N) float64, on the CPU.
    """

    count: int
    sums: Tensor
    products: Tensor

    @classmethod
    def of(cls, maps: Sequence[Tensor]) -> Covariance:
        """That of N maps (B, 1, H, W).

        Raises:
            UsageError: there are no maps.
        """
        if not maps:
            raise nothing_to_fuse()
        batch, _, height, width = maps[0].shape
        sums = torch.zeros(batch, len(maps), dtype=torch.float64)
        products = torch.zeros(batch, len(maps), len(maps), dtype=torch.float64)
        rows = max(_STRIP // width, 1)  # so that float64 is made of a few rows at a time
        for top in range(0, height, rows):
            strips = [part[..., top : top + rows, :].detach().flatten(1).cpu().double() for part in maps]
            strip = torch.stack(strips, dim=1)
            sums += strip.sum(-1)
            products += strip @ strip.mT
        return cls(height * width, sums, products)

    def merged(self, other: Covariance) -> Covariance:
        """That of both sets of pixels together."""
        return Covariance(self.count + other.count, self.sums + other.sums, self.products + other.products)

    @property
    def matrix(self) -> Tensor:
        """The covariance of the maps, (B, N, N)."""
        means = self.sums / self.count
        return self.products / self.count - means.unsqueeze(-1) * means.unsqueeze(-2)

    def principal_weights(self) -> Tensor:
        """|v| / Σ |v| of the eigenvector v to the greatest eigenvalue: (B, N), N weights that sum to one.

        The published formulas say v / Σ v. That is the same where no two maps vary against each other. Where they do,
        as infrared and visible pictures often, v has components of either sign: the formula then subtracts one source
        from the other, and divides by a sum that can be zero. Its weights of 40 pairs of TNO reach from −10 to 11 for
        the pictures, of which 34 vary against each other, and from −0.2 to 1.2 for ADF's details, of which 27 do. The
        magnitudes stay weights. Flat maps weigh the same.
        """
        matrix = self.matrix
        leading = torch.linalg.eigh(matrix).eigenvectors[..., -1].abs()
        flat = matrix.diagonal(dim1=-2, dim2=-1).sum(-1, keepdim=True) < FLAT
        leading = torch.where(flat, torch.ones_like(leading), leading)
        return leading / leading.sum(-1, keepdim=True)


def weighted_sum(maps: Iterable[Tensor], weights: Tensor) -> Tensor:
    """Σ wₙ · mapₙ of maps (B, C, H, W), taken one after the other, and weights (B, N), of each picture of the batch.

    Raises:
        UsageError: there are no maps.
    """
    total: Tensor | None = None
    for part, weight in zip(maps, weights.unbind(1), strict=True):
        share = weight.to(part).reshape(-1, 1, 1, 1)
        total = part * share if total is None else total.addcmul_(part, share)
    if total is None:
        raise nothing_to_fuse()
    return total

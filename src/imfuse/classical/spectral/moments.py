"""Second moments of bands and guide, from which all regressions of the spectral methods follow."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

RELATIVE_RANK = 1e-12
"""Directions whose squared size is below this part of the largest one's are taken for rounding."""


@dataclass(frozen=True, slots=True)
class Moments:
    """Sums over pixels of the products of ``z = (1, bands, guide)`` with each other; sums of windows add.

    Attributes:
        products: (B, 1 + L + G, 1 + L + G), Σ z zᵀ, float64.
        bands: L.
    """

    products: Tensor
    bands: int

    @classmethod
    def of(cls, low: Tensor, seen: Tensor, valid: Tensor | None = None) -> Moments:
        """Moments of the bands (B, L, h, w) and the guide at their resolution (B, G, h, w).

        Args:
            low: the bands.
            seen: the guide.
            valid: (B, h, w) of bool, the pixels that count; all without it.
        """
        values = torch.cat([torch.ones_like(seen[:, :1]), low, seen], dim=1)
        if valid is not None:
            values = values * valid[:, None]  # the constant too: a pixel that does not count adds nothing
        values = values.flatten(2).double()
        return cls(values @ values.mT, low.shape[1])

    def merged(self, other: Moments) -> Moments:
        """Moments of the pixels of both."""
        return Moments(self.products + other.products, self.bands)

    def guide_from_bands(self) -> Tensor:
        """Least-squares coefficients of the guide's channels on the bands, (B, G, 1 + L), the constant first."""
        end = 1 + self.bands
        return self._regress(slice(0, end), slice(end, None))

    def guide_response(self) -> Tensor:
        """The same without a constant, (B, G, L): how the guide's channels see the bands."""
        end = 1 + self.bands
        return self._regress(slice(1, end), slice(end, None))

    def bands_from_guide(self) -> Tensor:
        """Least-squares coefficients of the bands on the guide's channels, (B, L, 1 + G), the constant first."""
        count = self.products.shape[-1]
        inputs = torch.tensor([0, *range(1 + self.bands, count)], device=self.products.device)
        return self._regress(inputs, slice(1, 1 + self.bands))

    def gains(self, coefficients: Tensor) -> Tensor:
        """``cov(band, I) / var(I)`` of every band, (B, L), for I = c₀ + Σ c_b · band_b; 0 where I is constant.

        Args:
            coefficients: (B, 1 + L), the constant first, float64.
        """
        end = 1 + self.bands
        count = self.products[:, 0, 0, None]
        with_all = (self.products[:, :end, :end] @ coefficients.unsqueeze(-1)).squeeze(-1) / count
        mean = with_all[:, :1]
        covariance = with_all[:, 1:] - mean * self.products[:, 1:end, 0] / count
        square = (with_all * coefficients).sum(-1, keepdim=True)
        variance = square - mean.square()
        varies = variance > RELATIVE_RANK * square
        return torch.where(varies, covariance / torch.where(varies, variance, 1), 0)

    def _regress(self, inputs: slice | Tensor, targets: slice) -> Tensor:
        """Coefficients by the normal equations; the smallest ones where several explain the same."""
        normal = self.products[:, inputs][:, :, inputs]
        inverse = torch.linalg.pinv(normal, rtol=RELATIVE_RANK, hermitian=True)
        coefficients: Tensor = inverse @ self.products[:, inputs, targets]
        return coefficients.mT

"""Principal components of the pictures themselves."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor

from imfuse.classical.covariance import Covariance, weighted_sum
from imfuse.networks.protocol import Core, FusionNetwork
from imfuse.ops.colour import luma
from imfuse.rules.passes import repeatable


class PCAFusion(FusionNetwork):
    """V. P. S. Naidu, J. R. Raol, "Pixel-level image fusion using wavelets and principal component analysis", 2008.

    One weight per source: its component of the leading eigenvector of the sources' covariance over the whole picture,
    normalised to sum to one; see :meth:`imfuse.classical.covariance.Covariance.principal_weights`. Of colour pictures
    the lumas vary together.
    """

    bytes_per_pixel = 48
    shares_bytes_per_pixel = 24
    bytes_per_pixel_per_source = 4

    @property
    def halo(self) -> int:
        """None: pixel by pixel, beside the survey."""
        return 0

    @property
    def surveyed(self) -> bool:
        """Yes: the covariance of the sources."""
        return True

    def survey(self, sources: Iterable[Tensor], core: Core) -> Covariance:
        """The covariance of these windows."""
        return Covariance.of([luma(source[..., *core]) for source in sources])

    def fuse(self, sources: Iterable[Tensor], survey: Covariance | None = None) -> Tensor:
        """Fuse sources (B, C, H, W); one is in memory at a time, but the lumas of all for the survey."""
        pictures = repeatable(sources)
        return weighted_sum(pictures, self._weights(pictures, survey))

    def source_shares(self, sources: Iterable[Tensor], survey: Covariance | None = None) -> Tensor:
        """The weights, (B, N, H, W): the same at every pixel."""
        pictures = repeatable(sources)
        weights = self._weights(pictures, survey)
        first = next(iter(pictures))
        return weights.to(first)[:, :, None, None].repeat(1, 1, *first.shape[-2:])

    def _weights(self, pictures: Iterable[Tensor], survey: Covariance | None) -> Tensor:
        """The weight of every source in every picture of the batch, (B, N)."""
        if survey is None:
            survey = Covariance.of([luma(picture) for picture in pictures])
        return survey.principal_weights()

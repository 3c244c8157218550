"""ADF: what anisotropic diffusion takes away, weighed by principal components."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor

from imfuse.classical.covariance import Covariance, weighted_sum
from imfuse.networks.protocol import Core, FusionNetwork
from imfuse.ops.colour import luma
from imfuse.ops.diffusion import anisotropic_diffusion
from imfuse.rules.fold import nothing_to_fuse


class ADF(FusionNetwork):
    """D. P. Bavirisetti, R. Dhuli, "Fusion of infrared and visible sensor images based on anisotropic diffusion and
    Karhunen-Loeve transform", IEEE Sensors Journal 16(1), 203–209, 2016.

    Base: a source after ten iterations of Perona and Malik's diffusion with g(d) = exp(−(d/K)²); detail: the rest.
    Bases are averaged. Details are weighed by the leading eigenvector of their covariance over the whole picture; see
    :meth:`imfuse.classical.covariance.Covariance.principal_weights`. The result is the sum of both. Of colour pictures
    the luma decides how much flows and how much a source weighs.

    Four neighbours take part, as in the paper's equations and Perona and Malik's; the authors' program has eight.
    λ = 0.15 and K = 30 of 255 levels are that program's.

    Args:
        iterations: of the diffusion.
        step: λ of the diffusion, at most ¼.
        contrast: K of the diffusion, for pictures in [0, 1].
    """  # noqa: D205

    bytes_per_pixel = 245
    bytes_per_pixel_per_source = 12

    def __init__(self, iterations: int = 10, step: float = 0.15, contrast: float = 30 / 255) -> None:
        super().__init__()
        self.iterations, self.step, self.contrast = iterations, step, contrast

    @property
    def halo(self) -> int:
        """One pixel per iteration."""
        return self.iterations

    def smooth(self, picture: Tensor) -> Tensor:
        """The base of a picture (B, C, H, W)."""
        return anisotropic_diffusion(picture, self.iterations, self.step, self.contrast)

    @property
    def surveyed(self) -> bool:
        """Yes: the covariance of the details."""
        return True

    def survey(self, sources: Iterable[Tensor], core: Core) -> Covariance:
        """The covariance of the details of these windows."""
        return Covariance.of([luma(source - self.smooth(source))[..., *core] for source in sources])

    def fuse(self, sources: Iterable[Tensor], survey: Covariance | None = None) -> Tensor:
        """Fuse sources (B, C, H, W). The details of all are in memory."""
        details: list[Tensor] = []
        base: Tensor | None = None
        for source in sources:
            smooth = self.smooth(source)
            details.append(source - smooth)
            base = smooth if base is None else base.add_(smooth)
        if base is None:
            raise nothing_to_fuse()
        if survey is None:
            survey = Covariance.of([luma(detail) for detail in details])
        return weighted_sum(details, survey.principal_weights()).add_(base / len(details))

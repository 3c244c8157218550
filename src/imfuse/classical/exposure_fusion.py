"""Exposure fusion: every pixel from the exposures that show it well, blended scale by scale."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from imfuse.classical.coarse_survey import CoarsePart, CoarseSurvey
from imfuse.networks.protocol import Core, FusionNetwork, place_of
from imfuse.ops.colour import luma
from imfuse.ops.filters import laplacian
from imfuse.ops.pyramid import blend, check_levels, collapse, gaussian_levels, pyramid_halo
from imfuse.rules.fold import nothing_to_fuse
from imfuse.rules.passes import repeatable
from imfuse.rules.shares import as_shares

SIGMA = 0.2
FINE = 5
"""So many scales are computed window by window; the coarser ones, of a thousandth of the pixels, at once."""
_LEAST = 1e-12


class ExposureFusion(FusionNetwork):
    """T. Mertens, J. Kautz, F. Van Reeth, "Exposure fusion", Pacific Graphics 2007.

    A pixel's weight is C^c · S^s · E^e: contrast C, the magnitude of the luma's Laplacian; saturation S, the deviation
    of its channels; and well-exposedness E, the product over the channels of exp(−(v − ½)² / 2σ²) with σ = 0.2. Weights
    are normalised to sum to one; at every scale the details of the sources, and the coarsest pictures, are weighed by
    the Gaussian pyramids of these weights. Gray pictures have no saturation; it is left out.

    The paper does not say how often pictures are halved, and much hangs on it: one time more or less moves results by
    several gray levels. The authors' program has ⌊log₂ of the shorter side⌋ pictures, the first included; so has this.
    OpenCV's has two more, and its well-exposedness has exponent 0 unless it is asked for.

    Args:
        contrast: exponent c; 0 leaves the measure out.
        saturation: exponent s.
        exposure: exponent e.
        levels: how often the picture is halved; by default as often as in the authors' program.
    """

    takes_colour = True
    alignment = 2**FINE
    bytes_per_pixel = 140
    shares_bytes_per_pixel = 50

    def __init__(
        self, contrast: float = 1.0, saturation: float = 1.0, exposure: float = 1.0, levels: int | None = None
    ) -> None:
        super().__init__()
        self.contrast, self.saturation, self.exposure = contrast, saturation, exposure
        self.levels = None if levels is None else check_levels(levels)

    @property
    def halo(self) -> int:
        """That of the fine scales, and a pixel for the contrast."""
        return pyramid_halo(FINE) + 1

    @property
    def surveyed(self) -> bool:
        """Yes: the coarse scales."""
        return True

    def survey(self, sources: Iterable[Tensor], core: Core) -> CoarseSurvey:
        """The sources and their weights as they are after the fine scales.

        Raises:
            UsageError: the windows do not say where they lie.
        """
        place = place_of(sources)
        total = self._total(sources)
        levels = self._fine(total)
        parts = []
        for source in sources:
            *_, picture = gaussian_levels(source, levels)
            *_, share = gaussian_levels(self.weight(source).div_(total), levels)
            parts.append(CoarsePart.of(picture, share, place, core, 2**levels))
        return CoarseSurvey(place.bottom, place.right, 2**levels, (tuple(parts),))

    def fuse(self, sources: Iterable[Tensor], survey: CoarseSurvey | None = None) -> Tensor:
        """Fuse sources (B, C, H, W); one is in memory at a time, but each is gone through twice."""
        pictures = repeatable(sources)
        total = self._total(pictures)
        levels = self.depth(*total.shape[-2:]) if survey is None else self._fine(total)
        shared = ((picture, self.weight(picture).div_(total)) for picture in pictures)
        pyramid = blend(shared, levels)
        if survey is not None:
            coarser = self.depth(survey.height, survey.width) - levels
            pyramid[-1] = survey.fused(coarser, place_of(sources))
        return collapse(pyramid)

    def source_shares(self, sources: Iterable[Tensor], survey: CoarseSurvey | None = None) -> Tensor:
        """The normalised weights, (B, N, H, W), as they are before every scale has its own smoother ones."""
        return as_shares(map(self.weight, sources))

    def depth(self, height: int, width: int) -> int:
        """How often pictures of this size are halved."""
        return max(min(height, width).bit_length() - 2, 0) if self.levels is None else self.levels

    def _fine(self, window: Tensor) -> int:
        """How often a window is halved; the same for every window of a picture.

        A window that does not hold all rows, or columns, of the picture holds as many as its halo on one side, which
        are more than ``2 ** FINE``: then it has more than enough of them, as the picture has.
        """
        return min(FINE, self.depth(*window.shape[-2:]))

    def _total(self, pictures: Iterable[Tensor]) -> Tensor:
        total = sum(self.weight(picture) for picture in pictures)
        if not isinstance(total, Tensor):
            raise nothing_to_fuse()
        return total

    def weight(self, picture: Tensor) -> Tensor:
        """The weight of every pixel of a picture (B, C, H, W) before it is normalised, (B, 1, H, W), positive."""
        weight = torch.ones_like(picture[:, :1])
        if self.contrast:
            weight = weight.mul_(laplacian(luma(picture)).abs_().pow_(self.contrast))
        if self.saturation and picture.shape[1] > 1:
            weight = weight.mul_(_deviation(picture).pow_(self.saturation))
        if self.exposure:
            distances = (picture - 0.5).square_().sum(1, keepdim=True)
            weight = weight.mul_(distances.mul_(-0.5 * self.exposure / SIGMA**2).exp_())
        return weight.add_(_LEAST)


def _deviation(picture: Tensor) -> Tensor:
    """Standard deviation of the channels of each pixel, (B, 1, H, W)."""
    mean = picture.mean(1, keepdim=True)
    return (picture - mean).square_().mean(1, keepdim=True).sqrt_()

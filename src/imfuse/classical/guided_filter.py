"""GFF: two scales, weighed by saliency along the edges of the sources."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor

from imfuse.networks.protocol import FusionNetwork
from imfuse.ops.colour import luma
from imfuse.ops.filters import box_mean, gaussian_blur, laplacian
from imfuse.ops.guided import guided_filter
from imfuse.rules.fold import nothing_to_fuse
from imfuse.rules.passes import repeatable
from imfuse.rules.shares import as_shares, greatest

MEAN = 31
SALIENCY_RADIUS = 5
SALIENCY_SIGMA = 5.0
_LEAST = 1e-12


class GuidedFilterFusion(FusionNetwork):
    """S. Li, X. Kang, J. Hu, "Image fusion with guided filtering", IEEE Transactions on Image Processing 22(7), 2013.

    Base: the 31×31 mean of a source; detail: the rest. Saliency: the magnitude of its Laplacian (four neighbours),
    blurred by a Gaussian of 11×11 taps and σ = 5. At each pixel the most salient source has weight 1, the others 0.
    These maps, filtered with their source's luma as guide, weigh the bases (r₁, ε₁) and details (r₂, ε₂), normalised
    to sum to one at each pixel. The result is the sum of both. Of colour pictures the luma decides.

    Decided where the paper is silent: sources that are equally salient share the weight, so that flat regions do not
    depend on the order; filtered weights are clamped to be non-negative, as in the authors' program; and where all are
    zero, they are equal. Saliency is computed in float64: which source is the most salient must not hang on rounding,
    which differs from tile to tile.

    Args:
        base_radius: r₁ in pixels.
        base_epsilon: ε₁, a variance of lumas in [0, 1].
        detail_radius: r₂ in pixels.
        detail_epsilon: ε₂, likewise.
    """

    bytes_per_pixel = 200
    shares_bytes_per_pixel = 120

    def __init__(
        self,
        base_radius: int = 45,
        base_epsilon: float = 0.3,
        detail_radius: int = 7,
        detail_epsilon: float = 1e-6,
    ) -> None:
        super().__init__()
        self.base_radius, self.base_epsilon = base_radius, base_epsilon
        self.detail_radius, self.detail_epsilon = detail_radius, detail_epsilon

    @property
    def halo(self) -> int:
        """That of the wider guided filter and of the saliency, or that of the mean."""
        return max(2 * max(self.base_radius, self.detail_radius) + SALIENCY_RADIUS + 1, MEAN // 2)

    def fuse(self, sources: Iterable[Tensor], survey: None = None) -> Tensor:
        """Fuse sources (B, C, H, W); one is in memory at a time, but each is gone through twice."""
        pictures = repeatable(sources)
        best, ties = greatest(saliency(luma(picture)) for picture in pictures)
        base, detail = _Blend(), _Blend()
        for picture in pictures:
            guide = luma(picture)
            share = _most_salient(guide, best, ties)
            smooth = box_mean(picture, MEAN)
            base.add(smooth, guided_filter(share, guide, self.base_radius, self.base_epsilon))
            detail.add(picture - smooth, guided_filter(share, guide, self.detail_radius, self.detail_epsilon))
        return base.result().add_(detail.result())

    def source_shares(self, sources: Iterable[Tensor], survey: None = None) -> Tensor:
        """The weights of the details, which are what is sharp: (B, N, H, W). Those of the bases are smoother."""
        pictures = repeatable(sources)
        best, ties = greatest(saliency(luma(picture)) for picture in pictures)
        return as_shares(
            guided_filter(_most_salient(guide, best, ties), guide, self.detail_radius, self.detail_epsilon)
            for guide in map(luma, pictures)
        )


def saliency(picture: Tensor) -> Tensor:
    """The blurred magnitude of the Laplacian of a luma (B, 1, H, W), in float64 where the device has it."""
    exact = picture if picture.device.type == "mps" else picture.double()
    return gaussian_blur(laplacian(exact).abs_(), 2 * SALIENCY_RADIUS + 1, SALIENCY_SIGMA)


def _most_salient(guide: Tensor, best: Tensor, ties: Tensor) -> Tensor:
    """1 where this luma is the most salient one, and its part of 1 where others are as salient."""
    return (saliency(guide) == best).to(guide.dtype).div_(ties)


class _Blend:
    """Σ w·x / Σ w of the non-negative parts of weights; the mean of x where all weights are zero."""

    def __init__(self) -> None:
        self.weighted: Tensor | None = None
        self.total: Tensor | None = None

    def add(self, part: Tensor, weight: Tensor) -> None:
        """Take the next source's part (B, C, H, W) and its weight (B, 1, H, W)."""
        weight = weight.clamp_min(0).add_(_LEAST)
        if self.weighted is None or self.total is None:
            self.weighted, self.total = part * weight, weight
        else:
            self.weighted.addcmul_(part, weight)
            self.total.add_(weight)

    def result(self) -> Tensor:
        """What the sources so far blend to."""
        if self.weighted is None or self.total is None:
            raise nothing_to_fuse()
        return self.weighted / self.total

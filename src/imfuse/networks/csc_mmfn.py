"""CSC-MMFN: sharpening low-resolution bands by a high-resolution guide, by deep convolutional sparse coding."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable
from typing import Any, Literal, Self, cast, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from imfuse.blocks.dcu_stack import DictionaryStack
from imfuse.errors import UsageError
from imfuse.networks.protocol import FusionNetwork
from imfuse.ops.colour import linear_to_srgb, srgb_to_linear
from imfuse.ops.fast_guided_filter import fast_guided_filter
from imfuse.ops.padding import reflect_pad
from imfuse.ops.resampling import BICUBIC_REACH, BILINEAR_REACH, area_average, upsample_bicubic, with_averages

GuideTransfer = Literal["srgb", "linear"]

_GROUP = 16
"""Maps that are filtered and decoded at a time in inference: all of them at the guide's size take much memory."""


class CSCMMFN(FusionNetwork):
    """Xu et al., "Deep Convolutional Sparse Coding Networks for Image Fusion", Section III-C.

    N dictionary convolutional units with soft thresholds code the bands, z^LR, and N others the guide, z^G. The fast
    guided filter super-resolves z^LR under the guidance of z^G, and a 3×3 convolution makes the bands of that: the
    paper's x^F = d^F ∗ (z^LR)↑ (Eq. 9).

    Silent in the paper and decided here: 64 filters of 3×3, as in the sister paper (AUIF). The codes are paired channel
    by channel: map k of z^G guides map k of z^LR; on the grid of the bands z^G is its average over blocks, as the bands
    are of what they show. Nothing of the filter learns. Where the bands' pixels lie is the geometry of
    :mod:`imfuse.ops.resampling`.

    Two things that are the field's and not the paper's, each to be switched off:

    - ``residual``: the decoder gives what the bands lack, and not the bands: x^F = ↑x^LR + d^F ∗ (z^LR)↑ with the
      bicubic ↑x^LR, as PNN's successors and most networks for pansharpening do. What the guide does not explain the
      guided filter blurs; so it need not pass through it.
    - ``consistent``: at the end, the averages of the result over blocks are made those that were measured, exactly
      (:func:`imfuse.ops.resampling.with_averages`): the classical back-projection. For bands that are no averages of
      their area it is wrong: with another point-spread function, or with much noise, leave it out.

    After 120 steps of training (guide as stored, scale 4, ``imfuse train csc-mmfn --loss psnr --crop 32 --batch 6``)
    crops of CAVE's validation scenes had 45.2 dB with both, 42.7 without ``residual`` and 40.4 without ``consistent``;
    the bicubic interpolation 38.1, and 38.6 made consistent.

    Windows are cut on the grid of the bands, the window of the guide being the same area: as of every spectral method,
    ``halo`` counts pixels of the bands (scale times as many of the guide), and ``bytes_per_pixel`` is per pixel of the
    guide and band.

    Args:
        bands: of the low-resolution picture and the result.
        guide_channels: of the guide.
        scale: how many pixels of the guide a pixel of the bands is wide.
        units: N, of each of both encoders.
        filters: q, the number of channels of a code.
        radius: of the guided filter, in pixels of the bands.
        epsilon: of the guided filter, the variance of a map of z^G below which it counts as flat. The normalisations
            bring the maps to a variance near 1 before they learn.
        residual: see above.
        consistent: see above.
        guide_transfer: the curve under which the encoder sees the guide. ``srgb``: as it is stored, a picture under the
            sRGB curve or any other values. ``linear``: as light, decoded by the sRGB curve here; the guide is given as
            it is stored in both cases.
        guide_curved: whether the guides that it has learned are stored under the sRGB curve, as pictures are.
            :meth:`for_guides` makes it ready for others.

    Raises:
        UsageError: an argument is out of its range.
    """

    takes_colour = True

    def __init__(
        self,
        bands: int = 31,
        guide_channels: int = 3,
        scale: int = 4,
        units: int = 4,
        filters: int = 64,
        radius: int = 1,
        epsilon: float = 1e-3,
        residual: bool = True,
        consistent: bool = True,
        guide_transfer: GuideTransfer = "srgb",
        guide_curved: bool = True,
    ) -> None:
        super().__init__()
        numbers = {"bands": bands, "guide_channels": guide_channels, "scale": scale, "units": units, "filters": filters}
        for name, number in (numbers | {"radius": radius}).items():
            if number < 1:
                raise UsageError(f"{name} is {number}; it must be a whole number from 1 up")
        if not epsilon > 0:
            raise UsageError(f"epsilon is {epsilon}; it must be positive")
        if guide_transfer not in get_args(GuideTransfer):
            choices = ", ".join(get_args(GuideTransfer))
            raise UsageError(f"unknown transfer of the guide {guide_transfer!r}: choose one of {choices}")
        self.bands, self.guide_channels, self.scale = bands, guide_channels, scale
        self.radius, self.epsilon = radius, epsilon
        self.residual, self.consistent = residual, consistent
        self.guide_transfer: GuideTransfer = guide_transfer
        self.guide_curved = guide_curved
        self.given_curved = guide_curved
        self.low_encoder = DictionaryStack(units, filters, "sst", bands)
        self.guide_encoder = DictionaryStack(units, filters, "sst", guide_channels)
        self.decoder = nn.Conv2d(filters, bands, 3)
        if residual:  # an untrained network is the bicubic interpolation
            nn.init.zeros_(self.decoder.weight)
            nn.init.zeros_(cast(Tensor, self.decoder.bias))

    @property
    def halo(self) -> int:
        """Pixels of the bands around a window: the units, both means of the filter, its upsampling, the decoder."""
        guide = -(-self.guide_encoder.halo // self.scale)
        reach = max(self.low_encoder.halo, guide) + 2 * self.radius + BILINEAR_REACH + 1
        return reach + (BICUBIC_REACH if self.consistent else 0)

    @property
    def bytes_per_pixel(self) -> int:  # type: ignore[override]
        """Working memory per pixel of the guide and band: of either encoder, or of filter and decoder."""
        filters, area = self.guide_encoder.origin.numel(), self.scale**2
        low = (8 * filters + 110 * self.bands) / area
        guide = 8 * filters + 110 * self.guide_channels + 4 * filters / area
        decoder = 4 * filters + 16 * _GROUP + 22 * self.bands + (4 * filters + 40 * _GROUP) / area
        return math.ceil(max(low, guide, decoder) / self.bands)

    def for_guides(self, curved: bool) -> Self:
        """This network for guides that are stored under the sRGB curve, or as light; it shares the parameters.

        They are brought under the curve that the network has learned. Given light in place of a picture, a model for
        pictures loses 6 dB on CAVE's validation scenes.
        """
        other = copy.copy(self)
        other.given_curved = curved
        return other

    def fuse(self, sources: Iterable[Tensor], survey: Any = None) -> Tensor:
        """Sharpen the bands.

        Args:
            sources: the bands (B, L, h, w), then the guide (B, G, scale · h, scale · w), both in [0, 1].
            survey: none is needed.

        Returns:
            (B, L, scale · h, scale · w), in the bands' type; it may leave [0, 1] a little.

        Raises:
            UsageError: the sources are not a scene of this network's bands, channels and scale.
        """
        low, guide = self._checked(list(sources))
        result: Tensor = self(low, guide.to(low.dtype))
        return result

    def forward(self, low: Tensor, guide: Tensor) -> Tensor:
        """The bands (B, L, H, W) of low-resolution ones (B, L, h, w) and a guide (B, G, H, W) as it is stored."""
        z_low = self.low_encoder(low)
        z_guide = self.guide_encoder(self._seen(guide))
        fused = self._decoded(z_low, z_guide)
        if self.residual:
            fused.add_(upsample_bicubic(low, self.scale))
        return with_averages(fused, low) if self.consistent else fused

    def _seen(self, guide: Tensor) -> Tensor:
        """The guide under the curve under which the encoder has learned it."""
        if self.given_curved != self.guide_curved:
            guide = srgb_to_linear(guide) if self.given_curved else linear_to_srgb(guide)
        return srgb_to_linear(guide) if self.guide_transfer == "linear" else guide

    def super_resolved(self, z_low: Tensor, z_guide: Tensor) -> Tensor:
        """(z^LR)↑ of codes (B, k, h, w) and (B, k, H, W): the fast guided filter, map by map."""
        seen = area_average(z_guide, self.scale)
        return fast_guided_filter(seen, z_low, z_guide, self.radius, self.epsilon)

    def _decoded(self, z_low: Tensor, z_guide: Tensor) -> Tensor:
        """d^F ∗ (z^LR)↑, in inference a few maps after the other."""
        size = z_low.shape[1] if torch.is_grad_enabled() else _GROUP
        codes = zip(*(torch.split(x, size, 1) for x in (z_low, z_guide, self.decoder.weight)), strict=True)
        fused: Tensor | None = None
        for low, guide, weight in codes:
            bias = self.decoder.bias if fused is None else None
            part = F.conv2d(reflect_pad(self.super_resolved(low, guide), 1), weight, bias)
            fused = part if fused is None else fused.add_(part)  # in place: new memory costs more than the sum
        return cast(Tensor, fused)

    def _checked(self, sources: list[Tensor]) -> tuple[Tensor, Tensor]:
        if len(sources) != 2:
            raise UsageError(
                f"{len(sources)} sources were given; spectral fusion takes two: the bands, then the guide of higher "
                "resolution"
            )
        low, guide = sources
        if low.dim() != 4 or guide.dim() != 4 or low.shape[0] != guide.shape[0]:
            raise UsageError(
                f"the bands have shape {tuple(low.shape)} and the guide {tuple(guide.shape)}; (batch, channels, "
                "height, width) is needed, with one guide for each set of bands"
            )
        if low.shape[1] != self.bands or guide.shape[1] != self.guide_channels:
            raise UsageError(
                f"{low.shape[1]} bands and a guide of {guide.shape[1]} channels: this model is for {self.bands} bands "
                f"and {self.guide_channels} channels; choose another model, or train one on this pair: imfuse train "
                "csc-mmfn --pair"
            )
        (height, width), (tall, wide) = low.shape[-2:], guide.shape[-2:]
        if (tall, wide) != (self.scale * height, self.scale * width):
            raise UsageError(
                f"the bands have {height}×{width} pixels (height × width) and the guide {tall}×{wide}: this model is "
                f"for guides of {self.scale} times the size, {self.scale * height}×{self.scale * width}; crop or "
                "resample one of them, or choose a model for another scale"
            )
        return low, guide

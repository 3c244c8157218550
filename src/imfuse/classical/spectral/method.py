"""What every method of the task ``spectral`` has in common: the scene it takes, and what it must know of all of it."""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Protocol, Self, get_args, runtime_checkable

from torch import Tensor

from imfuse.classical.spectral.moments import Moments
from imfuse.errors import UsageError
from imfuse.networks.protocol import Core, FusionNetwork
from imfuse.ops.colour import luma, srgb_to_linear
from imfuse.ops.resampling import (
    BICUBIC_REACH,
    DOWNSAMPLING_REACH,
    Degradation,
    check_degradation,
    downsample,
    upsample_bicubic,
    whole_scale,
)

GuideEncoding = Literal["auto", "srgb", "linear"]

DARKNESS = 1e-2
"""Light below which a ratio of two lights says little; 1 is white. Of 0.0001, 0.001, 0.003, 0.01 and 0.03 it is the
one with the best PSNR of both methods with ratios on CAVE's validation scenes, at scale 4 (a draw for Brovey) and 8."""


@dataclass(frozen=True, slots=True)
class Scene:
    """One scene, checked.

    Attributes:
        low: (B, L, h, w), the bands.
        guide: (B, G, H, W), proportional to light.
        scale: H / h = W / w.
    """

    low: Tensor
    guide: Tensor
    scale: int


@runtime_checkable
class Masked(Protocol):
    """Windows of the sources of a scene that say where they were filled in, since nothing was measured there."""

    @property
    def valid(self) -> Tensor:
        """(B, h, w) of bool: whether a pixel of the bands has all of them, and all of the guide within it."""


class SpectralMethod(FusionNetwork):
    """Sharpens low-resolution bands by a high-resolution guide: ``fuse([low, guide])``.

    ``low`` is (B, L, h, w) with any number of bands, ``guide`` (B, G, H, W) with G = 1 (panchromatic) or 3 (RGB), both
    in [0, 1]; H = scale · h and W = scale · w with one whole scale. The result is (B, L, H, W); it may leave [0, 1].

    All equations here are linear mixtures of light. The values of a photograph are not: they are light under a curve,
    and decoding it first is worth 7 to 9 dB on CAVE. Bands are taken as proportional to light.

    Windows are cut on the grid of the bands; the window of the guide is the same area. ``halo``, ``alignment`` and the
    core of :meth:`survey` count pixels of the bands, and ``bytes_per_pixel`` is per pixel of the guide **and band**
    (from 8 float32 bands up), since both numbers of bands and scale are the pictures' own.

    Args:
        guide_encoding: ``srgb`` decodes the guide by the sRGB curve, ``linear`` takes it as it is; ``auto`` takes a
            guide of three channels for sRGB, as pictures are, and any other for linear, as panchromatic sensors are.
        degradation: how the pixels of the bands see the scene: ``area`` (mean of their own area) or ``gaussian``.

    Raises:
        UsageError: an argument is none of these.
    """

    takes_colour = True
    mixes_light = True
    """Whether the guide's values are in the result, and their encoding matters."""

    def __init__(self, guide_encoding: GuideEncoding = "auto", degradation: Degradation = "area") -> None:
        super().__init__()
        if guide_encoding not in get_args(GuideEncoding):
            choices = ", ".join(get_args(GuideEncoding))
            raise UsageError(f"unknown encoding of the guide {guide_encoding!r}: choose one of {choices}")
        check_degradation(degradation)
        self.guide_encoding = guide_encoding
        self.degradation: Degradation = degradation

    def with_encoding(self, encoding: GuideEncoding) -> Self:
        """This method with the guide in this encoding."""
        other = copy.copy(self)
        other.guide_encoding = encoding
        return other

    @property
    def halo(self) -> int:
        """Pixels of the bands around a window: the bicubic kernel over what the degradation sees of the guide."""
        return BICUBIC_REACH + DOWNSAMPLING_REACH[self.degradation]

    def fuse(self, sources: Iterable[Tensor], survey: Moments | None = None) -> Tensor:
        """Sharpen the bands.

        Args:
            sources: the bands (B, L, h, w), then the guide (B, G, H, W).
            survey: of the whole pictures; without it, the sources are taken for whole.

        Returns:
            (B, L, H, W), in the bands' type and on their device.

        Raises:
            UsageError: the sizes, channels or batches of the sources do not belong to one scene.
        """
        scene = self.scene(sources)
        return self.sharpen(scene, survey)

    @abstractmethod
    def sharpen(self, scene: Scene, survey: Moments | None) -> Tensor:
        """The bands of a checked scene at the guide's resolution, (B, L, H, W)."""

    def scene(self, sources: Iterable[Tensor]) -> Scene:
        """Check the sources and turn the guide to light."""
        given = list(sources)
        if len(given) != 2:
            raise UsageError(
                f"{len(given)} sources were given; spectral fusion takes two: the bands, then the guide of higher "
                "resolution"
            )
        low, guide = given
        scale = scale_between(low, guide)
        curved = self.guide_encoding == "srgb" or (self.guide_encoding == "auto" and guide.shape[1] == 3)
        light = srgb_to_linear(guide) if curved else guide
        return Scene(low, light.to(low.dtype), scale)

    def degrade(self, x: Tensor, scale: int) -> Tensor:
        """``x`` (B, C, H, W) as the pixels of the bands see it, (B, C, h, w)."""
        return downsample(x, scale, self.degradation)

    def low_pass(self, x: Tensor, scale: int) -> Tensor:
        """What is left of ``x`` (B, C, H, W) on the path that the bands took: degraded, then upsampled."""
        return upsample_bicubic(self.degrade(x, scale), scale)


class RegressedMethod(SpectralMethod):
    """A method that regresses the bands on the guide, or the guide on the bands, over the whole picture."""

    uses_luma: bool
    """Whether it regresses the guide's luma, or its channels."""

    @property
    def surveyed(self) -> bool:
        """The regression needs the whole picture."""
        return True

    def scene(self, sources: Iterable[Tensor]) -> Scene:
        """As in every spectral method; the luma of the light alone, where that is what the method takes."""
        scene = super().scene(sources)
        return Scene(scene.low, luma(scene.guide), scene.scale) if self.uses_luma else scene

    def survey(self, sources: Iterable[Tensor], core: Core) -> Moments:
        """Moments of the bands and the degraded guide, over the core (in pixels of the bands).

        Pixels that the sources say are filled in (:class:`Masked`) do not count.
        """
        valid = sources.valid[..., core[0], core[1]] if isinstance(sources, Masked) else None
        return self._moments(self.scene(sources), core, valid)

    def sharpen(self, scene: Scene, survey: Moments | None) -> Tensor:
        """The method's equation with the moments of the whole picture."""
        return self.inject(scene, self._moments(scene, (slice(None), slice(None))) if survey is None else survey)

    @abstractmethod
    def inject(self, scene: Scene, moments: Moments) -> Tensor:
        """The method's equation, (B, L, H, W)."""

    def _moments(self, scene: Scene, core: Core, valid: Tensor | None = None) -> Moments:
        seen = self.degrade(scene.guide, scene.scale)
        return Moments.of(scene.low[..., core[0], core[1]], seen[..., core[0], core[1]], valid)


def scale_between(low: Tensor, guide: Tensor) -> int:
    """How many pixels of the guide a pixel of the bands is wide.

    Args:
        low: (B, L, h, w).
        guide: (B, 1 or 3, H, W).

    Raises:
        UsageError: they are no such tensors, or the sizes are not in one whole ratio.
    """
    for what, x in (("bands", low), ("guide", guide)):
        if x.dim() != 4 or x.numel() == 0:
            raise UsageError(f"the {what} have shape {tuple(x.shape)}; (batch, channels, height, width) is needed")
    if guide.shape[1] not in (1, 3):
        raise UsageError(f"the guide has {guide.shape[1]} channels; it must be panchromatic (1) or RGB (3)")
    if guide.shape[0] != low.shape[0]:
        raise UsageError(f"there are {low.shape[0]} sets of bands and {guide.shape[0]} guides; each needs its own")
    scale = whole_scale(low, guide)
    if scale is None:
        (height, width), (tall, wide) = low.shape[-2:], guide.shape[-2:]
        raise UsageError(
            f"the bands have {height}×{width} pixels (height × width) and the guide {tall}×{wide}: the guide's size "
            "must be the same whole multiple of the bands' on both sides; crop or resample one of them, or exchange "
            "them if they were given in the other order"
        )
    return scale


def ratio_of_lights(light: Tensor, low_pass: Tensor) -> Tensor:
    """``(light + ε) / (low_pass + ε)``, near 1 in the dark, where the plain ratio is one of two noises.

    Values below 0, which interpolation and regression can give, count as 0. ε is :data:`DARKNESS`.
    """
    return (light.clamp_min(0) + DARKNESS) / (low_pass.clamp_min(0) + DARKNESS)

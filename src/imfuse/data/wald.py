"""The Wald protocol: a known scene is made coarse, so that what sharpening gives can be compared with what there was.

L. Wald, T. Ranchin, M. Mangolini, "Fusion of satellite images of different spatial resolutions: assessing the quality
of resulting images", Photogrammetric Engineering & Remote Sensing 63(6), 1997.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from imfuse.errors import DataError, UsageError
from imfuse.ops.colour import linear_to_srgb, srgb_to_linear
from imfuse.ops.resampling import Degradation, check_degradation, downsample, whole_scale


class Example(NamedTuple):
    """What a method is given, and what it should make of it.

    Attributes:
        low: the bands, (B, L, h, w).
        guide: (B, G, scale · h, scale · w).
        truth: the bands at the guide's resolution, (B, L, scale · h, scale · w).
    """

    low: Tensor
    guide: Tensor
    truth: Tensor


@dataclass(frozen=True, slots=True)
class WaldProtocol:
    """How a scene is made coarse.

    The footprints coincide: pixel (i, j) of the coarse bands covers the scale × scale pixels of the fine ones from
    (scale · i, scale · j) on, as everywhere in :mod:`imfuse.ops.resampling`. Rows and columns at the lower and right
    border that fill no block are an error, unless ``crop`` is set: then they are cut off the truth and the guide.

    Attributes:
        scale: how many fine pixels a coarse one is wide.
        degradation: ``area``, the mean over its block; or ``gaussian``, a point-spread function of one block's width.
        noise: deviation of the white Gaussian noise of the coarse bands, in units of their range [0, 1]. They are not
            clipped after it.
        crop: cut off what fills no block.

    Raises:
        UsageError: a value is out of its range.
    """

    scale: int = 4
    degradation: Degradation = "area"
    noise: float = 0.0
    crop: bool = False

    def __post_init__(self) -> None:
        """Check the ranges."""
        check_degradation(self.degradation)
        if self.scale < 1:
            raise UsageError(f"the scale is {self.scale}; it must be a whole number from 1 up")
        if not 0 <= self.noise < 1:
            raise UsageError(f"the noise is {self.noise}; give its deviation as a fraction of the range, from 0 to 1")

    def coarse(self, truth: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """The bands (B, L, H, W) as a coarser sensor sees them, (B, L, H / scale, W / scale).

        Args:
            truth: the bands.
            generator: of the noise.

        Raises:
            UsageError: the blocks do not fill the bands.
        """
        low = downsample(truth, self.scale, self.degradation)
        if self.noise:
            low = low + self.noise * torch.randn(low.shape, generator=generator, dtype=low.dtype).to(low.device)
        return low

    def example(self, truth: Tensor, guide: Tensor, generator: torch.Generator | None = None) -> Example:
        """A scene with its bands made coarse.

        Args:
            truth: the bands, (B, L, H, W).
            guide: of the same size, (B, G, H, W).
            generator: of the noise.

        Raises:
            DataError: bands and guide are of different sizes.
            UsageError: the blocks do not fill them, and ``crop`` is not set.
        """
        if truth.shape[-2:] != guide.shape[-2:]:
            sizes = [f"{height}×{width}" for height, width in (truth.shape[-2:], guide.shape[-2:])]
            raise DataError(f"the bands have {sizes[0]} pixels and their guide {sizes[1]}; they must be of one size")
        truth, guide = (self._blocks(x, self.scale) for x in (truth, guide))
        return Example(self.coarse(truth, generator), guide, truth)

    def reduced(
        self, low: Tensor, guide: Tensor, *, curved: bool = False, generator: torch.Generator | None = None
    ) -> Example:
        """A pair to be fused, one scale down: both are made coarse, and the bands as they were are the truth.

        Training on it needs no truth at full resolution, and is the usual way where each sensor is its own case.

        Args:
            low: the bands, (B, L, h, w).
            guide: (B, G, scale · h, scale · w).
            curved: whether the guide's values are under the sRGB curve: then it is their light that is averaged.
            generator: of the noise.

        Raises:
            DataError: the sizes are not in the protocol's scale.
            UsageError: the blocks do not fill the bands, and ``crop`` is not set.
        """
        if whole_scale(low, guide) != self.scale:
            sizes = [f"{height}×{width}" for height, width in (low.shape[-2:], guide.shape[-2:])]
            raise DataError(
                f"the bands have {sizes[0]} pixels and the guide {sizes[1]}; it must have {self.scale} times as many "
                "on both sides"
            )
        truth, guide = self._blocks(low, self.scale), self._blocks(guide, self.scale**2)
        if curved:
            seen = linear_to_srgb(downsample(srgb_to_linear(guide), self.scale, self.degradation))
        else:
            seen = downsample(guide, self.scale, self.degradation)
        return Example(self.coarse(truth, generator), seen, truth)

    def _blocks(self, x: Tensor, side: int) -> Tensor:
        """``x`` without the rows and columns that fill no block, where they are to be cut off."""
        if not self.crop:
            return x
        height, width = (length - length % side for length in x.shape[-2:])
        if not (height and width):
            raise UsageError(f"a picture of {x.shape[-2]}×{x.shape[-1]} pixels holds no block of {side}×{side}")
        return x[..., :height, :width]

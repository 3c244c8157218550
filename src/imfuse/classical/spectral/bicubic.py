"""Bands without a guide: what every other method has to beat."""

from __future__ import annotations

from torch import Tensor

from imfuse.classical.spectral.method import Scene, SpectralMethod
from imfuse.classical.spectral.moments import Moments
from imfuse.ops.resampling import upsample_bicubic


class Bicubic(SpectralMethod):
    """Cubic convolution of the bands: ``F_b = U(L_b)``. The guide gives the size alone.

    R. Keys, "Cubic convolution interpolation for digital image processing", IEEE Trans. Acoustics, Speech, and Signal
    Processing 29(6), 1981; a = −½ and half-pixel centres, see :func:`~imfuse.ops.resampling.upsample_bicubic`.
    """

    bytes_per_pixel = 12
    mixes_light = False

    def sharpen(self, scene: Scene, survey: Moments | None) -> Tensor:
        """The bands, upsampled."""
        return upsample_bicubic(scene.low, scene.scale)

"""The Brovey transform."""

from __future__ import annotations

from torch import Tensor

from imfuse.classical.spectral.method import RegressedMethod, Scene, ratio_of_lights
from imfuse.classical.spectral.moments import Moments
from imfuse.ops.resampling import upsample_bicubic


class Brovey(RegressedMethod):
    """Gives every spectrum the brightness of the guide and keeps its direction: ``F_b = U(L_b) · P / I``.

    P is the guide, or its luma, and ``I = w₀ + Σ_b w_b U(L_b)`` the intensity that the bands make of it. The weights
    are the least squares of the degraded guide on the bands, ``min_w Σ (D(P) − w₀ − Σ_b w_b L_b)²``, not the plain mean
    of the first publications: that supposes a guide that sees all bands alike, and shifts the brightness with others.
    In the dark the ratio tends to 1 (:func:`~imfuse.classical.spectral.method.ratio_of_lights`).

    A. Gillespie, A. Kahle, R. Walker, "Color enhancement of highly correlated images II: channel ratio and
    'chromaticity' transformation techniques", Remote Sensing of Environment 22(3), 1987; weights as in Aiazzi et al.
    2007.
    """

    bytes_per_pixel = 12
    uses_luma = True

    def inject(self, scene: Scene, moments: Moments) -> Tensor:
        """The bands times the ratio of the guide and the intensity."""
        fused = upsample_bicubic(scene.low, scene.scale)
        intensity = synthesised(fused, moments.guide_from_bands()[:, 0])
        return fused.mul_(ratio_of_lights(scene.guide, intensity))


def synthesised(bands: Tensor, coefficients: Tensor) -> Tensor:
    """``c₀ + Σ_b c_b · band_b``, (B, L, H, W) → (B, 1, H, W); coefficients (B, 1 + L), the constant first."""
    batch, _, height, width = bands.shape
    weights = coefficients.to(bands.dtype)
    mixed = weights[:, None, 1:] @ bands.flatten(2) + weights[:, :1, None]
    return mixed.reshape(batch, 1, height, width)

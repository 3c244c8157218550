"""GSA, the adaptive Gram–Schmidt method."""

from __future__ import annotations

from torch import Tensor

from imfuse.classical.spectral.brovey import synthesised
from imfuse.classical.spectral.method import RegressedMethod, Scene
from imfuse.classical.spectral.moments import Moments
from imfuse.ops.resampling import upsample_bicubic


class GSA(RegressedMethod):
    """Replaces the intensity that the bands make by the guide: ``F_b = U(L_b) + g_b (P − I)``.

    P is the guide, or its luma. The intensity ``I = w₀ + Σ_b w_b U(L_b)`` has the weights with which the bands explain
    the degraded guide best, ``min_w Σ (D(P) − w₀ − Σ_b w_b L_b)²``, and the gains are ``g_b = cov(L_b, I) / var(I)``.
    Both are taken over the whole picture at the resolution of the bands. (The gains of the publication are those of the
    interpolated bands; at the bands' own resolution they need no second survey. Either way ``Σ_b w_b g_b = 1``: the
    fused bands make the guide.)

    B. Aiazzi, S. Baronti, M. Selva, "Improving component substitution pansharpening through multivariate regression of
    MS+Pan data", IEEE Trans. Geoscience and Remote Sensing 45(10), 2007.
    """

    bytes_per_pixel = 12
    uses_luma = True

    def inject(self, scene: Scene, moments: Moments) -> Tensor:
        """The bands plus what the guide has beyond their intensity."""
        fused = upsample_bicubic(scene.low, scene.scale)
        weights = moments.guide_from_bands()[:, 0]
        gains = moments.gains(weights).to(fused.dtype)
        detail = scene.guide - synthesised(fused, weights)
        return fused.addcmul_(gains[:, :, None, None], detail)

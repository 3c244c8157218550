"""SFIM, smoothing filter-based intensity modulation."""

from __future__ import annotations

from torch import Tensor

from imfuse.classical.spectral.brovey import synthesised
from imfuse.classical.spectral.method import RegressedMethod, Scene, ratio_of_lights
from imfuse.classical.spectral.moments import Moments
from imfuse.ops.resampling import upsample_bicubic


class SFIM(RegressedMethod):
    """Multiplies each band by the ratio of its guide and the smoothed guide: ``F_b = U(L_b) · P_b / U(D(P_b))``.

    With a panchromatic guide P_b is that guide for all bands, and the direction of every spectrum is kept. With several
    channels P_b is the combination of them that explains the band best, as in
    :class:`~imfuse.classical.spectral.glp_hs.GLPHS`. The smoothing filter of the publication is a box as wide as a
    pixel of the bands; ours is the path that the bands themselves took, degraded and upsampled, so that P_b's blur is
    theirs exactly. In the dark the ratio tends to 1 (:func:`~imfuse.classical.spectral.method.ratio_of_lights`).

    J. G. Liu, "Smoothing filter-based intensity modulation: a spectral preserve image fusion technique for improving
    spatial details", International J. Remote Sensing 21(18), 2000; guides per band after Selva et al. 2015.
    """

    bytes_per_pixel = 16
    uses_luma = False

    def inject(self, scene: Scene, moments: Moments) -> Tensor:
        """The bands times the ratio of their guides before and after the low-pass."""
        fused = upsample_bicubic(scene.low, scene.scale)
        smooth = self.low_pass(scene.guide, scene.scale)
        if scene.guide.shape[1] == 1:
            return fused.mul_(ratio_of_lights(scene.guide, smooth))
        mixtures = moments.bands_from_guide()
        for band in range(fused.shape[1]):
            mixture = mixtures[:, band]
            fused[:, band : band + 1] *= ratio_of_lights(
                synthesised(scene.guide, mixture), synthesised(smooth, mixture)
            )
        return fused

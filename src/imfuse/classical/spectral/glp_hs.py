"""GLP-HS, hypersharpening with the generalised Laplacian pyramid."""

from __future__ import annotations

import torch
from torch import Tensor

from imfuse.classical.spectral.method import RegressedMethod, Scene
from imfuse.classical.spectral.moments import Moments
from imfuse.ops.resampling import upsample_bicubic


class GLPHS(RegressedMethod):
    """Adds to each band the detail of its own guide: ``F_b = U(L_b) + g_b (P_b − U(D(P_b)))``.

    The guide of a band is the combination of the guide's channels that explains it best, ``P_b = a_b0 + Σ_c a_bc G_c``
    with ``min_a Σ (L_b − a_b0 − Σ_c a_bc D(G_c))²`` over the whole picture at the resolution of the bands ("synthesised
    band" of the publication). The global gain of the pyramid is ``g_b = cov(L_b, D(P_b)) / var(D(P_b))``. For a P_b of
    least squares it is 1 by the normal equations, whatever the scene, so that it does not appear in the computation;
    with a panchromatic guide the regression is that gain.

    Since all is linear, the details of the G channels are computed once and mixed for each band.

    M. Selva, B. Aiazzi, F. Butera, L. Chiarantini, S. Baronti, "Hyper-sharpening: a first approach on SIM-GA data",
    IEEE J. Selected Topics in Applied Earth Observations and Remote Sensing 8(6), 2015; B. Aiazzi, L. Alparone, S.
    Baronti, A. Garzelli, "Context-driven fusion of high spatial and spectral resolution images based on oversampled
    multiresolution analysis", IEEE Trans. Geoscience and Remote Sensing 40(10), 2002.
    """

    bytes_per_pixel = 16
    uses_luma = False

    def inject(self, scene: Scene, moments: Moments) -> Tensor:
        """The bands plus the mixed details of the guide's channels."""
        fused = upsample_bicubic(scene.low, scene.scale)
        detail = (scene.guide - self.low_pass(scene.guide, scene.scale)).flatten(2)
        mixture = moments.bands_from_guide()[:, :, 1:].to(fused.dtype)
        return torch.baddbmm(fused.flatten(2), mixture, detail, out=fused.flatten(2)).reshape_as(fused)

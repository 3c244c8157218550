"""The loss that CSC-MEFN's pictures are judged by: MEF-SSIM with luminance."""

from __future__ import annotations

import torch
from torch import Tensor

from imfuse.ops.exposure_similarity import crop_exposure_similarity, gray_exposure_similarity


def mef_ssim_loss(fused: Tensor, exposures: Tensor, means: Tensor | None = None) -> Tensor:
    """1 − MEF-SSIM with luminance, on luma: Deep CSC, Eq. 8, "improved MEFSSIM", read as Ma et al. 2018 and 2020.

    The score of a scene is mean(luminance) · mean(structure); see :func:`imfuse.metrics.mef.mef_ssim_with_luminance`,
    whose maps these are. Eq. 8 divides a scalar by hw, which is read as meant: not at all. The 1 is a constant.

    Args:
        fused: (B, 1, H, W) in [0, 1]; gradients flow through it alone.
        exposures: the sources, (B, K, H, W).
        means: of crops: the means of the whole exposures, (B, K). The windows then lie inside the crops, at least 11
            pixels wide and high. Without them, whole pictures are compared as the metric does, zeros outside.

    Returns:
        A scalar, the mean over the batch; 0 is the best, 2 the worst.
    """
    sources = torch.split(exposures, 1, dim=1)
    if means is None:
        luminance, structure = gray_exposure_similarity(fused, sources)
    else:
        luminance, structure = crop_exposure_similarity(fused, sources, torch.split(means[..., None, None], 1, dim=1))
    return 1 - (luminance.mean((1, 2, 3)) * structure.mean((1, 2, 3))).mean()

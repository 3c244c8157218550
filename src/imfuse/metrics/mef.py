"""Metrics of multi-exposure fusion: MEF-SSIM as published in 2015, as MEF-Net uses it, and in colour."""

from collections.abc import Collection, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from imfuse.errors import UsageError
from imfuse.metrics.consistency import structural_consistency
from imfuse.metrics.families import measure
from imfuse.metrics.levels import PEAK, Bands, Levels
from imfuse.metrics.metric import Metric
from imfuse.ops.exposure_similarity import COLOUR_WINDOW, colour_exposure_similarity, gray_exposure_similarity

SCALE_WEIGHTS = tuple(weight / (0.0448 + 0.2856 + 0.3001) for weight in (0.0448, 0.2856, 0.3001))
SMALLEST_SIDE = 41  # leaves one window of 11 pixels on scale 3


def mef_ssim(fused: Tensor, sources: Sequence[Tensor]) -> Tensor:
    """MEF-SSIM as published in 2015: structure and contrast of gray pictures on three scales.

    In each window of 11×11 pixels inside the picture let x̃_k be source k without its mean, ‖x̃_k‖ its length as a vector
    of 121 gray levels, c_k = ‖x̃_k‖ + 0.001. The sources agree by R = ‖Σ x̃_k‖ / Σ ‖x̃_k‖; the desired window is

        x̂ = max_k c_k · s/‖s‖,  s = Σ w_k x̃_k/c_k,  w_k = (c_k/11)^p / Σ (c_j/11)^p,  p = min(tan(πR/2), 10):

    where they agree the strongest one counts, where they contradict each other all do. It is compared with the fused
    window by q = (2σ_x̂F + C)/(σ_x̂² + σ_F² + C), C = (0.03·255)², with Gaussian weights (σ = 1.5). The figure is
    Π (mean q)^v over three scales, each half the size of the one before by means of 2×2 pixels (the last row or column
    of an odd size counts twice), v = (0.0448, 0.2856, 0.3001)/0.6305. A scale with a negative mean counts 0.

    Brightness does not enter: a picture that is too dark by the same amount everywhere loses nothing. Higher is better;
    for one source, 1 for an exact copy. Differentiable. The time grows with the square of the number of sources.

    The authors round luma to whole levels and refuse sides below 44; this does neither.

    Args:
        fused: (B, 1, H, W) with H, W ≥ 41, floating point in [0, 1], or uint8 0…255.
        sources: one or more tensors like `fused`; their order does not matter.

    Returns:
        float64 tensor (B,), without unit, in [0, 1].

    Raises:
        UsageError: The pictures do not fit each other, are too small, or there is no source.

    Source:
        Ma, Zeng, Wang, Perceptual quality assessment for multi-exposure image fusion, IEEE Transactions on Image
        Processing 24(11), 2015; constants and scales as in the authors' release, mef_ms_ssim. The papers that compare
        with that database report this one.
    """
    return measure([(exposure_family, ("mef-ssim",))], fused, sources)["mef-ssim"]


def mef_ssim_with_luminance(fused: Tensor, sources: Sequence[Tensor]) -> Tensor:
    """MEF-SSIM with luminance, of gray pictures on one scale: what MEF-Net is trained with and prints as its score.

    mean(luminance) · mean(structure) of the maps that
    :func:`~imfuse.ops.exposure_similarity.gray_exposure_similarity` defines: Gaussian windows of 11×11 pixels with
    σ = 11/6, the source with the largest variance for the structure, the mean of all, weighted by their exposedness,
    for the luminance. Windows reach over the border into **zeros**, as in the authors' release; another padding gives
    another figure. Higher is better. Differentiable where the choice of the source does not change.

    Args:
        fused: (B, 1, H, W), floating point in [0, 1], or uint8 0…255.
        sources: one or more tensors like `fused`; their order does not matter.

    Returns:
        float64 tensor (B,), without unit, in [−1, 1].

    Raises:
        UsageError: The pictures do not fit each other, or there is no source.

    Source:
        Ma, Duanmu, Zhu, Fang, Wang, Deep guided learning for fast multi-exposure image fusion, IEEE Transactions on
        Image Processing 29, 2020 (class MEF_MSSSIM of the authors' release, with is_lum=True: one scale in spite of its
        name). CSC-MEFN is trained with it. mean(structure) alone, its is_lum=False, is not the metric of 2015.
    """
    return measure([(exposure_family, ("mef-ssim-lum",))], fused, sources)["mef-ssim-lum"]


def mef_ssim_of_colour(fused: Tensor, sources: Sequence[Tensor]) -> Tensor:
    """MEF-SSIMc: MEF-SSIM with luminance, of colour pictures on one scale.

    mean(luminance · structure) of the maps that
    :func:`~imfuse.ops.exposure_similarity.colour_exposure_similarity` defines: windows of 8×8 pixels inside the
    picture, each one vector of its three channels, so that a false colour costs as much as a false structure. Higher is
    better. Differentiable where the choice of the source does not change.

    Args:
        fused: (B, C, H, W) with H, W ≥ 8, floating point in [0, 1], or uint8 0…255.
        sources: one or more tensors like `fused`; their order does not matter. A gray picture among colour ones counts
            as one with equal channels.

    Returns:
        float64 tensor (B,), without unit, in [−1, 1].

    Raises:
        UsageError: The pictures do not fit each other, are too small, or there is no source.

    Source:
        Ma, Duanmu, Yeganeh, Wang, Multi-exposure image fusion by optimizing a structural similarity index, IEEE
        Transactions on Computational Imaging 4(1), 2018.
    """
    return measure([(colour_exposure_family, ("mef-ssim-colour",))], fused, sources, pictures="bands")[
        "mef-ssim-colour"
    ]


def exposure_family(levels: Levels, keys: Collection[str]) -> dict[str, Tensor]:
    """Compute the wanted ones of `mef-ssim` and `mef-ssim-lum`."""
    functions = {"mef-ssim": _mef_ssim, "mef-ssim-lum": _with_luminance}
    wanted = [key for key in functions if key in keys]
    if wanted and not levels.sources:
        raise UsageError("MEF-SSIM needs at least one source, but none was given")
    return {key: functions[key](levels) for key in wanted}


def colour_exposure_family(bands: Bands, keys: Collection[str]) -> dict[str, Tensor]:
    """Compute `mef-ssim-colour` if it is wanted."""
    if "mef-ssim-colour" not in keys:
        return {}
    pictures = (bands.fused, *bands.sources)
    channels = max(picture.size(1) for picture in pictures)
    for picture in pictures:
        if picture.size(1) not in (1, channels):
            raise UsageError(
                f"MEF-SSIM in colour compares pictures of the same channels, but some have {picture.size(1)} and some "
                f"{channels}"
            )
    height, width = bands.fused.shape[-2:]
    if min(height, width) < COLOUR_WINDOW:
        raise UsageError(f"MEF-SSIM in colour needs pictures of at least 8×8 pixels, but these have {height}×{width}")
    fused, *sources = (picture.expand(-1, channels, -1, -1) for picture in pictures)
    luminance, structure = colour_exposure_similarity(fused, sources)
    return {"mef-ssim-colour": (luminance * structure).mean(dim=(1, 2, 3))}


def _mef_ssim(levels: Levels) -> Tensor:
    levels.require_size(SMALLEST_SIDE, "MEF-SSIM")
    pictures = torch.stack([levels.fused, *levels.sources])
    quality = torch.ones(pictures.size(1), dtype=pictures.dtype, device=pictures.device)
    for scale, weight in enumerate(SCALE_WEIGHTS):
        if scale > 0:
            height, width = pictures.shape[-2:]
            pictures = F.avg_pool2d(F.pad(pictures, [0, width % 2, 0, height % 2], mode="replicate"), 2)
        mean = structural_consistency(pictures[0], list(pictures[1:]))
        positive = mean > 0.0
        quality = quality * torch.where(positive, torch.where(positive, mean, 1.0) ** weight, 0.0)
    return quality


def _with_luminance(levels: Levels) -> Tensor:
    luminance, structure = gray_exposure_similarity(
        levels.fused.unsqueeze(1) / PEAK, (source.unsqueeze(1) / PEAK for source in levels.sources)
    )
    return luminance.mean(dim=(1, 2, 3)) * structure.mean(dim=(1, 2, 3))


METRICS = (
    Metric(
        key="mef-ssim",
        name="MEF-SSIM",
        function=mef_ssim,
        family=exposure_family,
        direction="higher",
        unit="",
        range=(0.0, 1.0),
        needs="sources",
        variant="2015: structure and contrast of luma, consistency weights, 11×11 windows inside the picture, 3 scales",
        definition="Π_scales mean((2σ_x̂F + C)/(σ_x̂² + σ_F² + C))^v, x̂ the structure that the sources agree on",
        source="Ma, Zeng, Wang, IEEE Trans. Image Processing 24(11), 2015",
        smallest=(41, 41),
    ),
    Metric(
        key="mef-ssim-lum",
        name="MEF-SSIM (luminance)",
        function=mef_ssim_with_luminance,
        family=exposure_family,
        direction="higher",
        unit="",
        range=(-1.0, 1.0),
        needs="sources",
        variant="MEF-Net's: luma, strongest source, with luminance, 11×11 Gaussian σ = 11/6 over zero padding, 1 scale",
        definition="mean((2μ̂μ_F + C1)/(μ̂² + μ_F² + C1)) · mean((2σ_mF + C2)/(σ_m² + σ_F² + C2))",
        source="Ma, Duanmu, Zhu, Fang, Wang, IEEE Trans. Image Processing 29, 2020",
    ),
    Metric(
        key="mef-ssim-colour",
        name="MEF-SSIMc",
        function=mef_ssim_of_colour,
        family=colour_exposure_family,
        direction="higher",
        unit="",
        range=(-1.0, 1.0),
        needs="sources",
        variant="2018: 8×8 windows of all channels inside the picture, strongest source, with luminance, 1 scale",
        definition="mean((2μ̂μ_F + C1)(2σ_mF + C2) / ((μ̂² + μ_F² + C1)(σ_m² + σ_F² + C2)))",
        source="Ma, Duanmu, Yeganeh, Wang, IEEE Trans. Computational Imaging 4(1), 2018",
        pictures="bands",
        smallest=(8, 8),
    ),
)
"""The metrics of these families."""

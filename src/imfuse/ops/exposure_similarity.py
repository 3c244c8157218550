"""Structural similarity of a fused picture to the exposures it was made from, as differentiable maps.

Both variants compare every window of the fused picture with a window that does not exist: the structure and contrast of
the exposure with the largest variance there, at a brightness that is the mean of all exposures, weighted by how well
exposed they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from imfuse.errors import UsageError
from imfuse.ops.windows import box_taps, filter_valid, filter_zero_padded, gaussian_taps

C1 = 0.01**2
C2 = 0.03**2
MIDDLE_GRAY = 0.5
DOUBLE_VARIANCE = 2.0 * 0.2**2  # of the weights of well-exposedness: global and local deviation are both 0.2
GRAY_WINDOW = 11
COLOUR_WINDOW = 8
_GRAY_TAPS = gaussian_taps(GRAY_WINDOW, GRAY_WINDOW / 6.0)


def gray_exposure_similarity(fused: Tensor, sources: Iterable[Tensor]) -> tuple[Tensor, Tensor]:
    """Luminance and structure maps of gray pictures, with which MEF-Net is trained (MEF-SSIM of Ma et al. 2020).

    With Gaussian windows of 11×11 pixels, σ = 11/6, around every pixel of the picture, **zero** outside it; μ, σ² and
    σ_kF are the windows' weighted means, variances and covariances. Let m be the exposure with the largest σ_k² (the
    first of several). Then

        structure = (2σ_mF + C2)/(σ_F² + σ_m² + C2)
        luminance = (2μ̂μ_F + C1)/(μ̂² + μ_F² + C1),  μ̂ = Σ w_k μ_k / Σ w_k,
        w_k = exp(−(mean μ_k − ½)²/(2·0.2²)) · exp(−(μ_k − ½)²/(2·0.2²)), C1 = 0.01², C2 = 0.03².

    The zeros outside count as a black frame that all pictures share: within 5 pixels of the border means are too low,
    variances and covariances too large. Windows inside the picture alone give another figure, the farther away the
    smaller the picture; compare only figures with the same padding.

    One source is held at a time: without gradients, memory does not grow with the number of sources.

    Args:
        fused: (B, 1, H, W) in [0, 1], any floating point type; the result has it too.
        sources: tensors like `fused`. For a stack (B, K, H, W) give ``stack.split(1, dim=1)``.

    Returns:
        Luminance and structure, (B, 1, H, W) each, in [−1, 1]. The authors' figure, and with a minus sign their loss,
        is the product of the two means per sample.

    Raises:
        UsageError: There is no source.

    Source:
        Ma, Duanmu, Zhu, Fang, Wang, Deep guided learning for fast multi-exposure image fusion, IEEE Transactions on
        Image Processing 29, 2020, with window, padding and pooling of the authors' release.
    """
    return _similarity(
        fused,
        sources,
        local_mean=lambda pictures: filter_zero_padded(pictures, _GRAY_TAPS),
        brightness=lambda _, means: means.mean(dim=(-2, -1), keepdim=True),
    )


def crop_exposure_similarity(
    fused: Tensor, sources: Iterable[Tensor], means: Iterable[Tensor]
) -> tuple[Tensor, Tensor]:
    """The maps of `gray_exposure_similarity` for crops, as they are in the middle of the pictures these are from.

    Windows lie inside the crops, and how well exposed a source is as a whole is known from the whole picture.

    Args:
        fused: (B, 1, H, W) in [0, 1] with H, W ≥ 11.
        sources: tensors like `fused`.
        means: of every source the mean of the whole picture, (B, 1, 1, 1).

    Returns:
        Luminance and structure, (B, 1, H − 10, W − 10) each.

    Raises:
        UsageError: There is no source.
    """
    wholes = iter(means)
    return _similarity(
        fused,
        sources,
        local_mean=lambda pictures: filter_valid(pictures, _GRAY_TAPS),
        brightness=lambda *_: next(wholes),
    )


def colour_exposure_similarity(fused: Tensor, sources: Iterable[Tensor]) -> tuple[Tensor, Tensor]:
    """Luminance and structure maps of colour pictures (MEF-SSIMc of Ma et al. 2018).

    The maps of `gray_exposure_similarity` with other windows: boxes of 8×8 pixels inside the picture, each one vector
    of all its channels, so that means and variances are over 8·8·C numbers; and mean μ_k is the mean of the picture.

    Args:
        fused: (B, C, H, W) in [0, 1] with H, W ≥ 8, any floating point type; the result has it too.
        sources: tensors like `fused`.

    Returns:
        Luminance and structure, (B, 1, H − 7, W − 7) each, in [−1, 1]. The authors' figure is the mean of the product.

    Raises:
        UsageError: There is no source.

    Source:
        Ma, Duanmu, Yeganeh, Wang, Multi-exposure image fusion by optimizing a structural similarity index, IEEE
        Transactions on Computational Imaging 4(1), 2018, with the window and the choice of the exposure with the
        largest variance as in the authors' release.
    """
    taps = box_taps(COLOUR_WINDOW)
    return _similarity(
        fused,
        sources,
        # The mean over the channels first: it leaves a third of the work to the windows.
        local_mean=lambda pictures: filter_valid(pictures.mean(dim=1, keepdim=True), taps),
        brightness=lambda picture, _: picture.mean(dim=(1, 2, 3), keepdim=True),
    )


def _similarity(
    fused: Tensor,
    sources: Iterable[Tensor],
    local_mean: Callable[[Tensor], Tensor],
    brightness: Callable[[Tensor, Tensor], Tensor],
) -> tuple[Tensor, Tensor]:
    """Fold the sources; `brightness` gives (B, 1, 1, 1) from a picture and its local means."""
    fused_mean, fused_variance = _statistics(fused, local_mean)
    # The first source starts the fold. Of equal variances the first one counts.
    strongest: tuple[Tensor, Tensor] | None = None
    weights, weighted_means = torch.zeros_like(fused_mean), torch.zeros_like(fused_mean)
    for source in sources:
        mean, variance = _statistics(source, local_mean)
        covariance = local_mean(fused * source) - fused_mean * mean
        weight = _exposedness(brightness(source, mean)) * _exposedness(mean)
        weights = weights + weight
        weighted_means = weighted_means + weight * mean
        if strongest is None:
            strongest = variance, covariance
        else:
            stronger = variance > strongest[0]
            parts = zip((variance, covariance), strongest, strict=True)
            new_variance, new_covariance = (torch.where(stronger, new, old) for new, old in parts)
            strongest = new_variance, new_covariance
    if strongest is None:
        raise UsageError("MEF-SSIM needs at least one source, but none was given")
    desired = weighted_means / weights
    luminance = (2.0 * desired * fused_mean + C1) / (desired.square() + fused_mean.square() + C1)
    structure = (2.0 * strongest[1] + C2) / (fused_variance + strongest[0] + C2)
    return luminance, structure


def _statistics(picture: Tensor, local_mean: Callable[[Tensor], Tensor]) -> tuple[Tensor, Tensor]:
    mean = local_mean(picture)
    return mean, local_mean(picture.square()) - mean.square()


def _exposedness(values: Tensor) -> Tensor:
    return torch.exp(-(values - MIDDLE_GRAY).square() / DOUBLE_VARIANCE)

"""Metrics of spectra against the truth: SAM, ERGAS and Q2n."""

import math
from collections.abc import Collection

import torch
import torch.nn.functional as F
from torch import Tensor

from imfuse.errors import UsageError
from imfuse.metrics.families import measure
from imfuse.metrics.hypercomplex import sum_of_products
from imfuse.metrics.levels import Bands
from imfuse.metrics.metric import Metric
from imfuse.metrics.truth import require_size, truth_of
from imfuse.metrics.windows import safe_sqrt

ERGAS_RATIO = 4.0
BLOCK = 32
CONSTANT = 1e-10  # a deviation below it, as a fraction of the full range, is a rounding error
NO_VARIANCE = 1e-6  # the same for sums of squares over a block, in units of the truth's deviation


def spectral_angle(fused: Tensor, truth: Tensor) -> Tensor:
    """Spectral angle (SAM, spectral angle mapper), mean over the pixels.

    SAM = mean(arccos(⟨f, t⟩ / (‖f‖‖t‖))) with the spectra f and t of a pixel as vectors. A pixel whose true spectrum is
    zero in all bands (no data) has no angle and is left out; one where only the fused spectrum is zero counts 90°. A
    common factor of a pixel's bands, its brightness, does not matter. Lower is better. Differentiable. With one band
    there is nothing to measure: 0, or 90° where the fused value alone is zero.

    Args:
        fused: (B, C, H, W), floating point in [0, 1], or uint8 0…255.
        truth: tensor like `fused`.

    Returns:
        float64 tensor (B,), degrees, in [0, 90]; 0 if the truth is zero everywhere.

    Raises:
        UsageError: The pictures do not fit each other.

    Source:
        Yuhas, Goetz, Boardman, Discrimination among semi-arid landscape endmembers using the spectral angle mapper
        (SAM) algorithm, JPL Airborne Geoscience Workshop, 1992; mean of the angles, not angle of the means.
    """
    return measure([(spectral_family, ("sam",))], fused, truth=truth, pictures="bands")["sam"]


def relative_global_error(fused: Tensor, truth: Tensor, ratio: float = ERGAS_RATIO) -> Tensor:
    """Relative global error of synthesis (ERGAS, erreur relative globale adimensionnelle de synthèse).

    ERGAS = 100/ratio · sqrt(mean_c(MSE_c/μ_c²)) with the mean μ_c of band c of the truth. Bands of which the truth is
    zero everywhere are left out. Lower is better. Differentiable; the gradient of equal pictures is 0.

    Args:
        fused: (B, C, H, W), floating point in [0, 1], or uint8 0…255.
        truth: tensor like `fused`.
        ratio: how many times larger the pixels of the low-resolution bands are on each side. `evaluate` and the tables
            take 4; for another ratio r multiply theirs by 4/r, or call this.

    Returns:
        float64 tensor (B,), without unit (percent of the mean, over the ratio), from 0.

    Raises:
        UsageError: The pictures do not fit each other, or the ratio is not positive.

    Source:
        Wald, Quality of high resolution synthesised images: is there a simple criterion?, Fusion of Earth Data, 2000.
    """
    if not (ratio > 0.0 and math.isfinite(ratio)):
        raise UsageError(f"the ratio of ERGAS is {ratio}; it must be a positive number, such as 4")
    error = measure([(spectral_family, ("ergas",))], fused, truth=truth, pictures="bands")["ergas"]
    return error * (ERGAS_RATIO / ratio)


def hypercomplex_quality_index(fused: Tensor, truth: Tensor) -> Tensor:
    """Hypercomplex quality index (Q2n; Q4 for four bands, Q8 for eight).

    Each pixel is one hypercomplex number z with the bands as components, padded with bands of zeros to a power of two.
    In each block of 32×32 pixels

        Q = |σ_TF| / ((σ_T² + σ_F²)/2) · 2|z̄_T||z̄_F| / (|z̄_T|² + |z̄_F|²),  σ_TF = mean(z_T · conj z_F) − z̄_T · conj z̄_F,

    and Q2n is the mean over the blocks. Before, each band of both pictures is shifted and scaled so that the truth has
    mean 1 and deviation 1 (Bessel's) in the block; constant bands and padding become 1. The picture is extended by
    mirroring, its border included, to whole blocks. Higher is better. Differentiable.

    The authors' release rounds to 16-bit integers first; this does not. A port of it that takes the population's
    deviation gives other figures, above 1 among them.

    Args:
        fused: (B, C, H, W) with H, W ≥ 32, floating point in [0, 1], or uint8 0…255.
        truth: tensor like `fused`.

    Returns:
        float64 tensor (B,), without unit, from 0; 1 for equal pictures. At most 1 up to eight bands; the lengths of
        numbers with more components do not multiply, so that no such bound is proven for them.

    Raises:
        UsageError: The pictures do not fit each other or are too small.

    Source:
        Garzelli and Nencini, Hypercomplex quality assessment of multi/hyperspectral images, IEEE Geoscience and Remote
        Sensing Letters 6(4), 2009; blocks, normalisation and mirroring as in the authors' release.
    """
    return measure([(spectral_family, ("q2n",))], fused, truth=truth, pictures="bands")["q2n"]


def spectral_family(bands: Bands, keys: Collection[str]) -> dict[str, Tensor]:
    """Compute the wanted ones of `sam`, `ergas` and `q2n`."""
    functions = {"sam": _sam, "ergas": _ergas, "q2n": _q2n}
    wanted = [key for key in functions if key in keys]
    if "q2n" in wanted:
        require_size(bands, BLOCK, "Q2n")
    return {key: functions[key](bands.fused, truth_of(bands)) for key in wanted}


def _sam(fused: Tensor, truth: Tensor) -> Tensor:
    fused_length, truth_length = (_length(picture, dim=1) for picture in (fused, truth))
    seen = truth_length > 0.0
    first = fused / torch.where(fused_length > 0.0, fused_length, 1.0).unsqueeze(1)
    second = truth / torch.where(seen, truth_length, 1.0).unsqueeze(1)
    # Twice the half angle between unit vectors: exact for small angles, where the arc cosine loses half its digits.
    # For a zero vector it gives 2 arctan(1) = 90°.
    opposite = torch.where(seen, _length(first - second, dim=1), 0.0)
    along = torch.where(seen, _length(first + second, dim=1), 1.0)
    total = 2.0 * torch.atan2(opposite, along).sum(dim=(1, 2))
    return torch.rad2deg(total / seen.sum(dim=(1, 2)).clamp(min=1))


def _ergas(fused: Tensor, truth: Tensor) -> Tensor:
    errors = (fused - truth).square().mean(dim=(2, 3))
    means = truth.mean(dim=(2, 3))
    seen = means > 0.0
    relative = torch.where(seen, errors, 0.0) / torch.where(seen, means, 1.0).square()
    return 100.0 / ERGAS_RATIO * safe_sqrt(relative.sum(dim=1) / seen.sum(dim=1).clamp(min=1))


def _q2n(fused: Tensor, truth: Tensor) -> Tensor:
    fused_blocks, truth_blocks = (_blocks(picture) for picture in (fused, truth))
    mean = truth_blocks.mean(dim=-1, keepdim=True)
    deviation = truth_blocks.std(dim=-1, keepdim=True).clamp(min=CONSTANT)
    truth_blocks, fused_blocks = ((blocks - mean) / deviation for blocks in (truth_blocks, fused_blocks))
    fused_mean = fused_blocks.mean(dim=-1, keepdim=True)
    truth_blocks = truth_blocks - truth_blocks.mean(dim=-1, keepdim=True)  # what rounding left, in constant bands
    fused_blocks = fused_blocks - fused_mean
    bands = truth_blocks.size(2)
    padding = (1 << (bands - 1).bit_length()) - bands
    moments = F.pad(truth_blocks @ fused_blocks.transpose(-1, -2), [0, padding, 0, padding])
    covariance = _length(sum_of_products(moments), dim=-1)
    variances = (truth_blocks.square() + fused_blocks.square()).sum(dim=(-2, -1))
    # Components of the padding have mean 1 as well.
    truth_square = torch.full_like(variances, bands + padding)
    fused_square = (fused_mean + 1.0).square().sum(dim=(-2, -1)) + padding
    bias = 2.0 * safe_sqrt(truth_square * fused_square) / (truth_square + fused_square)
    varied = variances > NO_VARIANCE
    structure = torch.where(varied, 2.0 * covariance, 1.0) / torch.where(varied, variances, 1.0)
    return (structure * bias).mean(dim=1)


def _blocks(picture: Tensor) -> Tensor:
    """Cut (B, C, H, W), extended by mirroring, into blocks: (B, blocks, C, pixels)."""
    for axis in (2, 3):
        missing = -picture.size(axis) % BLOCK
        mirrored = picture.narrow(axis, picture.size(axis) - missing, missing).flip(axis)
        picture = torch.cat([picture, mirrored], dim=axis)
    batch, bands, height, width = picture.shape
    blocks = picture.reshape(batch, bands, height // BLOCK, BLOCK, width // BLOCK, BLOCK)
    return blocks.permute(0, 2, 4, 1, 3, 5).reshape(batch, -1, bands, BLOCK * BLOCK)


def _length(vectors: Tensor, dim: int) -> Tensor:
    return safe_sqrt(vectors.square().sum(dim=dim))


METRICS = (
    Metric(
        key="sam",
        name="SAM",
        function=spectral_angle,
        family=spectral_family,
        direction="lower",
        unit="degree",
        range=(0.0, 90.0),
        needs="truth",
        variant="mean of the pixels' angles; pixels without a true spectrum left out",
        definition="mean(arccos(⟨f, t⟩ / (‖f‖‖t‖)))",
        source="Yuhas, Goetz, Boardman, JPL Airborne Geoscience Workshop, 1992",
        pictures="bands",
    ),
    Metric(
        key="ergas",
        name="ERGAS",
        function=relative_global_error,
        family=spectral_family,
        direction="lower",
        unit="",
        range=(0.0, None),
        needs="truth",
        variant="pixels 4 times larger in the low-resolution bands; for ratio r times 4/r",
        definition="100/4 · sqrt(mean_c(MSE_c/μ_c²))",
        source="Wald, Fusion of Earth Data, 2000",
        pictures="bands",
    ),
    Metric(
        key="q2n",
        name="Q2n",
        function=hypercomplex_quality_index,
        family=spectral_family,
        direction="higher",
        unit="",
        range=(0.0, None),
        needs="truth",
        variant="blocks of 32×32 without overlap, bands normalised per block, padded to a power of two",
        definition="mean over blocks of |σ_TF| / ((σ_T² + σ_F²)/2) · 2|z̄_T||z̄_F| / (|z̄_T|² + |z̄_F|²)",
        source="Garzelli and Nencini, IEEE Geoscience and Remote Sensing Letters 6(4), 2009",
        pictures="bands",
        smallest=(32, 32),
    ),
)
"""The metrics of this family."""

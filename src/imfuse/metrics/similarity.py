"""Metrics of structural similarity of the fused picture and its sources: SSIM in two variants, and Yang's ISSIM."""

from collections.abc import Collection, Sequence

import torch
from torch import Tensor

from imfuse.metrics.families import measure
from imfuse.metrics.levels import PEAK, Levels
from imfuse.metrics.metric import Metric
from imfuse.metrics.windows import Moments, moments, strips
from imfuse.ops.windows import box_taps, filter_valid, gaussian_taps

GAUSSIAN_SIZE, GAUSSIAN_SIGMA = 11, 1.5
UNIFORM_SIZE = 7
OLD_RANGE = 2.0  # scikit-image before 0.20 took floating-point pictures as −1…1
SIMILAR = 0.75  # ISSIM: from this SSIM of the sources on, they show the same
FLAT_VARIANCE = 1e-8  # squared gray levels: below it a window is constant but for rounding


def ssim_gaussian(fused: Tensor, sources: Sequence[Tensor]) -> Tensor:
    """Structural similarity with Gaussian windows, summed over the sources (SSIM, as Wang et al. released it).

    Per source A the mean of (2 μ_A μ_F + C₁)(2 σ_AF + C₂)/((μ_A² + μ_F² + C₁)(σ_A² + σ_F² + C₂)) over all whole windows
    of 11×11 pixels with Gaussian weights (σ = 1.5, sum 1); weighted moments without Bessel's correction,
    C₁ = (0.01·255)², C₂ = (0.03·255)². Higher is better. Differentiable. Two equal constant windows count 1.

    Args:
        fused: (B, 1, H, W) with H, W ≥ 11, floating point in [0, 1], or uint8 0…255.
        sources: one or more tensors like `fused`.

    Returns:
        float64 tensor (B,), without unit, in [−S, S] for S sources; S for exact copies.

    Raises:
        UsageError: The pictures do not fit each other, are too small, or there is no source.

    Source:
        Wang, Bovik, Sheikh, Simoncelli, Image quality assessment: from error visibility to structural similarity, IEEE
        Transactions on Image Processing 13(4), 2004.
    """
    return measure([(similarity_family, ("ssim-gauss11",))], fused, sources)["ssim-gauss11"]


def ssim_scikit_image(fused: Tensor, sources: Sequence[Tensor]) -> Tensor:
    """Structural similarity as papers report it that call scikit-image 0.19 on levels 0…255 (SSIM).

    As `ssim_gaussian`, but with uniform windows of 7×7 pixels, sample (co)variances (divided by 48), and the data range
    of 2 that this version took for floating-point pictures: C₁ = 0.02², C₂ = 0.06². So small constants hold nothing
    together in flat windows, and values are far lower than with 255. Higher is better. Differentiable.

    Args:
        fused: (B, 1, H, W) with H, W ≥ 7, floating point in [0, 1], or uint8 0…255.
        sources: one or more tensors like `fused`.

    Returns:
        float64 tensor (B,), without unit, in [−S, S] for S sources; S for exact copies.

    Raises:
        UsageError: The pictures do not fit each other, are too small, or there is no source.

    Source:
        `structural_similarity` of scikit-image 0.19 with its defaults, summed over the sources: the evaluator behind
        the tables of FNet and its relatives.
    """
    return measure([(similarity_family, ("ssim-sk019",))], fused, sources)["ssim-sk019"]


def issim(fused: Tensor, sources: Sequence[Tensor]) -> Tensor:
    """Similarity with the source that counts in each window (ISSIM; Q_Y).

    The mean over all whole windows of λ SSIM(A, F) + (1 − λ) SSIM(B, F) with λ = σ_A²/(σ_A² + σ_B²) where
    SSIM(A, B) ≥ 0.75 (the sources show the same), else of max(SSIM(A, F), SSIM(B, F)). Uniform windows of 7×7 pixels,
    moments divided by 49, C₁ = (0.01·255)², C₂ = (0.03·255)² as in SSIM itself. (Liu's toolbox has Gaussian weights and
    2·10⁻¹⁶ instead, which leaves flat windows to rounding; IFCNN's tables have that, for the first source given twice.)
    λ = ½ where both sources are constant. Higher is better. Differentiable where no choice changes.

    Args:
        fused: (B, 1, H, W) with H, W ≥ 7, floating point in [0, 1], or uint8 0…255.
        sources: exactly two tensors like `fused`; their order does not matter.

    Returns:
        float64 tensor (B,), without unit, in [−1, 1].

    Raises:
        UsageError: The pictures do not fit each other, are too small, or there are not two sources.

    Source:
        Yang, Zhang, Wang, Liu, A novel similarity based quality metric for image fusion, Information Fusion 9(2), 2008.
    """
    return measure([(similarity_family, ("issim",))], fused, sources)["issim"]


def similarity_family(levels: Levels, keys: Collection[str]) -> dict[str, Tensor]:
    """Compute the wanted ones of `ssim-gauss11`, `ssim-sk019` and `issim`."""
    gaussian = [key for key in ("ssim-gauss11",) if key in keys]
    uniform = [key for key in ("ssim-sk019", "issim") if key in keys]
    if not gaussian and not uniform:
        return {}
    if "issim" in uniform:
        levels.pair("ISSIM")
    levels.require_sources("SSIM")
    pictures = [levels.fused, *levels.sources]
    values: dict[str, Tensor] = {}
    if gaussian:
        levels.require_size(GAUSSIAN_SIZE, "SSIM with 11×11 windows")
        values |= _means(pictures, gaussian_taps(GAUSSIAN_SIZE, GAUSSIAN_SIGMA), gaussian)
    if uniform:
        levels.require_size(UNIFORM_SIZE, "ISSIM" if uniform == ["issim"] else "SSIM with 7×7 windows")
        values |= _means(pictures, box_taps(UNIFORM_SIZE), uniform)
    return values


def _means(pictures: list[Tensor], taps: list[float], keys: list[str]) -> dict[str, Tensor]:
    """Mean of each metric's map over all windows; of the pictures (B, H, W) the fused one is the first."""
    batch, height, width = pictures[0].shape
    count = (height - len(taps) + 1) * (width - len(taps) + 1)
    sums = dict.fromkeys(keys, torch.zeros(batch, dtype=torch.float64, device=pictures[0].device))
    for strip in strips(pictures, len(taps)):
        local = moments(strip, taps)
        for key in keys:
            if key == "issim":
                between = _similarity(_sources_alone(strip, local, taps), PEAK)[0]
                part = _chosen(_similarity(local, PEAK), between, local.variances[1:])
            elif key == "ssim-sk019":
                part = _similarity(local, OLD_RANGE, UNIFORM_SIZE**2 / (UNIFORM_SIZE**2 - 1)).sum(dim=0)
            else:
                part = _similarity(local, PEAK).sum(dim=0)
            sums[key] = sums[key] + part.sum(dim=(-2, -1))
    return {key: total / count for key, total in sums.items()}


def _sources_alone(strip: Tensor, local: Moments, taps: list[float]) -> Moments:
    """Moments of two sources, the first in the place of the fused picture."""
    means = local.means[1:]
    covariance = filter_valid(strip[1:2] * strip[2:], taps).addcmul_(means[:1], means[1:], value=-1.0)
    return Moments(means, local.variances[1:], covariance)


def _similarity(local: Moments, data_range: float, correction: float = 1.0) -> Tensor:
    """SSIM of each source and the fused picture in each window, (S, B, h, w); (co)variances times the correction."""
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2 / correction
    means, variances = local.means, local.variances
    squares = means * means
    above = (means[1:] * means[:1]).mul_(2.0).add_(c1) * (local.covariances * 2.0).add_(c2)
    below = (squares[1:] + squares[:1]).add_(c1) * (variances[1:] + variances[:1]).add_(c2)
    return above / below


def _chosen(similarities: Tensor, between: Tensor, variances: Tensor) -> Tensor:
    """ISSIM in each window, (B, h, w), from what is (2, B, h, w) for two sources and (B, h, w) between them."""
    first, second = similarities[0], similarities[1]
    positive = variances.clamp(min=0.0)
    total = positive[0] + positive[1]
    flat = total < FLAT_VARIANCE
    weight = torch.where(flat, 0.5, positive[0] / torch.where(flat, 1.0, total))
    return torch.where(between >= SIMILAR, torch.lerp(second, first, weight), torch.maximum(first, second))


METRICS = (
    Metric(
        key="ssim-gauss11",
        name="SSIM",
        function=ssim_gaussian,
        family=similarity_family,
        direction="higher",
        unit="",
        range=(None, None),
        needs="sources",
        variant="11×11 Gaussian windows (σ = 1.5) inside the picture, data range 255, summed over the sources",
        definition="Σ_sources mean of (2μ_Aμ_F + C₁)(2σ_AF + C₂)/((μ_A² + μ_F² + C₁)(σ_A² + σ_F² + C₂))",
        source="Wang, Bovik, Sheikh, Simoncelli, IEEE Trans. Image Processing 13(4), 2004",
        smallest=(11, 11),
    ),
    Metric(
        key="ssim-sk019",
        name="SSIM",
        function=ssim_scikit_image,
        family=similarity_family,
        direction="higher",
        unit="",
        range=(None, None),
        needs="sources",
        variant="scikit-image 0.19 on 0…255: 7×7 uniform windows, sample covariance, range 2, summed over the sources",
        definition="Σ_sources mean of (2μ_Aμ_F + C₁)(2σ_AF + C₂)/((μ_A² + μ_F² + C₁)(σ_A² + σ_F² + C₂))",
        source="scikit-image 0.19, structural_similarity",
        smallest=(7, 7),
    ),
    Metric(
        key="issim",
        name="ISSIM",
        function=issim,
        family=similarity_family,
        direction="higher",
        unit="",
        range=(-1.0, 1.0),
        needs="two sources",
        variant="7×7 uniform windows, threshold 0.75, weights σ², SSIM's constants for range 255",
        definition="mean of λ SSIM(A,F) + (1−λ) SSIM(B,F) where SSIM(A,B) ≥ 0.75, else of the larger one",
        source="Yang, Zhang, Wang, Liu, Information Fusion 9(2), 2008",
        smallest=(7, 7),
    ),
)
"""The metrics of this family."""

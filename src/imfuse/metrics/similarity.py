"""Metrics of structural similarity of the fused picture and its sources: SSIM in two variants, and Yang's ISSIM."""

from collections.abc import Collection, Sequence

import torch
from torch import Tensor

from imfuse.metrics.families import measure
from imfuse.metrics.levels import PEAK, Levels
from imfuse.metrics.metric import Metric
from imfuse.metrics.windows import Moments, gaussian_taps, moments, strips, uniform_taps

GAUSSIAN_SIZE, GAUSSIAN_SIGMA = 11, 1.5
UNIFORM_SIZE = 7
OLD_RANGE = 2.0  # scikit-image before 0.20 took floating-point pictures as −1…1
SIMILAR = 0.75  # ISSIM: from this SSIM of the sources on, they show the same
FLAT_VARIANCE = 1e-8  # squared grey levels: below it a window is constant but for rounding


def ssim_gaussian(fused: Tensor, sources: Sequence[Tensor]) -> Tensor:
    """Structural similarity with Gaussian windows, summed over the sources (SSIM, as Wang et al. released it).

    Per source A the mean over all whole windows of (2 μ_A μ_F + C₁)(2 σ_AF + C₂)/((μ_A² + μ_F² + C₁)(σ_A² + σ_F² + C₂)),
    windows of 11×11 pixels with Gaussian weights (σ = 1.5, sum 1), weighted moments without Bessel's correction,
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
        `structural_similarity` of scikit-image 0.19 with its defaults, summed over the sources: the evaluator behind the
        tables of FNet and its relatives.
    """
    return measure([(similarity_family, ("ssim-sk019",))], fused, sources)["ssim-sk019"]


def issim(fused: Tensor, sources: Sequence[Tensor]) -> Tensor:
    """Similarity with the source that counts in each window (ISSIM; Q_Y).

    The mean over all whole windows of λ SSIM(A, F) + (1 − λ) SSIM(B, F) with λ = σ_A²/(σ_A² + σ_B²) where
    SSIM(A, B) ≥ 0.75 (the sources show the same), else of max(SSIM(A, F), SSIM(B, F)). Uniform windows of 7×7 pixels,
    moments divided by 49, C₁ = (0.01·255)², C₂ = (0.03·255)²: the paper leaves the constants open, these are those of
    SSIM itself. (Liu's toolbox has Gaussian weights and 2·10⁻¹⁶, which leaves flat windows to rounding.) λ = ½ where
    both sources are constant. Higher is better. Differentiable where no choice changes.

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
        values |= _means(pictures, uniform_taps(UNIFORM_SIZE), uniform)
    return values


def _means(pictures: list[Tensor], taps: list[float], keys: list[str]) -> dict[str, Tensor]:
    """Mean of each metric's map over all windows; of the pictures (B, H, W) the fused one is the first."""
    pairs = [(0, source) for source in range(1, len(pictures))]
    if "issim" in keys:
        pairs.append((1, 2))
    batch, height, width = pictures[0].shape
    count = (height - len(taps) + 1) * (width - len(taps) + 1)
    sums = dict.fromkeys(keys, torch.zeros(batch, dtype=torch.float64, device=pictures[0].device))
    for strip in strips(pictures, len(taps)):
        local = moments(strip, taps, pairs)
        for key in keys:
            sums[key] = sums[key] + MAPS[key](local, pairs).sum(dim=(-2, -1))
    return {key: total / count for key, total in sums.items()}


def _similarities(
    local: Moments, pairs: Sequence[tuple[int, int]], data_range: float, correction: float = 1.0
) -> list[Tensor]:
    """SSIM of each pair in each window, (B, h, w); (co)variances are multiplied by the correction."""
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2 / correction
    squares = local.means.square()
    maps = []
    for index, (first, second) in enumerate(pairs):
        product = (local.means[first] * local.means[second]).mul_(2.0).add_(c1)
        above = product * (local.covariances[index] * 2.0).add_(c2)
        below = (squares[first] + squares[second]).add_(c1)
        maps.append(above / (below * (local.variances[first] + local.variances[second]).add_(c2)))
    return maps


def _gaussian_map(local: Moments, pairs: Sequence[tuple[int, int]]) -> Tensor:
    return torch.stack(_similarities(local, pairs, PEAK)).sum(dim=0)


def _scikit_image_map(local: Moments, pairs: Sequence[tuple[int, int]]) -> Tensor:
    with_fused = [pair for pair in pairs if pair[0] == 0]
    count = UNIFORM_SIZE * UNIFORM_SIZE
    return torch.stack(_similarities(local, with_fused, OLD_RANGE, count / (count - 1))).sum(dim=0)


def _issim_map(local: Moments, pairs: Sequence[tuple[int, int]]) -> Tensor:
    first, second, between = _similarities(local, pairs, PEAK)
    variances = local.variances[1:].clamp(min=0.0)
    total = variances[0] + variances[1]
    flat = total < FLAT_VARIANCE
    weight = torch.where(flat, 0.5, variances[0] / torch.where(flat, 1.0, total))
    return torch.where(between >= SIMILAR, torch.lerp(second, first, weight), torch.maximum(first, second))


MAPS = {"ssim-gauss11": _gaussian_map, "ssim-sk019": _scikit_image_map, "issim": _issim_map}


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
        variant="scikit-image 0.19 on 0…255: 7×7 uniform windows, sample covariance, data range 2, summed over the sources",
        definition="Σ_sources mean of (2μ_Aμ_F + C₁)(2σ_AF + C₂)/((μ_A² + μ_F² + C₁)(σ_A² + σ_F² + C₂))",
        source="scikit-image 0.19, structural_similarity",
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
    ),
)
"""The metrics of this family."""

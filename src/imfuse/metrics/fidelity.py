"""Metrics of visual information fidelity: VIF in the pixel domain, and VIFF for fusion.

Both compare local Gaussian statistics of a source and the fused picture on four scales; computed together, they share
these statistics.
"""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from imfuse.metrics.families import measure
from imfuse.metrics.levels import PEAK, Levels
from imfuse.metrics.metric import Metric
from imfuse.metrics.windows import moments, strips
from imfuse.ops.windows import filter_valid, gaussian_taps

WINDOW_SIZES = (17, 9, 5, 3)  # scales 1…4
SMALLEST_SIDE = 41  # leaves one window of 3 pixels on scale 4
VARIANCE_FLOOR = 1e-10
VIF_NOISE = 2.0  # squared gray levels
VIFF_NOISE = 0.005 * PEAK * PEAK
VIFF_WEIGHTS = (1.0 / 2.15, 0.0, 0.15 / 2.15, 1.0 / 2.15)
VIFF_FLOOR = 1e-7
LOG_GROUP = 8  # factors whose product is taken before the logarithm


def visual_information_fidelity(fused: Tensor, sources: Sequence[Tensor]) -> Tensor:
    """Visual information fidelity in the pixel domain, summed over the sources (VIF; VIFp of each source).

    Per source A: VIFp = Σ log(1 + g²σ_A²/(σ_v² + 2)) / Σ log(1 + σ_A²/2), both sums over all windows of four scales,
    with g = σ_AF/σ_A² and σ_v² = σ_F² − g σ_AF. Gaussian windows of N = 17, 9, 5, 3 pixels with σ = N/5, inside the
    picture; before scales 2…4 the pictures are filtered with that scale's window and every second pixel kept. A source
    without any variance counts 1. Higher is better; 1 per source for an exact copy, more for a copy with raised
    contrast. Differentiable.

    Args:
        fused: (B, 1, H, W) with H, W ≥ 41, floating point in [0, 1], or uint8 0…255.
        sources: one or more tensors like `fused`.

    Returns:
        float64 tensor (B,), without unit, from 0; the number of sources for exact copies.

    Raises:
        UsageError: The pictures do not fit each other, are too small, or there is no source.

    Source:
        Sheikh and Bovik, Image information and visual quality, IEEE Transactions on Image Processing 15(2), 2006; the
        authors' pixel-domain release (vifp_mscale).
    """
    return measure([(fidelity_family, ("vif",))], fused, sources)["vif"]


def viff(fused: Tensor, sources: Sequence[Tensor]) -> Tensor:
    """Visual information fidelity for fusion (VIFF).

    The local statistics of VIF with the visual noise σ_n² = 0.005·255². In each window the source with the smaller gain
    g counts (the second one if they are equal): VID = log10(1 + g²σ²/(σ_v² + σ_n²)), VIND = log10(1 + σ²/σ_n²). VIFF is
    the sum over the scales of p_k Σ(VID + 1e-7)/Σ(VIND + 1e-7), p = (1, 0, 0.15, 1)/2.15. Higher is better.
    Differentiable where the choice of the source does not change.

    The authors take the lightness L* of RGB pictures, this the luma: 0.9824 and 0.9827 for IFCNN-MAX on Lytro with the
    first source given twice, as the tables of IFCNN have it.

    Args:
        fused: (B, 1, H, W) with H, W ≥ 41, floating point in [0, 1], or uint8 0…255.
        sources: exactly two tensors like `fused`; their order matters only where both gains are equal, as where both
            are 0: by 0.0003 for noise that has nothing to do with its sources.

    Returns:
        float64 tensor (B,), without unit, from 0; 1 if all three pictures are equal, or if a source is constant.

    Raises:
        UsageError: The pictures do not fit each other, are too small, or there are not two sources.

    Source:
        Han, Cai, Cao, Xu, A new image fusion performance metric based on visual information fidelity, Information
        Fusion 14(2), 2013; details, the choice of the smaller gain among them, as in the authors' MATLAB function
        VIFF_Public.
    """
    return measure([(fidelity_family, ("viff",))], fused, sources)["viff"]


def fidelity_family(levels: Levels, keys: Collection[str]) -> dict[str, Tensor]:
    """Compute the wanted ones of `vif` and `viff`."""
    wanted = [key for key in ("vif", "viff") if key in keys]
    if not wanted:
        return {}
    _check(levels, wanted)
    pictures = [levels.fused, *levels.sources]
    totals: dict[str, list[Tensor]] = {key: [] for key in wanted}
    for scale, size in enumerate(WINDOW_SIZES):
        taps = gaussian_taps(size, size / 5.0)
        if scale > 0:
            pictures = [filter_valid(picture, taps, step=2) for picture in pictures]
        readings = [key for key in wanted if key == "vif" or VIFF_WEIGHTS[scale] > 0.0]
        if readings:
            for key, total in _scale_totals(pictures, taps, readings).items():
                totals[key].append(total)
    ends = {"vif": _vif, "viff": _viff}
    return {key: ends[key](totals[key]) for key in wanted}


def _check(levels: Levels, wanted: list[str]) -> None:
    if "viff" in wanted:
        levels.pair("VIFF")
    levels.require_sources("VIF")
    levels.require_size(SMALLEST_SIDE, "VIFF" if wanted == ["viff"] else "VIF")


def _vif(totals: list[Tensor]) -> Tensor:
    seen, possible = torch.stack(totals).sum(dim=0)
    defined = possible > 0.0
    ratio = torch.where(defined, seen, 1.0) / torch.where(defined, possible, 1.0)
    return ratio.sum(dim=0)


def _viff(totals: list[Tensor]) -> Tensor:
    weights = [weight for weight in VIFF_WEIGHTS if weight > 0.0]
    ratios = [weight * seen / possible for weight, (seen, possible) in zip(weights, totals, strict=True)]
    return torch.stack(ratios).sum(dim=0)


@dataclass(frozen=True)
class _Windows:
    """The model F = g·A + v in each window, as tensors (S, B, h, w) for S sources or (B, h, w).

    Attributes:
        gain: g, not negative.
        variance: the source's variance σ².
        explained: the fused picture's variance g²σ² that the gain explains.
        residual: the variance σ_v² that it does not.
    """

    gain: Tensor
    variance: Tensor
    explained: Tensor
    residual: Tensor

    def smaller_gain(self) -> "_Windows":
        """Of two sources, take in each window the one with the smaller gain, the second if both are equal."""
        first = self.gain[0] < self.gain[1]
        parts = (self.gain, self.variance, self.explained, self.residual)
        return _Windows(*(torch.where(first, part[0], part[1]) for part in parts))

    def information(self, noise: float) -> Tensor:
        """Sum over the windows what is seen of the source, and what there is to see: (2, …, B) in nats."""
        seen = (self.explained / (self.residual + noise)).add_(1.0)
        possible = (self.variance / noise).add_(1.0)
        return torch.stack([_sum_of_logs(seen), _sum_of_logs(possible)])


def _sum_of_logs(values: Tensor) -> Tensor:
    """Σ log over the windows of (…, B, h, w) values from 1 to 1e20: (…, B).

    The logarithm of a product of a few values is their logarithms' sum, and a multiplication is ten times cheaper.
    """
    values = values.flatten(-2)
    size = values.size(-1) // LOG_GROUP
    product = values[..., :size]
    for index in range(1, LOG_GROUP):
        product = product * values[..., index * size : (index + 1) * size]
    return product.log().sum(dim=-1) + values[..., LOG_GROUP * size :].log().sum(dim=-1)


def _scale_totals(pictures: list[Tensor], taps: list[float], readings: list[str]) -> dict[str, Tensor]:
    """Sum the information of one scale for each reading; of the pictures (B, H, W) the fused one is the first."""
    totals: dict[str, Tensor] = {}
    for strip in strips(pictures, len(taps)):
        windows = _windows(strip, taps)
        for key in readings:
            if key == "vif":
                part = windows.information(VIF_NOISE)
            else:
                count = windows.gain[0, 0].numel()
                # The floor is stated for log10; sums here are in nats.
                part = windows.smaller_gain().information(VIFF_NOISE) + VIFF_FLOOR * math.log(10.0) * count
            totals[key] = totals[key] + part if key in totals else part
    return totals


def _windows(pictures: Tensor, taps: list[float]) -> _Windows:
    """Local statistics of the sources and the fused picture, (1 + S, B, H, W), the fused one first."""
    local = moments(pictures, taps)
    variances = F.threshold(local.variances, VARIANCE_FLOOR, 0.0)
    fused_variance, variance = variances[:1], variances[1:]
    unrelated = torch.minimum(variance, fused_variance) == 0.0
    covariance = local.covariances.clamp(min=0.0).masked_fill(unrelated, 0.0)
    gain = covariance / (variance + VARIANCE_FLOOR)
    residual = (fused_variance - gain * covariance).clamp(min=VARIANCE_FLOOR)
    return _Windows(gain, variance, gain * gain * variance, residual)


METRICS = (
    Metric(
        key="vif",
        name="VIF",
        function=visual_information_fidelity,
        family=fidelity_family,
        direction="higher",
        unit="",
        range=(0.0, None),
        needs="sources",
        variant="pixel domain (VIFp), 4 scales, noise variance 2, summed over the sources",
        definition="Σ_sources Σ log(1 + g²σ²/(σ_v² + 2)) / Σ log(1 + σ²/2)",
        source="Sheikh and Bovik, IEEE Trans. Image Processing 15(2), 2006",
        smallest=(41, 41),
    ),
    Metric(
        key="viff",
        name="VIFF",
        function=viff,
        family=fidelity_family,
        direction="higher",
        unit="",
        range=(0.0, None),
        needs="two sources",
        variant="for fusion, source with the smaller gain per window, 4 scales with weights (1, 0, 0.15, 1)/2.15",
        definition="Σ_k p_k Σ VID / Σ VIND with noise variance 0.005·255²",
        source="Han, Cai, Cao, Xu, Information Fusion 14(2), 2013",
        smallest=(41, 41),
    ),
)
"""The metrics of this family."""

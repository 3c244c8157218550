"""Metrics of information: entropy, and the mutual information with the sources."""

import math
from collections.abc import Collection, Sequence

import torch
from torch import Tensor

from imfuse.metrics.families import measure
from imfuse.metrics.levels import PEAK, Levels
from imfuse.metrics.metric import Metric
from imfuse.metrics.windows import CACHED_VALUES

GRAY_LEVELS = 256


def entropy(fused: Tensor) -> Tensor:
    """Entropy of the histogram of gray levels (EN).

    EN = −Σ p(l) log2 p(l) over the 256 levels; values are rounded to the nearest level. Higher is taken as better: more
    levels are used. Not differentiable.

    Args:
        fused: (B, 1, H, W), floating point in [0, 1], or uint8 0…255.

    Returns:
        float64 tensor (B,), bits per pixel, in [0, 8].

    Raises:
        UsageError: The picture has another shape, type or range.

    Source:
        Shannon, A mathematical theory of communication, Bell System Technical Journal 27, 1948; as a fusion metric in
        Roberts, van Aardt, Ahmed, Assessment of image fusion procedures using entropy, image quality, and multispectral
        classification, Journal of Applied Remote Sensing 2, 2008.
    """
    return measure([(information_family, ("en",))], fused)["en"]


def mutual_information(fused: Tensor, sources: Sequence[Tensor]) -> Tensor:
    """Mutual information with the sources, in nats, summed over them (MI).

    MI = Σ_sources Σ p(a, f) ln(p(a, f)/(p(a) p(f))) over the joint histogram of the 256 levels of both pictures; values
    are rounded to the nearest level. Higher is taken as better. Not differentiable. It is 0 with a constant picture.

    Args:
        fused: (B, 1, H, W), floating point in [0, 1], or uint8 0…255.
        sources: one or more tensors like `fused`.

    Returns:
        float64 tensor (B,), nats per pixel, in [0, S·8 ln 2] for S sources.

    Raises:
        UsageError: The pictures do not fit each other, or there is no source.

    Source:
        Qu, Zhang, Yan, Information measure for performance of image fusion, Electronics Letters 38(7), 2002; in nats,
        as scikit-learn's `mutual_info_score` gives it to the evaluator behind the tables of FNet and its relatives.
    """
    return measure([(information_family, ("mi",))], fused, sources)["mi"]


def mutual_information_bits(fused: Tensor, sources: Sequence[Tensor]) -> Tensor:
    """Mutual information with the sources, in bits, summed over them: `mutual_information` divided by ln 2.

    Args:
        fused: (B, 1, H, W), floating point in [0, 1], or uint8 0…255.
        sources: one or more tensors like `fused`.

    Returns:
        float64 tensor (B,), bits per pixel, in [0, 8·S] for S sources.

    Raises:
        UsageError: The pictures do not fit each other, or there is no source.

    Source:
        Qu, Zhang, Yan, Information measure for performance of image fusion, Electronics Letters 38(7), 2002.
    """
    return measure([(information_family, ("mi-bits",))], fused, sources)["mi-bits"]


def normalised_mutual_information(fused: Tensor, sources: Sequence[Tensor]) -> Tensor:
    """Mutual information with each source, divided by the mean of both entropies, and summed (NMI, Hossny's Q_MI).

    NMI = 2 Σ_sources MI(A, F)/(H(A) + H(F)) over histograms of 256 levels; values are rounded to the nearest level. It
    corrects MI's leaning towards sources of high entropy. Higher is taken as better. Not differentiable. A source
    counts 0 if it and the fused picture are constant. (IFCNN's tables have this for the first source given twice.)

    Args:
        fused: (B, 1, H, W), floating point in [0, 1], or uint8 0…255.
        sources: one or more tensors like `fused`; it is published for two, and the same sum for others.

    Returns:
        float64 tensor (B,), without unit, in [0, S] for S sources; S for exact copies.

    Raises:
        UsageError: The pictures do not fit each other, or there is no source.

    Source:
        Hossny, Nahavandi, Creighton, Comments on 'Information measure for performance of image fusion', Electronics
        Letters 44(18), 2008.
    """
    return measure([(information_family, ("nmi",))], fused, sources)["nmi"]


def information_family(levels: Levels, keys: Collection[str]) -> dict[str, Tensor]:
    """Compute the wanted ones of `en`, `mi`, `mi-bits` and `nmi`."""
    values: dict[str, Tensor] = {}
    if not {"en", "mi", "mi-bits", "nmi"} & set(keys):
        return values
    fused = _bins(levels.fused)
    entropy_fused = _entropy(_counts(fused, GRAY_LEVELS))
    if "en" in keys:
        values["en"] = entropy_fused / math.log(2.0)
    if {"mi", "mi-bits", "nmi"} & set(keys):
        levels.require_sources("MI")
        shared = [_shared_information(fused, _bins(source), entropy_fused) for source in levels.sources]
        total = torch.stack([information for information, _ in shared]).sum(dim=0)
        values["mi"] = total
        values["mi-bits"] = total / math.log(2.0)
        values["nmi"] = torch.stack([share for _, share in shared]).sum(dim=0)
    return {key: value for key, value in values.items() if key in keys}


def _bins(pictures: Tensor) -> Tensor:
    """Nearest level of each pixel of (B, H, W): int32 (B, H·W) from 0 to 255."""
    values = pictures.detach().flatten(1)
    bins = torch.empty(values.shape, dtype=torch.int32, device=values.device)
    for start in range(0, values.size(1), CACHED_VALUES):
        part = slice(start, start + CACHED_VALUES)
        bins[:, part] = values[:, part].round().clamp_(0.0, PEAK)
    return bins


def _counts(bins: Tensor, size: int) -> Tensor:
    """Histograms of (B, N) bins below `size`: float64 (B, size)."""
    batch = bins.size(0)
    if batch > 1:
        bins = bins + size * torch.arange(batch, dtype=torch.int64, device=bins.device).unsqueeze(1)
    counts = torch.bincount(bins.flatten(), minlength=batch * size)
    return counts.view(batch, size).to(torch.float64)


def _entropy(counts: Tensor) -> Tensor:
    """Entropy in nats of the histograms (B, size): (B,)."""
    share = counts / counts.sum(dim=1, keepdim=True)
    terms: Tensor = torch.special.entr(share)
    return terms.sum(dim=1)


def _shared_information(fused: Tensor, source: Tensor, entropy_fused: Tensor) -> tuple[Tensor, Tensor]:
    """Mutual information in nats, and its share of the mean entropy: two tensors (B,)."""
    joint = _counts(fused * GRAY_LEVELS + source, GRAY_LEVELS * GRAY_LEVELS)
    both = entropy_fused + _entropy(joint.view(-1, GRAY_LEVELS, GRAY_LEVELS).sum(dim=1))
    information = (both - _entropy(joint)).clamp_(min=0.0)  # rounding may leave it at −1e-15
    defined = both > 0.0
    return information, torch.where(defined, 2.0 * information / torch.where(defined, both, 1.0), 0.0)


METRICS = (
    Metric(
        key="en",
        name="EN",
        function=entropy,
        family=information_family,
        direction="higher",
        unit="bit",
        range=(0.0, 8.0),
        needs="fused",
        variant="256 levels, base 2, fused picture only",
        definition="−Σ p(l) log2 p(l) over the histogram of the levels 0…255",
        source="Roberts, van Aardt, Ahmed, J. Applied Remote Sensing 2, 2008",
        differentiable=False,
    ),
    Metric(
        key="mi",
        name="MI",
        function=mutual_information,
        family=information_family,
        direction="higher",
        unit="nat",
        range=(0.0, None),
        needs="sources",
        variant="256 levels, natural logarithm, summed over the sources",
        definition="Σ_sources Σ p(a, f) ln(p(a, f)/(p(a) p(f)))",
        source="Qu, Zhang, Yan, Electronics Letters 38(7), 2002",
        differentiable=False,
    ),
    Metric(
        key="mi-bits",
        name="MI",
        function=mutual_information_bits,
        family=information_family,
        direction="higher",
        unit="bit",
        range=(0.0, None),
        needs="sources",
        variant="256 levels, base 2, summed over the sources",
        definition="Σ_sources Σ p(a, f) log2(p(a, f)/(p(a) p(f)))",
        source="Qu, Zhang, Yan, Electronics Letters 38(7), 2002",
        differentiable=False,
    ),
    Metric(
        key="nmi",
        name="NMI",
        function=normalised_mutual_information,
        family=information_family,
        direction="higher",
        unit="",
        range=(0.0, None),
        needs="sources",
        variant="Hossny's corrected one, 256 levels, summed over the sources",
        definition="2 Σ_sources MI(A, F)/(H(A) + H(F))",
        source="Hossny, Nahavandi, Creighton, Electronics Letters 44(18), 2008",
        differentiable=False,
    ),
)
"""The metrics of this family."""

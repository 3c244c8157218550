"""Metrics of correlation: with the sources, and of what lies beyond one source with the other."""

from collections.abc import Collection, Sequence

import torch
from torch import Tensor

from imfuse.metrics.families import measure
from imfuse.metrics.levels import Levels
from imfuse.metrics.metric import Metric
from imfuse.metrics.windows import CACHED_VALUES

CONSTANT_VARIANCE = 1e-8  # squared gray levels: below it a picture is constant but for rounding


def sum_of_correlations_of_differences(fused: Tensor, sources: Sequence[Tensor]) -> Tensor:
    """Sum of the correlations of differences (SCD).

    SCD = corr(A, F − B) + corr(B, F − A) with the correlation coefficient over all pixels: what the fused picture has
    beyond one source should look like the other. Higher is better. Differentiable. The correlation with a constant
    picture (variance below 1e-8 squared gray levels) is undefined and counts as 0.

    Args:
        fused: (B, 1, H, W), floating point in [0, 1], or uint8 0…255.
        sources: exactly two tensors like `fused`; their order does not matter.

    Returns:
        float64 tensor (B,), without unit, in [−2, 2].

    Raises:
        UsageError: The pictures do not fit each other, or there are not two sources.

    Source:
        Aslantas and Bendes, A new image quality metric for image fusion: the sum of the correlations of differences,
        AEU International Journal of Electronics and Communications 69, 2015.
    """
    return measure([(correlation_family, ("scd",))], fused, sources)["scd"]


def correlation_coefficient(fused: Tensor, sources: Sequence[Tensor]) -> Tensor:
    """Mean correlation with the sources (CC).

    CC = mean over the sources of corr(A, F), the correlation coefficient over all pixels. Higher is better.
    Differentiable. The correlation with a constant picture (variance below 1e-8 squared gray levels) is undefined and
    counts as 0.

    Args:
        fused: (B, 1, H, W), floating point in [0, 1], or uint8 0…255.
        sources: one or more tensors like `fused`.

    Returns:
        float64 tensor (B,), without unit, in [−1, 1].

    Raises:
        UsageError: The pictures do not fit each other, or there is no source.

    Source:
        Pearson's coefficient, as a fusion metric in Ma, Ma, Li, Infrared and visible image fusion methods and
        applications: a survey, Information Fusion 45, 2019.
    """
    return measure([(correlation_family, ("cc",))], fused, sources)["cc"]


def correlation_family(levels: Levels, keys: Collection[str]) -> dict[str, Tensor]:
    """Compute the wanted ones of `scd` and `cc`."""
    functions = {"scd": _scd, "cc": _cc}
    wanted = [key for key in functions if key in keys]
    if not wanted:
        return {}
    if "scd" in wanted:
        levels.pair("SCD")
    levels.require_sources("CC")
    moments = _covariances(levels)
    return {key: functions[key](moments) for key in wanted}


def _covariances(levels: Levels) -> Tensor:
    """Variances and covariances of the fused picture and its sources, in this order: (B, 1 + S, 1 + S)."""
    pictures = [picture.flatten(1) for picture in (levels.fused, *levels.sources)]
    means = torch.stack([picture.mean(dim=1) for picture in pictures], dim=1).unsqueeze(2)
    count = pictures[0].size(1)
    length = CACHED_VALUES if levels.fused.device.type == "cpu" else count
    parts = []
    for start in range(0, count, length):
        centred = torch.stack([picture[:, start : start + length] for picture in pictures], dim=1) - means
        parts.append(centred @ centred.transpose(1, 2))
    return torch.stack(parts).sum(dim=0) / count


def _scd(moments: Tensor) -> Tensor:
    return _correlation_of_difference(moments, 1, 2) + _correlation_of_difference(moments, 2, 1)


def _correlation_of_difference(moments: Tensor, source: int, other: int) -> Tensor:
    """Correlation of a source with (fused − other), from the covariances (B, 3, 3) of fused and both sources."""
    covariance = moments[:, source, 0] - moments[:, source, other]
    difference_variance = moments[:, 0, 0] + moments[:, other, other] - 2.0 * moments[:, 0, other]
    return _correlation(covariance, moments[:, source, source], difference_variance)


def _cc(moments: Tensor) -> Tensor:
    variances = moments.diagonal(dim1=1, dim2=2)
    return _correlation(moments[:, 0, 1:], variances[:, 1:], variances[:, :1]).mean(dim=1)


def _correlation(covariance: Tensor, first_variance: Tensor, second_variance: Tensor) -> Tensor:
    defined = torch.minimum(first_variance, second_variance) > CONSTANT_VARIANCE
    scale = torch.where(defined, first_variance * second_variance, 1.0).sqrt()
    return torch.where(defined, covariance, 0.0) / scale


METRICS = (
    Metric(
        key="scd",
        name="SCD",
        function=sum_of_correlations_of_differences,
        family=correlation_family,
        direction="higher",
        unit="",
        range=(-2.0, 2.0),
        needs="two sources",
        variant="global correlation coefficients; 0 where one is undefined",
        definition="corr(A, F − B) + corr(B, F − A)",
        source="Aslantas and Bendes, AEU Int. J. Electronics and Communications 69, 2015",
    ),
    Metric(
        key="cc",
        name="CC",
        function=correlation_coefficient,
        family=correlation_family,
        direction="higher",
        unit="",
        range=(-1.0, 1.0),
        needs="sources",
        variant="global correlation coefficients, mean over the sources; 0 where one is undefined",
        definition="mean over the sources of corr(A, F)",
        source="Ma, Ma, Li, Information Fusion 45, 2019",
    ),
)
"""The metrics of this family."""

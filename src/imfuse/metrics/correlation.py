"""Metrics of correlation: sum of the correlations of differences."""

from collections.abc import Collection, Sequence

import torch
from torch import Tensor

from imfuse.metrics.families import measure
from imfuse.metrics.levels import Levels
from imfuse.metrics.metric import Metric

CONSTANT_VARIANCE = 1e-8  # squared grey levels: below it a picture is constant but for rounding


def sum_of_correlations_of_differences(fused: Tensor, sources: Sequence[Tensor]) -> Tensor:
    """Sum of the correlations of differences (SCD).

    SCD = corr(A, F − B) + corr(B, F − A) with the correlation coefficient over all pixels: what the fused picture has
    beyond one source should look like the other. Higher is better. Differentiable. The correlation with a constant
    picture (variance below 1e-8 squared grey levels) is undefined and counts as 0.

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


def correlation_family(levels: Levels, keys: Collection[str]) -> dict[str, Tensor]:
    """Compute the wanted ones of `scd`."""
    return {"scd": _scd(levels)} if "scd" in keys else {}


def _scd(levels: Levels) -> Tensor:
    first, second = levels.pair("SCD")
    # All variances and covariances are sums of products of three centred pictures: one small matrix per sample.
    pictures = torch.stack([levels.fused, first, second], dim=1).flatten(2)
    centred = pictures - pictures.mean(dim=2, keepdim=True)
    moments = centred @ centred.transpose(1, 2) / centred.size(2)
    return _correlation_of_difference(moments, 1, 2) + _correlation_of_difference(moments, 2, 1)


def _correlation_of_difference(moments: Tensor, source: int, other: int) -> Tensor:
    """Correlation of a source with (fused − other), from the covariances (B, 3, 3) of fused and both sources."""
    covariance = moments[:, source, 0] - moments[:, source, other]
    source_variance = moments[:, source, source]
    difference_variance = moments[:, 0, 0] + moments[:, other, other] - 2.0 * moments[:, 0, other]
    defined = torch.minimum(source_variance, difference_variance) > CONSTANT_VARIANCE
    scale = torch.where(defined, source_variance * difference_variance, 1.0).sqrt()
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
)
"""The metrics of this family."""

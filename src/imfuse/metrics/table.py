"""The table of all metrics: what each is, and `evaluate`, which computes several of them at once."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from imfuse.errors import UsageError
from imfuse.metrics.contrast import average_gradient, contrast_family, spatial_frequency, standard_deviation
from imfuse.metrics.correlation import correlation_family, sum_of_correlations_of_differences
from imfuse.metrics.families import Family, measure
from imfuse.metrics.fidelity import fidelity_family, viff, visual_information_fidelity
from imfuse.metrics.information import entropy, information_family


@dataclass(frozen=True)
class Metric:
    """One metric, pinned to one definition.

    Attributes:
        key: its name in `METRICS` and in the results of `evaluate`.
        name: the abbreviation that tables show.
        function: computes it alone; takes `(fused)` or `(fused, sources)`, as `needs` says.
        family: computes it together with those that share its work.
        direction: whether a higher or a lower value is taken as better.
        unit: of the value; empty if it has none.
        range: smallest and largest value; None where there is no limit.
        needs: the pictures it is computed from.
        variant: which of the definitions in use under that name this is.
        definition: the equation, in one line.
        source: the publication.
        differentiable: whether gradients reach the pictures.
    """

    key: str
    name: str
    function: Callable[..., Tensor]
    family: Family
    direction: Literal["higher", "lower"]
    unit: str
    range: tuple[float | None, float | None]
    needs: Literal["fused", "sources", "two sources"]
    variant: str
    definition: str
    source: str
    differentiable: bool = True


_ALL = (
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
        key="sd",
        name="SD",
        function=standard_deviation,
        family=contrast_family,
        direction="higher",
        unit="grey level",
        range=(0.0, 127.5),
        needs="fused",
        variant="population (divided by the number of pixels), levels 0…255",
        definition="sqrt(mean((F − mean F)²))",
        source="Ma, Ma, Li, Information Fusion 45, 2019",
    ),
    Metric(
        key="sf",
        name="SF",
        function=spatial_frequency,
        family=contrast_family,
        direction="higher",
        unit="grey level",
        range=(0.0, 255.0 * 2.0**0.5),
        needs="fused",
        variant="forward differences, each direction's mean over its own differences, levels 0…255",
        definition="sqrt(mean(Δx²) + mean(Δy²))",
        source="Eskicioglu and Fisher, IEEE Trans. Communications 43, 1995",
    ),
    Metric(
        key="ag",
        name="AG",
        function=average_gradient,
        family=contrast_family,
        direction="higher",
        unit="grey level per pixel",
        range=(0.0, 255.0),
        needs="fused",
        variant="central differences, one-sided at the border, all pixels, levels 0…255",
        definition="mean(sqrt((Gx² + Gy²)/2))",
        source="Cui et al., Optics Communications 341, 2015",
    ),
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
    ),
)

METRICS: dict[str, Metric] = {metric.key: metric for metric in _ALL}
"""All metrics by their key."""


def evaluate(fused: Tensor, sources: Sequence[Tensor] = (), metrics: Iterable[str] | None = None) -> dict[str, Tensor]:
    """Compute several metrics of fused pictures; those of one family share their work.

    Args:
        fused: (B, 1, H, W), floating point in [0, 1], or uint8 0…255.
        sources: tensors like `fused`; may be left out if no metric needs them.
        metrics: keys of `METRICS`; all if left out.

    Returns:
        One float64 tensor (B,) per key, in the order of `metrics`.

    Raises:
        UsageError: A key is unknown, or the pictures do not fit the metrics or each other.
    """
    keys = list(METRICS) if metrics is None else list(metrics)
    unknown = [key for key in keys if key not in METRICS]
    if unknown:
        raise UsageError(f"unknown metric {', '.join(unknown)}; known are {', '.join(METRICS)}")
    families = dict.fromkeys(METRICS[key].family for key in keys)
    values = measure([(family, keys) for family in families], fused, sources)
    return {key: values[key] for key in keys}

"""The table of all metrics, and `evaluate`, which computes several of them at once."""

from collections.abc import Iterable, Sequence

from torch import Tensor

from imfuse.errors import UsageError
from imfuse.metrics import (
    blind,
    contrast,
    correlation,
    fidelity,
    gradient,
    information,
    mef,
    similarity,
    spectral,
)
from imfuse.metrics import truth as against_truth
from imfuse.metrics.families import measure
from imfuse.metrics.metric import Metric

_ALL = (
    *information.METRICS,
    *contrast.METRICS,
    *blind.METRICS,
    *correlation.METRICS,
    *gradient.METRICS,
    *fidelity.METRICS,
    *similarity.METRICS,
    *mef.METRICS,
    *against_truth.METRICS,
    *spectral.METRICS,
)

METRICS: dict[str, Metric] = {metric.key: metric for metric in _ALL}
"""All metrics by their key."""


def evaluate(
    fused: Tensor,
    sources: Sequence[Tensor] = (),
    metrics: Iterable[str] | None = None,
    *,
    truth: Tensor | None = None,
) -> dict[str, Tensor]:
    """Compute several metrics of fused pictures; those of one family share their work.

    Args:
        fused: (B, C, H, W), floating point in [0, 1], or uint8 0…255. Metrics of gray pictures take the luma of RGB.
        sources: tensors like `fused`; may be left out if no metric needs them.
        metrics: keys of `METRICS`; if left out, all that the given pictures allow: their number and size, and for
            `brisque` that there is a model.
        truth: tensor like `fused`; may be left out if no metric needs it.

    Returns:
        One float64 tensor (B,) per key, in the order of `metrics`.

    Raises:
        UsageError: A key is unknown, or the pictures do not fit the metrics or each other.
    """
    keys = _possible(fused, sources, truth) if metrics is None else list(metrics)
    unknown = [key for key in keys if key not in METRICS]
    if unknown:
        raise UsageError(f"unknown metric {', '.join(unknown)}; known are {', '.join(METRICS)}")
    values: dict[str, Tensor] = {}
    for pictures in ("gray", "bands"):
        chosen = [METRICS[key] for key in keys if METRICS[key].pictures == pictures]
        families = dict.fromkeys(metric.family for metric in chosen)
        if chosen:
            values |= measure([(family, keys) for family in families], fused, sources, truth, pictures)
    return {key: values[key] for key in keys}


def _possible(fused: Tensor, sources: Sequence[Tensor], truth: Tensor | None) -> list[str]:
    """Keys of the metrics for which there are the pictures, their size and the model."""
    height, width = fused.shape[-2:] if fused.dim() >= 2 else (0, 0)
    return [
        key
        for key, metric in METRICS.items()
        if metric.is_served(len(sources), truth is not None) and metric.fits(height, width) and metric.available()
    ]

"""The table of all metrics as Markdown, and its place in a document."""

from collections.abc import Iterable

from imfuse.errors import UsageError
from imfuse.metrics.metric import Metric

BEGIN = "<!-- table of metrics: written by python -m imfuse.metrics -->"
END = "<!-- end of the table of metrics -->"
_COLUMNS = ("key", "name", "better", "range", "unit", "computed from", "gradients")
_NEEDS = {
    "fused": "fused picture",
    "sources": "sources",
    "two sources": "exactly two sources",
    "truth": "truth",
}


def metric_table(metrics: Iterable[Metric]) -> str:
    """Write the facts of the metrics in Markdown: a table with one row each, then their definitions."""
    listed = list(metrics)
    rows = [_COLUMNS, ("---",) * len(_COLUMNS), *(_row(metric) for metric in listed)]
    table = "".join(f"| {' | '.join(row)} |\n" for row in rows)
    definitions = "".join(
        f"- `{metric.key}`: `{metric.definition}`. Variant: {metric.variant}. Source: {metric.source}.\n"
        for metric in listed
    )
    return f"\n{table}\n{definitions}\n"


def replace_table(document: str, table: str) -> str:
    """Put a table between the marks of a document.

    Raises:
        UsageError: The marks are not there, once each and in order.
    """
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end or BEGIN in rest or END in after:
        raise UsageError(f"the document needs the lines {BEGIN} and {END}, once each, for the table between them")
    return f"{before}{BEGIN}\n{table}{END}{after}"


def _row(metric: Metric) -> tuple[str, ...]:
    low, high = ("" if limit is None else f"{limit:.4g}".replace("-", "−") for limit in metric.range)
    return (
        f"`{metric.key}`",
        metric.name,
        metric.direction,
        f"{low or '−∞'}…{high or '∞'}",
        metric.unit,
        _NEEDS[metric.needs] + (", all bands" if metric.pictures == "bands" else ", luma"),
        "yes" if metric.differentiable else "no",
    )

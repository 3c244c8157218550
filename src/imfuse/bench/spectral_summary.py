"""``spectral.md``: the means over the scenes, and every scene, with all that the figures mean."""

from __future__ import annotations

from collections.abc import Sequence

from imfuse.bench.contenders import Contender
from imfuse.bench.results import BenchResults
from imfuse.bench.rows import Row
from imfuse.bench.spectral import SPECTRAL_NAME
from imfuse.bench.summary import escaped, number
from imfuse.metrics import METRICS
from imfuse.scoring import headings

SPECTRAL_SUMMARY = "spectral.md"

_GUIDES = (
    "Rows *guide as stored* see the RGB guide under its sRGB curve; all others decode it to light first (bicubic has "
    "no guide)."
)


def spectral_markdown(results: BenchResults, scale: int) -> str:
    """The figures of :func:`imfuse.bench.spectral.run_spectral` as Markdown.

    Args:
        results: finished or not.
        scale: that was measured.
    """
    plan = results.plan
    (data_set,) = plan.data_sets
    keys = plan.metrics[data_set.name]
    lines = [f"# Spectral fusion at scale {scale}", "", "```sh", plan.command or "# imfuse.bench.spectral", "```", ""]
    lines += [
        f"{escaped(data_set.name)}: {len(data_set.scenes)} scenes; the bands averaged over blocks of {scale}×{scale} "
        "pixels (Wald's protocol) and not quantised, sharpened by their RGB rendering, clamped to [0, 1] and compared "
        f"with what they were. {_GUIDES} All digits: [{SPECTRAL_NAME}]({SPECTRAL_NAME}).",
        "",
    ]
    lines += [f"**Only a part of the scenes:** {escaped(plan.subset)}.", ""] if plan.subset else []
    lines += ["**The run was stopped before its end.**", ""] if results.interrupted else []
    contenders = plan.contenders_of(data_set)
    lines += ["## Mean over the scenes", "", *_table(contenders, results.rows, keys, len(data_set.scenes))]
    for scene in data_set.scenes:
        rows = [row for row in results.rows if row.scene == scene.name]
        lines += [f"## {escaped(scene.name)}", "", *_table(contenders, rows, keys, 1)]
    lines += ["## Metrics", ""]
    lines += [f"- {_definition(key, scale)}" for key in keys]
    return "\n".join(lines).rstrip() + "\n"


def _definition(key: str, scale: int) -> str:
    metric = METRICS[key]
    ratio = f"; here with 100/{scale}" if key == "ergas" else ""
    return f"{metric.name} (`{key}`), {escaped(metric.variant)}: {escaped(metric.definition)}{ratio}"


def _table(contenders: Sequence[Contender], rows: Sequence[Row], keys: Sequence[str], scenes: int) -> list[str]:
    """A row per contender with the means over its scenes; the best ones in bold, among those that have all scenes."""
    means, seconds = {}, {}
    for one in contenders:
        own = [row for row in rows if row.model == one.name and not row.error]
        if len(own) == scenes:
            means[one.name] = {key: sum(row.values[key] for row in own) / scenes for key in keys}
            seconds[one.name] = sum(row.seconds or 0.0 for row in own) / scenes
    lines = [_line(["method", *headings(keys), "seconds"]), _line(["---", *["---:"] * (len(keys) + 1)])]
    for one in contenders:
        if one.name in means:
            cells = [_figure(means, one.name, key) for key in keys]
            lines.append(_line([escaped(one.name), *cells, f"{seconds[one.name]:.3g}"]))
        elif any(row.model == one.name for row in rows):
            lines.append(_line([f"{escaped(one.name)} (failed)", *["–"] * (len(keys) + 1)]))
    return [*lines, ""]


def _figure(means: dict[str, dict[str, float]], name: str, key: str) -> str:
    column = [values[key] for values in means.values()]
    best = max(column) if METRICS[key].direction == "higher" else min(column)
    text = number(means[name][key])
    return f"**{text}**" if means[name][key] == best else text


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"

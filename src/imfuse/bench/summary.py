"""``summary.md``: a ranked table per data set, and all that its figures mean."""

from __future__ import annotations

import math
from collections.abc import Sequence
from urllib.parse import quote

from imfuse.bench.contenders import Contender
from imfuse.bench.cost import HOW
from imfuse.bench.ranking import Standing
from imfuse.bench.remarks import ADVICE, IN_TRAINING, TRAPS, Overlap, metric_mark
from imfuse.bench.results import BenchResults, metric_columns
from imfuse.bench.surroundings import Surroundings
from imfuse.data.sets import DataSet
from imfuse.metrics import METRICS
from imfuse.scoring import figure, headings

BOX_PLOTS, CONTACT_SHEETS = "box-plots", "contact-sheets"
"""Folders of figures within the benchmark's."""

TIMED = (
    "Seconds are the median wall time per picture of reading the sources and fusing them, without saving and scoring; "
    "every model fused one picture before, which does not count. Memory is the median peak of the process's resident "
    "memory while it did so beyond what was resident before (on a GPU: of the GPU's memory), sources and result "
    "included. Both drift with what else the machine does: compare them within one run, and only roughly."
)
"""What times and memory are."""


def markdown(results: BenchResults, around: Surroundings) -> str:
    """The summary as Markdown."""
    parts = ["# Benchmark", *_head(results, around)]
    for data_set in results.plan.data_sets:
        parts += _data_set(results, data_set, around.overlaps)
    parts += _definitions(results) + _models(results.plan.contenders, around) + _machine(around)
    return "\n".join(parts).rstrip() + "\n"


def _head(results: BenchResults, around: Surroundings) -> list[str]:
    plan = results.plan
    lines = ["", "```sh", plan.command or "# made by imfuse.bench.run_bench", "```", ""]
    lines += [f"Made {around.date} (UTC). One row per picture, with all digits: [results.csv](results.csv)."]
    lines += ["Pictures to compare: [index.html](index.html).", ""]
    if plan.subset:
        lines += [f"**Only a part of the scenes:** {escaped(plan.subset)}.", ""]
    if results.interrupted:
        lines += ["**The run was stopped before its end.**", ""]
    lines += [f"- {mark} {words}" for mark, words in TRAPS.items()]
    if around.overlaps:
        lines += [
            f"- {IN_TRAINING} The model was trained on scenes of this data set: its figures are not honest there."
        ]
    return [*lines, "", ADVICE, ""]


def _data_set(results: BenchResults, data_set: DataSet, overlaps: Sequence[Overlap]) -> list[str]:
    keys = results.plan.metrics[data_set.name]
    found = results.standings(data_set)
    scenes = len(data_set.scenes)
    lines = [f"## {escaped(data_set.name)}", ""]
    lines += [f"{escaped(data_set.description)}", ""] if data_set.description else []
    count = f"{scenes} scene{'s' if scenes > 1 else ''}"
    lines += [
        f"Task {data_set.task}, {count}. Mean ± deviation; the best mean in **bold**, the second in *italics*.",
        "",
    ]
    heads = [f"{words}{metric_mark(key)}" for key, words in zip(keys, headings(keys), strict=True)]
    head = ["model", "mean rank", "1st", "2nd", *heads, "seconds", "memory (MiB)"]
    lines += [_line(head), _line(["---", *["---:"] * (len(head) - 1)])]
    marked = {overlap.model for overlap in overlaps if overlap.data_set == data_set.name}
    lines += [_line(_row(one, keys, scenes, one.model in marked)) for one in found]
    lines += ["", *_left_out(found, scenes), *_uncounted(results.uncounted(data_set))]
    for one in overlaps:
        lines += [f"{IN_TRAINING} {escaped(f'{one.model}: {one.words}')}", ""] if one.data_set == data_set.name else []
    for words in results.plan.left_out:
        lines += [f"Left out, {escaped(words)}.", ""] if words.startswith(f"{data_set.name}: ") else []
    file = f"{quote(data_set.name)}.png"
    return [*lines, f"![Box plots]({BOX_PLOTS}/{file})", "", f"![Some scenes]({CONTACT_SHEETS}/{file})", ""]


def _row(one: Standing, keys: Sequence[str], scenes: int, trained: bool) -> list[str]:
    name = escaped(one.model) + (f" {IN_TRAINING}" if trained else "")
    if not one.complete:
        name += f" ({one.pictures} of {scenes})"
    rank = [f"{one.mean_rank:.2f}", str(one.firsts), str(one.seconds)] if one.mean_rank is not None else ["–"] * 3
    cells = [_styled(number(one.means.get(key)), one.ranks.get(key)) + _spread(one.deviations.get(key)) for key in keys]
    time = "–" if one.time is None else f"{one.time:.3g}"
    return [name, *rank, *cells, time, "–" if one.memory is None else f"{one.memory:.0f}"]


def _styled(text: str, rank: int | None) -> str:
    return {1: f"**{text}**", 2: f"*{text}*"}.get(rank or 0, text)


def _spread(value: float | None) -> str:
    return "" if value is None or math.isnan(value) else f" ± {number(value)}"


def number(value: float | None) -> str:
    """A figure for tables; a dash where there is none."""
    return "–" if value is None or math.isnan(value) else figure(value).replace("-", "−").replace("inf", "∞")


def _left_out(found: Sequence[Standing], scenes: int) -> list[str]:
    partial = [one for one in found if not one.complete]
    if not partial:
        return []
    names = ", ".join(f"{escaped(one.model)} ({one.pictures} of {scenes} pictures)" for one in partial)
    return [f"Not ranked, because pictures or metrics are missing (column `error` of results.csv): {names}.", ""]


def _uncounted(scenes: Sequence[str]) -> list[str]:
    if not scenes:
        return []
    names = ", ".join(escaped(name) for name in scenes)
    return [
        f"Not counted, because no model has a picture with all metrics (column `error` of results.csv): {names}.",
        "",
    ]


def _definitions(results: BenchResults) -> list[str]:
    lines = [
        "## Metrics",
        "",
        "Of the saved picture and the sources, as gray levels 0 … 255; of colour as luma (BT.601).",
        "",
    ]
    head = ["metric", "key", "better", "unit", "range", "needs", "variant", "definition", "source"]
    lines += [_line(head), _line(["---"] * len(head))]
    for key in metric_columns(results.plan):
        metric = METRICS[key]
        low, high = ("−∞" if metric.range[0] is None else f"{metric.range[0]:g}", metric.range[1])
        span = f"{low} … {'∞' if high is None else f'{high:g}'}"
        name = metric.name + metric_mark(key)
        texts = [metric.variant, metric.definition, metric.source]
        lines.append(_line([name, f"`{key}`", metric.direction, metric.unit, span, metric.needs, *map(escaped, texts)]))
    return [*lines, ""]


def _models(contenders: Sequence[Contender], around: Surroundings) -> list[str]:
    head = ["model", "kind", "parameters", "multiplications per pixel", "SHA-256 of the weights", "origin"]
    lines = ["## Models", "", _line(head), _line(["---", "---", "---:", "---:", "---", "---"])]
    for one in contenders:
        cost = around.costs.get(one.name)
        parameters = f"{cost.parameters:,}" if cost else "–"
        count = cost.multiplications if cost else None
        products = "–" if count is None else f"{count:,.0f}"
        digest = f"`{one.card.sha256}`" if one.card is not None and one.card.learned else "–"
        origin = one.card.paper if one.card is not None else "pictures of another program"
        lines.append(_line([escaped(one.name), one.kind, parameters, products, digest, escaped(origin)]))
    return [*lines, "", HOW, "", TIMED, ""]


def _machine(around: Surroundings) -> list[str]:
    lines = ["## Machine and versions", ""]
    lines += [f"- {name}: {escaped(words)}" for name, words in around.machine.items()]
    return [*lines, "- " + ", ".join(f"{name} {number}" for name, number in around.versions.items()), ""]


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def escaped(text: str) -> str:
    """Text that Markdown shows as it is, on one line of a table."""
    flat = " ".join(text.split())
    return "".join(f"\\{sign}" if sign in "\\|*_`[]<>#" else sign for sign in flat)

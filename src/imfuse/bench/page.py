"""``index.html``: any two pictures of a scene under one slider, and the ranked tables; it needs no network."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from imfuse.bench.cost import HOW
from imfuse.bench.ranking import Standing
from imfuse.bench.remarks import ADVICE, IN_TRAINING, TRAPS, metric_mark
from imfuse.bench.results import BenchResults, metric_columns
from imfuse.bench.summary import TIMED, number
from imfuse.bench.surroundings import Surroundings
from imfuse.bench.views import source_names
from imfuse.data.sets import DataSet, Scene
from imfuse.metrics import METRICS
from imfuse.scoring import ARROWS

Views = Mapping[tuple[str, str], Sequence[PurePosixPath | None]]


def page(results: BenchResults, around: Surroundings, views: Views, further: str = "") -> str:
    """The page as HTML; pictures are linked by relative paths, so that the folder can be moved as a whole.

    Args:
        results: of the benchmark.
        around: costs, overlaps, machine and versions.
        views: 8-bit pictures of the sources per data set and scene.
        further: HTML of tables that stand before those of the metrics.
    """
    room = files("imfuse.bench")
    data = {"sets": [_data(results, data_set, views) for data_set in results.plan.data_sets]}
    texts = {
        "STYLE": (room / "page.css").read_text(encoding="utf-8"),
        "SCRIPT": (room / "page.js").read_text(encoding="utf-8"),
        "DATA": _embedded(data),
        "NOTE": _note(results, around),
        "TABLES": "\n".join([further, *_tables(results, around)]),
        "DEFINITIONS": _definitions(results),
        "MODELS": _models(results, around),
        "COMMAND": escape(results.plan.command or "imfuse.bench.run_bench"),
        "FACTS": _facts(around),
    }
    html = (room / "page.html").read_text(encoding="utf-8")
    for name, text in texts.items():
        before, _, after = html.partition(f"<!-- {name} -->")
        html = before + text + after
    return html


def _embedded(data: Any) -> str:
    """JSON that can stand in a script element: no character of it can end the element."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _data(results: BenchResults, data_set: DataSet, views: Views) -> dict[str, Any]:
    keys = results.plan.metrics[data_set.name]
    rows: dict[str, dict[str, Any]] = {}
    for row in results.rows_of(data_set):
        if row.picture:
            values = [row.values.get(key) for key in keys]
            figures = [value if value is not None and math.isfinite(value) else None for value in values]
            rows.setdefault(row.scene, {})[row.model] = [quote(row.picture), figures]
    return {
        "name": data_set.name,
        "metrics": [
            {"key": key, "better": METRICS[key].direction, "head": f"{key} {ARROWS[METRICS[key].direction]}"}
            for key in keys
        ],
        "sources": source_names(data_set),
        "models": [one.model for one in results.standings(data_set)],
        "scenes": [_scene(data_set, scene, rows.get(scene.name, {}), views) for scene in data_set.scenes],
    }


def _scene(data_set: DataSet, scene: Scene, made: Mapping[str, Any], views: Views) -> dict[str, Any]:
    sources = [quote(str(path)) if path else None for path in views.get((data_set.name, scene.name), ())]
    return {"name": scene.name, "sources": sources, "made": made}


def _note(results: BenchResults, around: Surroundings) -> str:
    parts = [f"Only a part of the scenes: {results.plan.subset}."] if results.plan.subset else []
    parts += ["The run was stopped before its end."] if results.interrupted else []
    failed = len(results.failures)
    parts += [f"{failed} pictures failed; results.csv says why."] if failed else []
    parts += [f"{one.model} on {one.data_set}: {one.words}" for one in around.overlaps]
    return "".join(f'<p class="warning">{escape(part)}</p>' for part in parts)


def _tables(results: BenchResults, around: Surroundings) -> list[str]:
    """A table for every data set of which there are metrics."""
    plan = results.plan
    return [_table(results, data_set, around) for data_set in plan.data_sets if plan.metrics[data_set.name]]


def _table(results: BenchResults, data_set: DataSet, around: Surroundings) -> str:
    keys = results.plan.metrics[data_set.name]
    scenes = len(data_set.scenes)
    marked = {one.model for one in around.overlaps if one.data_set == data_set.name}
    heads = [("model", "", "up"), ("mean rank", "mean of the ranks over the metrics", "up")]
    heads += [("1st", "metrics with the best mean", "down"), ("2nd", "metrics with the second mean", "down")]
    for key in keys:
        metric = METRICS[key]
        text = f"{key} {ARROWS[metric.direction]}{metric_mark(key)}"
        heads.append((text, f"{metric.name}: {metric.definition} ({metric.variant})", _first_order(metric.direction)))
    heads += [("seconds", "median per picture", "up"), ("MiB", "median peak memory per picture", "up")]
    head = "".join(head_cell(*one) for one in heads)
    body = "".join(
        f"<tr>{_table_row(one, keys, scenes, one.model in marked)}</tr>" for one in results.standings(data_set)
    )
    caption = f"{escape(data_set.name)}: {scenes} scene{'s' if scenes > 1 else ''}, mean ± deviation"
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="Figures of {escape(data_set.name)}">'
        f'<table class="ranking" data-set="{escape(data_set.name)}"><caption>{caption}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _first_order(direction: str) -> str:
    return "down" if direction == "higher" else "up"


def head_cell(text: str, title: str, order: str) -> str:
    """A heading that sorts its column, at first ``up`` or ``down``."""
    button = f'<button type="button" data-first="{order}" title="{escape(title)}">{escape(text)}</button>'
    return f'<th scope="col">{button}</th>'


def _table_row(one: Standing, keys: Sequence[str], scenes: int, trained: bool) -> str:
    name = one.model + (f" {IN_TRAINING}" if trained else "")
    name += "" if one.complete else f" ({one.pictures} of {scenes})"
    cells = [f'<th scope="row">{escape(name)}</th>']
    cells.append(cell(one.mean_rank, "–" if one.mean_rank is None else f"{one.mean_rank:.2f}"))
    for count in (one.firsts, one.seconds):
        cells.append(cell(count, str(count)) if one.mean_rank is not None else cell(None, "–"))
    for key in keys:
        place = {1: "first", 2: "second"}.get(one.ranks.get(key, 0), "")
        spread = one.deviations.get(key)
        more = "" if spread is None or math.isnan(spread) else f" <small>± {number(spread)}</small>"
        cells.append(cell(one.means.get(key), number(one.means.get(key)), place, more))
    cells.append(cell(one.time, "–" if one.time is None else f"{one.time:.3g}"))
    cells.append(cell(one.memory, "–" if one.memory is None else f"{one.memory:.0f}"))
    return "".join(cells)


def cell(value: float | None, text: str, place: str = "", more: str = "") -> str:
    """A figure: what it sorts by, what is shown, ``first`` or ``second``, and HTML behind it."""
    known = value is not None and math.isfinite(value)
    attributes = f' data-value="{value!r}"' if known else ""
    attributes += f' class="{place}"' if place else ""
    return f"<td{attributes}><span>{escape(text)}</span>{more}</td>"


def _definitions(results: BenchResults) -> str:
    traps = "".join(f"<p>{mark} {escape(words)}</p>" for mark, words in TRAPS.items())
    items = ""
    for key in metric_columns(results.plan):
        metric = METRICS[key]
        words = f"{metric.definition}; {metric.variant}; {metric.direction} is better. {metric.source}."
        items += (
            f"<dt>{escape(key)} <small>{escape(metric.name)}</small>{metric_mark(key)}</dt><dd>{escape(words)}</dd>"
        )
    return f"{traps}<p>{escape(ADVICE)}</p><dl>{items}</dl>"


def _models(results: BenchResults, around: Surroundings) -> str:
    rows = ""
    for one in results.plan.contenders:
        cost = around.costs.get(one.name)
        count = cost.multiplications if cost else None
        digest = one.card.sha256[:16] + "…" if one.card is not None and one.card.learned else "–"
        texts = [one.kind, f"{cost.parameters:,}" if cost else "–", "–" if count is None else f"{count:,.0f}", digest]
        origin = one.card.paper if one.card is not None else "pictures of another program"
        rows += f'<tr><th scope="row">{escape(one.name)}</th>' + "".join(f"<td>{escape(text)}</td>" for text in texts)
        rows += f'<td class="words">{escape(origin)}</td></tr>'
    heads = ("model", "kind", "parameters", "multiplications per pixel", "weights (SHA-256)", "origin")
    head = "".join(f'<th scope="col">{text}</th>' for text in heads)
    table = f'<table class="plain"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
    scroll = f'<div class="scroll" tabindex="0" role="region" aria-label="Models">{table}</div>'
    return f"{scroll}<p>{escape(HOW)}</p><p>{escape(TIMED)}</p>"


def _facts(around: Surroundings) -> str:
    lines = [f"{name}: {words}" for name, words in around.machine.items()]
    lines.append(", ".join(f"{name} {version}" for name, version in around.versions.items()))
    lines.append(f"made {around.date} UTC")
    return "".join(f"<li>{escape(line)}</li>" for line in lines)

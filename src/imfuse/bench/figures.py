"""Box plots of the metrics, and contact sheets of the pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from imfuse.bench.ranking import Standing
from imfuse.bench.remarks import metric_mark
from imfuse.bench.results import BenchResults
from imfuse.bench.views import display, source_names
from imfuse.data.sets import DataSet, Scene
from imfuse.errors import ImfuseError, MissingExtraError
from imfuse.io import save_image
from imfuse.io.atomic import atomic_path
from imfuse.metrics import METRICS
from imfuse.scoring import ARROWS
from imfuse.sheet import Cell, contact_sheet

_SHEET_ROWS, _CELL_WIDTH, _CAPTION = 4, 300, 40
_COLUMNS = 4
_COLOURS = {"learned": "#2b6cb0", "classical": "#b7791f", "pictures": "#6b7280"}


def check_figures() -> None:
    """Refuse early where figures cannot be drawn.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("a benchmark's figures", "bench") from error


def box_plots(results: BenchResults, data_set: DataSet, path: Path) -> None:
    """A panel per metric with a box per contender, best mean rank on top.

    Boxes are quartiles, whiskers reach to the last value within 1.5 times their distance, circles lie beyond; the bar
    is the median, the diamond the mean.
    """
    check_figures()
    from matplotlib.figure import Figure

    keys = results.plan.metrics[data_set.name]
    order = [one for one in results.standings(data_set) if one.pictures]
    if not order:
        return
    columns = min(_COLUMNS, len(keys))
    rows = math.ceil(len(keys) / columns)
    longest = max(len(one.model) for one in order)
    width, height = 2.9 * columns + 0.09 * longest, rows * (0.62 + 0.27 * len(order)) + 0.75
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, sharey=True)
    for axis in axes.flat[len(keys) :]:
        axis.set_axis_off()
    for axis, key in zip(axes.flat, keys, strict=False):
        _panel(axis, results, data_set, order, key)
    axes.flat[0].invert_yaxis()
    figure.suptitle(f"{data_set.name}: {len(data_set.scenes)} scenes, best mean rank on top", fontsize=11)
    legend = "blue: learned, amber: classical, gray: other programs · bar: median, diamond: mean"
    figure.supxlabel(f"{legend} · † won by the pixelwise maximum, ‡ raised by noise", fontsize=8)
    with atomic_path(path, overwrite=True) as part:
        figure.savefig(part, format="png", dpi=120)


def _panel(axis: Any, results: BenchResults, data_set: DataSet, order: Sequence[Standing], key: str) -> None:
    kinds = {contender.name: contender.kind for contender in results.plan.contenders}
    rows = results.rows_of(data_set)
    values = [[row.values[key] for row in rows if row.model == one.model and key in row.values] for one in order]
    finite = [[value for value in mine if math.isfinite(value)] for mine in values]
    drawn = axis.boxplot(
        finite,
        orientation="horizontal",
        widths=0.62,
        patch_artist=True,
        showmeans=True,
        medianprops={"color": "black", "linewidth": 1.1},
        meanprops={"marker": "D", "markersize": 3.2, "markerfacecolor": "white", "markeredgecolor": "black"},
        flierprops={"marker": "o", "markersize": 2.2, "markeredgecolor": "#555555"},
        whiskerprops={"linewidth": 0.8},
        capprops={"linewidth": 0.8},
    )
    for box, one in zip(drawn["boxes"], order, strict=True):
        box.set(facecolor=_COLOURS[kinds[one.model]], alpha=0.75, linewidth=0.8)
    metric = METRICS[key]
    unit = f" ({metric.unit})" if metric.unit else ""
    axis.set_title(f"{key}{unit} {ARROWS[metric.direction]} {metric_mark(key)}", fontsize=9)
    axis.set_yticks(range(1, len(order) + 1), [one.model for one in order], fontsize=8)
    axis.tick_params("x", labelsize=7)
    axis.grid(axis="x", linewidth=0.4, alpha=0.6)
    axis.set_axisbelow(True)


def sheet(results: BenchResults, data_set: DataSet, path: Path) -> None:
    """Some scenes, spread over the data set: a row each, with its sources and every contender's picture."""
    scenes = data_set.scenes
    count = min(_SHEET_ROWS, len(scenes))
    chosen = [scenes[(2 * index + 1) * len(scenes) // (2 * count)] for index in range(count)]
    order = [one.model for one in results.standings(data_set) if one.pictures]
    rows = [_sheet_row(results, data_set, scene, order) for scene in chosen]
    title = f"{data_set.name}: sources, then models by mean rank"
    save_image(path, contact_sheet(rows, _CELL_WIDTH, title), overwrite=True)


def _sheet_row(results: BenchResults, data_set: DataSet, scene: Scene, order: Sequence[str]) -> list[Cell | None]:
    made = {row.model: row.picture for row in results.rows_of(data_set) if row.scene == scene.name and row.picture}
    sources = zip(source_names(data_set), scene.sources, strict=False)
    cells = [_cell(f"{name} · {scene.name}", source) for name, source in sources]
    return cells + [_cell(model, results.plan.folder / made[model]) if model in made else None for model in order]


def _cell(caption: str, path: Path) -> Cell | None:
    try:
        return Cell(caption if len(caption) <= _CAPTION else f"{caption[: _CAPTION - 1]}…", display(path))
    except (ImfuseError, OSError):
        return None

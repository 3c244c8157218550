"""Scores and metrics as tables on a terminal, however narrow."""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from imfuse.io.naming import shown
from imfuse.metrics import METRICS
from imfuse.score_files import LEVELS, Scores, definition, spread_words
from imfuse.scoring import figure, headings

_GAP = 3
"""Columns of a terminal between two columns of a table."""

Cell = str | Text


def show_scores(scores: Scores, console: Console, *, images: bool) -> None:
    """Print the scores of every picture, mean ± deviation of every method, and the definitions."""
    columns = headings(scores.keys)
    several = len(scores.methods) > 1
    for method in scores.methods if images else ():
        rows = [
            [shown(row.fusion.scene.name), *(figure(row.values[key]) for key in scores.keys)]
            for row in scores.of(method)
        ]
        if len(rows) > 1:
            _print(console, ["image", *columns], rows, shown(method) if several else "")
    _print_means(scores, console)
    for key in scores.keys:
        console.print(Text(f"{METRICS[key].name} ({key}){definition(key)}"))
    console.print(Text(LEVELS))


def _print_means(scores: Scores, console: Console) -> None:
    """Metrics as rows and methods as columns, which leaves room for many metrics."""
    spreads = {method: scores.spreads(method) for method in scores.methods}
    counts = [next(iter(spread.values())).count for spread in spreads.values()]
    columns = [f"{shown(method)}\nn = {count}" for method, count in zip(scores.methods, counts, strict=True)]
    rows: list[list[Cell]] = []
    for key, name in zip(scores.keys, headings(scores.keys), strict=True):
        means = [spread[key].mean for spread in spreads.values() if spread[key].count]
        best = (max if METRICS[key].direction == "higher" else min)(means, default=None)
        cells = [
            Text(spread_words(spread[key]), "bold" if len(means) > 1 and spread[key].mean == best else "")
            for spread in spreads.values()
        ]
        rows.append([f"{name} {METRICS[key].unit}".strip(), *cells])
    title = "mean ± deviation (n − 1)" if max(counts) > 1 else ""
    _print(console, ["metric", *columns], rows, title)


def _print(console: Console, columns: Sequence[str], rows: Sequence[Sequence[Cell]], title: str) -> None:
    """Print a table, in several parts that repeat the first column where it is too wide."""
    widths = [
        max(cell_len(line) for cell in column for line in str(cell).split("\n"))
        for column in zip(columns, *rows, strict=True)
    ]
    widths[0] = min(widths[0], max(8, console.width // 3))
    start = 1
    while start < len(columns):
        end, taken = start, widths[0] + _GAP
        while end < len(columns) and (end == start or taken + widths[end] + _GAP <= console.width):
            taken += widths[end] + _GAP
            end += 1
        table = Table(box=SIMPLE_HEAD, title=Text(title) if title else None, title_justify="left", pad_edge=False)
        table.add_column(Text(columns[0]), width=widths[0], overflow="fold")
        for place in range(start, end):
            table.add_column(Text(columns[place]), justify="right", overflow="fold")
        for row in rows:
            cells = (row[0], *row[start:end])
            table.add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in cells))
        console.print(table)
        start = end


def show_metrics(console: Console) -> None:
    """Print all metrics: what they are called, measure and need."""
    for key, metric in METRICS.items():
        low, high = ("…" if limit is None else f"{limit:g}" for limit in metric.range)
        unit = f" {metric.unit}" if metric.unit else ""
        console.print(
            Text.assemble((key, "bold"), f"  {headings([key])[0]}  [{low}, {high}]{unit}, needs {metric.needs}")
        )
        for words in (metric.variant, metric.source):
            console.print(Padding(Text(words), (0, 0, 0, 4)))

"""Scores as files: CSV and JSON with all digits for programs, Markdown for people."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from imfuse import __version__
from imfuse.data.fused import Fusion
from imfuse.io.naming import shown
from imfuse.metrics import METRICS
from imfuse.scoring import Spread, describe_metric, figure, headings, spreads

LEVELS = (
    "Pictures are taken upright, without alpha, at the full range of their type (16 bits: 0…65535, float: 0…1); "
    "metrics of gray levels use the luma of RGB (ITU-R BT.601), unrounded, at 0…255."
)
"""What the metrics are computed on, for everything that shows them."""

_MARKDOWN_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|~])")


@dataclass(frozen=True, slots=True)
class Scored:
    """What became of one fused picture.

    Attributes:
        fusion: the picture.
        values: its metrics by key; empty if it failed.
        failure: why it has none.
    """

    fusion: Fusion
    values: dict[str, float]
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Scores:
    """The scores of a run.

    Attributes:
        keys: of the metrics, in the order of the columns.
        rows: the pictures, method by method.
    """

    keys: tuple[str, ...]
    rows: tuple[Scored, ...]

    @property
    def methods(self) -> list[str]:
        """In the order given."""
        return list(dict.fromkeys(row.fusion.method for row in self.rows))

    @property
    def failed(self) -> list[Scored]:
        """The pictures without scores."""
        return [row for row in self.rows if row.failure]

    def of(self, method: str) -> list[Scored]:
        """The pictures of a method that have scores."""
        return [row for row in self.rows if row.fusion.method == method and not row.failure]

    def spreads(self, method: str) -> dict[str, Spread]:
        """Mean and deviation of every metric over the pictures of a method."""
        return spreads([row.values for row in self.of(method)], self.keys)


def to_csv(scores: Scores) -> str:
    """One line per picture: method, image, and the metrics by key with all digits; failed pictures have none."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["method", "image", *scores.keys])
    for row in scores.rows:
        values = [repr(row.values[key]) if key in row.values else "" for key in scores.keys]
        writer.writerow([row.fusion.method, row.fusion.scene.name, *values])
    return text.getvalue()


def to_json(scores: Scores) -> str:
    """Everything: definitions, every picture's values with all digits, mean and deviation, failures."""
    document = {
        "imfuse": __version__,
        "levels": LEVELS,
        "docs": {key: describe_metric(key) for key in scores.keys},
        "images": [
            {
                "method": row.fusion.method,
                "image": row.fusion.scene.name,
                "fused": str(row.fusion.path),
                "sources": [str(path) for path in row.fusion.scene.sources],
                "truth": str(row.fusion.scene.truth) if row.fusion.scene.truth else None,
                **({"failure": row.failure} if row.failure else {"values": _plain(row.values)}),
            }
            for row in scores.rows
        ],
        "methods": {method: _plain_spreads(scores.spreads(method)) for method in scores.methods},
    }
    return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _plain_spreads(spread: dict[str, Spread]) -> dict[str, Any]:
    return {
        "count": next(iter(spread.values())).count,
        "mean": _plain({key: value.mean for key, value in spread.items()}),
        "deviation": _plain({key: value.deviation for key, value in spread.items()}),
    }


def _plain(values: dict[str, float]) -> dict[str, float | str]:
    """Values as JSON holds them: numbers, but "inf", "-inf" and "nan" as words, for which it has no numbers."""
    return {key: value if math.isfinite(value) else repr(value) for key, value in values.items()}


def to_markdown(scores: Scores, *, images: bool = True) -> str:
    """Mean ± deviation of every method, then every picture, then the definitions."""
    columns = headings(scores.keys)
    lines = _table(["method", "n", *columns], [_means_row(scores, method) for method in scores.methods])
    if images and any(len(scores.of(method)) > 1 for method in scores.methods):
        rows = [
            [row.fusion.method, row.fusion.scene.name, *(figure(row.values[key]) for key in scores.keys)]
            for method in scores.methods
            for row in scores.of(method)
        ]
        lines += ["", *_table(["method", "image", *columns], rows)]
    lines += ["", f"Mean ± sample deviation (n − 1). ↑ higher, ↓ lower is better. {LEVELS}", ""]
    lines += [f"- **{METRICS[key].name}** (`{key}`){_escaped(definition(key))}" for key in scores.keys]
    return "\n".join(lines) + "\n"


def _means_row(scores: Scores, method: str) -> list[str]:
    spread = scores.spreads(method)
    cells = [spread_words(spread[key]) for key in scores.keys]
    return [method, str(next(iter(spread.values())).count), *cells]


def spread_words(spread: Spread) -> str:
    """Mean ± deviation; the mean alone where there is no deviation."""
    if spread.count == 0:
        return "–"
    mean = figure(spread.mean)
    if spread.count == 1:
        return mean
    # Where the mean has three decimals, so has the deviation.
    deviation = f"{spread.deviation:.3f}" if mean == f"{spread.mean:.3f}" else figure(spread.deviation)
    return f"{mean} ± {deviation}"


def definition(key: str) -> str:
    """Unit, variant and source of a metric, to stand after its name."""
    metric = METRICS[key]
    unit = f" in {metric.unit}" if metric.unit else ""
    return f"{unit}: {metric.variant}; {metric.source}"


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    words = sum(column in ("method", "image") for column in columns)
    rule = ["---"] * words + ["---:"] * (len(columns) - words)
    return [_line(columns), "| " + " | ".join(rule) + " |", *map(_line, rows)]


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(_escaped(cell) for cell in cells) + " |"


def _escaped(text: str) -> str:
    """Text that Markdown shows as it is, on one line."""
    return _MARKDOWN_SPECIAL.sub(r"\\\1", shown(text))

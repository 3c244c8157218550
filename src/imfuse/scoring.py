"""Scores of fused pictures in files: what ``imfuse evaluate`` and the benchmark share."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from imfuse.data.whole import read_whole
from imfuse.errors import DataError, SizeMismatchError, SourceError, UsageError
from imfuse.io.naming import shown
from imfuse.metrics import METRICS, evaluate

ARROWS = {"higher": "↑", "lower": "↓"}


def read_picture(path: Path) -> Tensor:
    """A picture as metrics take it: upright, without alpha.

    8 bits stay uint8, so that levels are exact; 16 bits (and 12 in TIFF) are scaled from their full range, not from the
    part that is in use.

    Returns:
        (1, C, H, W): uint8 0…255, or float64 in [0, 1].

    Raises:
        SourceError: it cannot be read, or holds float values outside [0, 1].
    """
    picture = torch.from_numpy(read_whole(path)).permute(2, 0, 1).unsqueeze(0)
    if picture.is_floating_point():
        low, high = (limit.item() for limit in picture.aminmax())
        if not (low >= 0 and high <= 1):  # NaN neither
            raise SourceError(
                f"{shown(path)}: values from {low:g} to {high:g}, where 0 is black and 1 is white; scale it to [0, 1]"
            )
    return picture


def score(
    fused: Path | Tensor,
    sources: Sequence[Path | Tensor],
    metrics: Iterable[str],
    truth: Path | Tensor | None = None,
) -> dict[str, float]:
    """The metrics of one fused picture.

    Args:
        fused: a file, or a tensor (1, C, H, W), floating point in [0, 1] or uint8.
        sources: likewise, of the same size.
        metrics: keys of :data:`imfuse.metrics.METRICS`.
        truth: likewise.

    Returns:
        One value per key, in the order of ``metrics``.

    Raises:
        SourceError: a file cannot be read as a picture.
        SizeMismatchError: the pictures differ in size; the message names two of them and their sizes.
        DataError: a picture has bands that a metric cannot take.
        UsageError: a metric is unknown or needs other pictures, or these do not serve it.
    """
    keys = list(metrics)
    check_metrics(keys, len(sources), truth is not None)
    gray = any(METRICS[key].pictures == "gray" for key in keys)
    every = [fused, *sources, *([] if truth is None else [truth])]
    names = ["the fused picture", *(f"source {number}" for number in range(1, len(sources) + 1)), "the truth"]
    pictures: list[Tensor] = []
    for given, called in zip(every, names, strict=False):
        name = called if isinstance(given, Tensor) else shown(given)
        picture = given if isinstance(given, Tensor) else read_picture(given)
        if pictures and picture.shape[-2:] != pictures[0].shape[-2:]:
            first = names[0] if isinstance(fused, Tensor) else shown(fused)
            raise SizeMismatchError(
                f"{first} has {_size(pictures[0])} pixels, but {name} has {_size(picture)}; "
                "only pictures of one size can be compared"
            )
        if gray and picture.size(1) not in (1, 3):
            raise DataError(f"{name}: has {picture.size(1)} bands; these metrics are for gray and RGB pictures")
        pictures.append(picture)
    count = 1 + len(sources)
    values = evaluate(pictures[0], pictures[1:count], keys, truth=None if truth is None else pictures[-1])
    return {key: float(value) for key, value in values.items()}


def _size(picture: Tensor) -> str:
    return f"{picture.size(-1)}×{picture.size(-2)}"


_NEEDED = {"sources": "the sources", "two sources": "exactly two sources", "truth": "the true picture (--truth)"}


def check_metrics(keys: Sequence[str], sources: int, truth: bool) -> None:
    """Refuse metrics that are unknown, named twice, or need other pictures than there are.

    Args:
        keys: of the metrics.
        sources: how many there are.
        truth: whether there is one.

    Raises:
        UsageError: it is so; the message lists the known ones, or says what is needed.
    """
    unknown = [key for key in keys if key not in METRICS]
    if unknown:
        raise UsageError(f"unknown metric {', '.join(map(shown, unknown))}; known are {', '.join(METRICS)}")
    if len(set(keys)) < len(keys):
        twice = next(key for key in keys if list(keys).count(key) > 1)
        raise UsageError(f"metric {twice} is named twice")
    for key in keys:
        if not METRICS[key].is_served(sources, truth):
            need = METRICS[key].needs
            given = f", but {sources} {'is' if sources == 1 else 'are'} given" if need == "two sources" else ""
            raise UsageError(f"metric {key} needs {_NEEDED[need]}{given}")


@dataclass(frozen=True, slots=True)
class Spread:
    """Mean and deviation of a metric over pictures.

    Attributes:
        mean: arithmetic mean; NaN of no picture.
        deviation: sample standard deviation (divided by n − 1); NaN of fewer than two.
        count: n.
    """

    mean: float
    deviation: float
    count: int


def spread(values: Sequence[float]) -> Spread:
    """Mean ± deviation of values; infinite ones and NaN make both what they must."""
    count = len(values)
    if not all(map(math.isfinite, values)):
        return Spread(sum(values) / count, math.nan, count)
    mean = math.fsum(values) / count if count else math.nan
    squares = math.fsum((value - mean) ** 2 for value in values)
    return Spread(mean, math.sqrt(squares / (count - 1)) if count > 1 else math.nan, count)


def headings(keys: Sequence[str]) -> list[str]:
    """The metrics' names with the arrows of their directions; with the key too where several have one name."""
    names = [METRICS[key].name for key in keys]
    told = [f"{name} ({key})" if names.count(name) > 1 else name for key, name in zip(keys, names, strict=True)]
    return [f"{name} {ARROWS[METRICS[key].direction]}" for key, name in zip(keys, told, strict=True)]


def figure(value: float) -> str:
    """A value for people: three decimals, more where it is small."""
    return f"{value:.3f}" if value == 0 or abs(value) >= 0.01 else f"{value:.3g}"


def describe_metric(key: str) -> dict[str, Any]:
    """The definition of a metric as plain values: what a figure needs beside it to mean something."""
    metric = METRICS[key]
    return {
        "name": metric.name,
        "direction": metric.direction,
        "unit": metric.unit,
        "range": list(metric.range),
        "needs": metric.needs,
        "pictures": metric.pictures,
        "variant": metric.variant,
        "definition": metric.definition,
        "source": metric.source,
    }


def spreads(rows: Sequence[Mapping[str, float]], keys: Sequence[str]) -> dict[str, Spread]:
    """Mean and deviation of every metric over pictures."""
    return {key: spread([row[key] for row in rows]) for key in keys}

"""Who is ahead: means, deviations and ranks of the contenders on one data set."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Literal

from imfuse.bench.rows import Row
from imfuse.scoring import Spread, spread

Direction = Literal["higher", "lower"]


@dataclass(frozen=True)
class Standing:
    """How one contender stands on one data set.

    Attributes:
        model: its name.
        means: of the metrics over its pictures, by key.
        deviations: standard deviations over its pictures (n − 1), by key; NaN for one picture.
        ranks: of the means among the ranked contenders, by key; ties share the better rank.
        mean_rank: mean of the ranks; None if it is not ranked.
        firsts: number of metrics on which no contender has a better mean.
        seconds: number of metrics with rank 2.
        pictures: how many of its pictures have all metrics.
        complete: whether these are all scenes that count. If not, its means are over other pictures than those of the
            others, and it is not ranked.
        time: median of the seconds per picture; None where there are none.
        memory: median of the peak memory per picture in MiB; None where there is none.
    """

    model: str
    means: Mapping[str, float]
    deviations: Mapping[str, float]
    ranks: Mapping[str, int]
    mean_rank: float | None
    firsts: int
    seconds: int
    pictures: int
    complete: bool
    time: float | None
    memory: float | None


def ranks(values: Mapping[str, float], direction: Direction) -> dict[str, int]:
    """Rank 1 for the best; equal values share the better rank, and the ranks after them are left out.

    Values that are not numbers share the rank after all others, infinite ones included.

    >>> ranks({"a": 3.0, "b": 5.0, "c": 5.0, "d": 1.0}, "higher")
    {'a': 3, 'b': 1, 'c': 1, 'd': 4}
    """
    sign = -1.0 if direction == "higher" else 1.0
    costs = {name: sign * value for name, value in values.items() if not math.isnan(value)}
    placed = {name: 1 + sum(other < cost for other in costs.values()) for name, cost in costs.items()}
    return {name: placed.get(name, len(costs) + 1) for name in values}


def counted(rows: Sequence[Row], metrics: Mapping[str, Direction]) -> set[str]:
    """The scenes of one data set that count: those for which any contender has all metrics.

    A scene for which nobody has them, as one with a broken source, tells nothing of the contenders.
    """
    return {row.scene for row in rows if all(key in row.values for key in metrics)}


def standings(rows: Sequence[Row], models: Sequence[str], metrics: Mapping[str, Direction]) -> list[Standing]:
    """The contenders of one data set, best mean rank first, those that are not ranked last.

    Args:
        rows: of one data set.
        models: names of the contenders.
        metrics: direction of the metrics that count, by key.
    """
    scored = {
        model: [row for row in rows if row.model == model and all(key in row.values for key in metrics)]
        for model in models
    }
    scenes = len(counted(rows, metrics))
    spreads = {
        model: {key: spread([row.values[key] for row in mine]) for key in metrics}
        for model, mine in scored.items()
        if mine
    }
    complete = [model for model in spreads if len(scored[model]) == scenes]
    placed = {key: ranks({model: spreads[model][key].mean for model in complete}, way) for key, way in metrics.items()}
    found = [
        _standing(
            model,
            scored[model],
            spreads.get(model, {}),
            {key: placed[key][model] for key in metrics} if model in complete else {},
        )
        for model in models
    ]
    return sorted(found, key=lambda one: (one.mean_rank is None, one.mean_rank or 0.0, -one.firsts))


def _standing(model: str, rows: Sequence[Row], spreads: Mapping[str, Spread], placed: Mapping[str, int]) -> Standing:
    times = [row.seconds for row in rows if row.seconds is not None]
    peaks = [row.peak_memory_mib for row in rows if row.peak_memory_mib is not None]
    won = [place for key, place in placed.items() if not math.isnan(spreads[key].mean)]
    return Standing(
        model=model,
        means={key: one.mean for key, one in spreads.items()},
        deviations={key: one.deviation for key, one in spreads.items()},
        ranks=placed,
        mean_rank=fmean(placed.values()) if placed else None,
        firsts=won.count(1),
        seconds=won.count(2),
        pictures=len(rows),
        complete=bool(placed),
        time=median(times) if times else None,
        memory=median(peaks) if peaks else None,
    )

"""What a first pass over a cube tells, and which of its values the networks get as 0 and 1."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from imfuse.cubes import Cube
from imfuse.errors import SourceError, UsageError
from imfuse.io.window import Window
from imfuse.levels import Levels
from imfuse.spectral.missing import can_miss, missing_of
from imfuse.tasks import Task

CubeRange = Literal["full", "minmax"]
AskedRange = CubeRange | Mapping[str, CubeRange] | None


@dataclass(frozen=True, slots=True)
class Statistics:
    """What the values of a cube are that it has; mergeable.

    Attributes:
        low: the smallest; infinite where there is none.
        high: the largest; likewise.
        sums: of each band, float64.
        counts: of each band.
        missing: how many pixels lack a band.
    """

    low: float
    high: float
    sums: NDArray[np.float64]
    counts: NDArray[np.int64]
    missing: int

    @classmethod
    def of(cls, values: NDArray[Any], nodata: float | None) -> Statistics:
        """Of a window's values (bands, h, w)."""
        there = ~missing_of(values, nodata)
        counts = there.sum((1, 2))
        known = np.where(there, values, 0)
        sums = known.sum((1, 2), dtype=np.float64)
        if not counts.any():
            return cls(math.inf, -math.inf, sums, counts, there[0].size)
        low, high = values[there].min(), values[there].max()
        return cls(float(low), float(high), sums, counts, int((~there.all(0)).sum()))

    def merged(self, other: Statistics) -> Statistics:
        """Of both windows together."""
        return Statistics(
            min(self.low, other.low),
            max(self.high, other.high),
            self.sums + other.sums,
            self.counts + other.counts,
            self.missing + other.missing,
        )

    @property
    def means(self) -> NDArray[np.float64]:
        """Of each band, 0 of an empty one."""
        return self.sums / np.maximum(self.counts, 1)


def ranges_of(asked: AskedRange, task: Task) -> list[CubeRange | None]:
    """What was asked for the bands and for the guide.

    Raises:
        UsageError: there is no range or role of a name.
    """
    names = [role.name for role in task.roles]
    given = dict(asked) if isinstance(asked, Mapping) else dict.fromkeys(names, asked) if asked else {}
    for role, name in given.items():
        if role not in names:
            raise UsageError(f"range for the role {role!r}, which is none of {', '.join(names)}")
        if name not in get_args(CubeRange):
            raise UsageError(f"unknown range {name!r} for bands: choose full or minmax, or leave it out")
    return [given.get(name) for name in names]


def needs_pass(cube: Cube, asked: CubeRange | None) -> bool:
    """Whether the levels of a cube, or whether it lacks values, cannot be told without looking at all of them."""
    return can_miss(cube) or asked == "minmax" or (asked is None and cube.dtype != np.uint8)


def gather(cube: Cube, windows: Iterable[Window], told: Callable[[int], None]) -> Statistics:
    """The statistics of a cube.

    Args:
        cube: the cube.
        windows: that cover it.
        told: called with the pixels of every finished window.

    Raises:
        SourceError: the cube has no value at all.
    """
    total: Statistics | None = None
    for window in windows:
        part = Statistics.of(cube.read(window), cube.description.nodata)
        total = part if total is None else total.merged(part)
        told(window.height * window.width)
    if total is None or not total.counts.any():
        raise SourceError(f"{cube.name}: holds no values; all of it is nodata")
    return total


def find_levels(cube: Cube, found: Statistics | None, asked: CubeRange | None, unit: bool) -> tuple[Levels, str | None]:
    """The values that become 0 and 1, and what the report says of them.

    Values beyond are not clipped. By default those of 8 bits are taken at full range, and others as parts of the
    cube's largest value, so that 0 stays 0: light is proportional to it.

    Args:
        cube: the cube.
        found: its statistics, where :func:`needs_pass`.
        asked: ``full`` range of the type (0…1 of floats), or ``minmax``: from smallest to largest.
        unit: whether it is a tensor of floats, whose values are in [0, 1] by contract.
    """
    full = Levels(0.0, 1.0 if cube.dtype.kind == "f" else float(np.iinfo(cube.dtype).max), "full range")
    if asked == "full" or (asked is None and (cube.dtype == np.uint8 or unit)) or found is None:
        return full, None
    if asked == "minmax":
        if found.low == found.high:
            return full, f"{cube.name}: all values are {found.low:g}, so the range stays {full.low:g}…{full.high:g}"
        levels = Levels(found.low, found.high, "smallest and largest value")
    elif found.high <= 0:
        return full, f"{cube.name}: no value is above 0, so the range stays {full.low:g}…{full.high:g}"
    else:
        levels = Levels(0.0, found.high, "0 and the largest value")
    words = f"{cube.name}: {levels.low:g}…{levels.high:g} are taken as 0…1 ({levels.origin}; --range full takes "
    return levels, f"{words}{full.low:g}…{full.high:g})"

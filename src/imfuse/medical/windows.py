"""Which values of a volume become black and white: the window that was asked for, the file's own, or percentiles.

They are found over the whole volume and are the same for all of its slices, so that a tissue has one brightness from
foot to head.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imfuse.errors import UsageError
from imfuse.io.window import Window
from imfuse.levels import Levels, RangeName, extremes, percentiles
from imfuse.medical.volume import Volume
from imfuse.tasks import Role, Task, by_role

NAMED: dict[str, tuple[float, float]] = {
    "brain": (40, 80),
    "subdural": (75, 215),
    "stroke": (40, 40),
    "soft": (50, 400),
    "mediastinum": (50, 350),
    "liver": (60, 160),
    "lung": (-600, 1500),
    "bone": (400, 1800),
    "temporal-bone": (600, 2800),
}
"""Centre and width of the usual windows of CT, in Hounsfield units."""

_NARROWEST = 1e-6

AskedWindow = str | tuple[float, float] | Mapping[str, str | tuple[float, float]]
"""A name of :data:`NAMED` or centre and width, of the first source; or one of these for each of some roles."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A window that the user wants: centre, width, and its name or None."""

    centre: float
    width: float
    name: str | None


def parse_windows(texts: Sequence[str] | None) -> str | dict[str, str] | None:
    """``["brain"]`` as ``"brain"``, and ``["brain", "mri=300,600"]`` as a mapping; nothing as None.

    Raises:
        UsageError: two windows are for one source.
    """
    found: dict[str, str] = {}
    for text in texts or ():
        role, sign, window = text.rpartition("=")
        if role.strip() in found:
            raise UsageError(f"--window {text}: a second window for one source; give one for each role")
        found[role.strip() if sign else ""] = window.strip()
    if list(found) == [""]:
        return found[""]
    return found or None


def windows_of(asked: AskedWindow | None, task: Task) -> list[Asked | None]:
    """The window of every role of a task.

    Raises:
        UsageError: the task has none, or a name, a role or a value that there is not.
    """
    if asked is None:
        return [None] * len(task.roles)
    if task.name != "medical":
        raise UsageError("window: is for DICOM and NIfTI, with task 'medical'; other sources take a range")
    given = asked if isinstance(asked, Mapping) else {task.roles[0].name: asked}
    named = by_role({role or task.roles[0].name: window for role, window in given.items()}, task.roles)
    if len(named) < len(given):
        raise UsageError("window: two are given for one source; give one for each role")
    names = [role.name for role in task.roles]
    unknown = [role for role in named if role not in names]
    if unknown:
        raise UsageError(f"window for the role {unknown[0]!r}, which is none of {', '.join(names)}")
    return [_asked(named[name]) if name in named else None for name in names]


def _asked(window: str | tuple[float, float]) -> Asked:
    if isinstance(window, str) and window.lower() in NAMED:
        return Asked(*NAMED[window.lower()], window.lower())
    parts: Sequence[Any] = window.split(",") if isinstance(window, str) else window
    try:
        centre, width = (float(part) for part in parts)
    except (TypeError, ValueError):
        raise UsageError(f"unknown window {window!r}: give centre,width or one of {', '.join(NAMED)}") from None
    if not (math.isfinite(centre) and math.isfinite(width) and width > 0):
        raise UsageError(f"window {window!r}: the centre must be a number and the width larger than 0")
    return Asked(centre, width, None)


def linear_levels(centre: float, width: float, origin: str, *, exact: bool = True, inverted: bool = False) -> Levels:
    """The values that a window makes black and white.

    ``exact`` is centre ± width / 2; else DICOM's LINEAR, half a value less on either side (PS3.3, C.11.2.1.2.1).
    ``inverted`` values have the opposite sign.
    """
    middle, half = (centre, width / 2) if exact else (centre - 0.5, (width - 1) / 2)
    low = middle - half
    high = max(middle + half, low + _NARROWEST)  # a width of 1 is a threshold
    return Levels(-high, -low, origin) if inverted else Levels(low, high, origin)


def volume_levels(
    volume: Volume, asked: Asked | None, policy: RangeName | None, role: Role
) -> tuple[Levels, tuple[str, ...]]:
    """What is black and white in all slices of a volume, and what the report has to say of it.

    In this order: the window asked for; the range asked for; the file's own window; full range for 8 bits and for
    colour; the percentiles 0.1 and 99.9 of all voxels.

    Raises:
        UsageError: a window and a range are asked for the same source, or a window of CT for something else.
        SourceError: the pixels cannot be read.
    """
    if asked is not None:
        if policy is not None:
            raise UsageError(f"{role.name}: a window and a range are asked for at once; give one of them")
        return _window(volume, asked)
    if policy is None and volume.window is not None:
        return volume.window, (f"{volume.name}: {_words(volume, volume.window)}",)
    full = Levels(*volume.full_range, "full range")
    if policy == "full" or (policy is None and (volume.dtype != np.float32 or volume.channels == 3)):
        return full, ()
    slices = _Slices(volume)
    span = extremes(slices, slices.windows)
    if span.low == span.high:
        words = f"{volume.name}: all voxels are {span.low:g}; they are black"
        return Levels(span.low, span.low + 1, "one value"), (words,)
    low, high, origin = span.low, span.high, "smallest and largest value of all slices"
    if policy != "minmax":
        first, last = percentiles(slices, slices.windows, span)
        if first < last:
            low, high, origin = first, last, "percentiles 0.1 and 99.9 of all slices; values beyond are clipped"
    found = Levels(low, high, origin)
    return found, (f"{volume.name}: {_words(volume, found)}",)


def _window(volume: Volume, asked: Asked) -> tuple[Levels, tuple[str, ...]]:
    if asked.name is not None and (volume.hounsfield is False or volume.channels == 3):
        raise UsageError(
            f"{volume.name}: the window {asked.name!r} is for CT numbers, which this file does not hold; give its "
            "centre and width"
        )
    origin = f"window {asked.name}, asked for" if asked.name else "window asked for"
    levels = linear_levels(asked.centre, asked.width, origin, inverted=volume.inverted)
    return levels, (f"{volume.name}: {_words(volume, levels)}",)


def _words(volume: Volume, levels: Levels) -> str:
    """The levels in the file's own values."""
    low, high = (-levels.low, -levels.high) if volume.inverted else (levels.low, levels.high)
    return f"{low + 0.0:g}…{high + 0.0:g} become black…white ({levels.origin})"


class _Slices:
    """The slices of a volume, one below the other, as one source."""

    def __init__(self, volume: Volume) -> None:
        self.name, self.dtype, self.full_range = volume.name, volume.dtype, volume.full_range
        self._volume = volume
        _, self._rows, columns = volume.grid.shape
        self.windows = [Window(k * self._rows, 0, self._rows, columns) for k in range(volume.grid.slices)]

    def read(self, window: Window) -> NDArray[Any]:
        """The slice at which the window begins."""
        return self._volume.values(window.top // self._rows)

"""Which pixel values stand for black and white, gathered over a whole source, window by window."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from imfuse.errors import SourceError, UsageError
from imfuse.io.source import PixelSource
from imfuse.io.window import Window

RangeName = Literal["full", "minmax", "percentile"]
PERCENTILES = (0.1, 99.9)
"""Percentiles that become black and white: one pixel in a thousand, dead or glowing, may lie beyond on either side."""
_BINS = 65536


@dataclass(frozen=True, slots=True)
class Levels:
    """The values of a source that become 0 and 1, and in words where they come from."""

    low: float
    high: float
    origin: str


@dataclass(frozen=True, slots=True)
class Extremes:
    """Smallest and largest value of a set of pixels; mergeable."""

    low: float
    high: float

    def merged(self, other: Extremes) -> Extremes:
        """The extremes of both sets together."""
        return Extremes(min(self.low, other.low), max(self.high, other.high))


def check_range(name: str | None) -> RangeName | None:
    """The range policy of this name, or None.

    Raises:
        UsageError: there is none of this name.
    """
    if name is not None and name not in get_args(RangeName):
        raise UsageError(f"unknown range {name!r}: choose one of {', '.join(get_args(RangeName))}")
    return name  # type: ignore[return-value]


def extremes(source: PixelSource, windows: Iterable[Window]) -> Extremes:
    """Smallest and largest value of a source.

    Raises:
        SourceError: a value is not finite.
    """
    total: Extremes | None = None
    for window in windows:
        pixels = source.read(window)
        part = Extremes(float(pixels.min()), float(pixels.max()))
        if not np.isfinite([part.low, part.high]).all():
            raise SourceError(
                f"{source.name}: holds values that are not numbers (NaN or infinity); replace them before fusing"
            )
        total = part if total is None else total.merged(part)
    if total is None:
        raise SourceError(f"{source.name}: has no pixels")
    return total


def percentiles(source: PixelSource, windows: Iterable[Window], span: Extremes) -> tuple[float, float]:
    """The values below which 0.1 % and 99.9 % of a source's pixels lie.

    Exact for 8 and 16 bits; for float sources to 1/65536 of their span.
    """
    width = (span.high - span.low) or 1.0
    exact = np.issubdtype(source.dtype, np.integer)
    histogram = np.zeros(_BINS, dtype=np.int64)
    for window in windows:
        histogram += np.bincount(_bins(source.read(window), span, width, exact), minlength=_BINS)
    cumulative = np.cumsum(histogram)
    bins = [int(np.searchsorted(cumulative, cumulative[-1] * p / 100, side="left")) for p in PERCENTILES]
    if exact:
        return float(bins[0]), float(bins[1])
    return span.low + width * bins[0] / (_BINS - 1), span.low + width * bins[1] / (_BINS - 1)


def _bins(pixels: NDArray[Any], span: Extremes, width: float, exact: bool) -> NDArray[np.int64]:
    if exact:
        return pixels.ravel().astype(np.int64)
    return np.rint((pixels.ravel().astype(np.float64) - span.low) * ((_BINS - 1) / width)).astype(np.int64)


def find_levels(
    source: PixelSource, windows: list[Window], policy: RangeName | None, stretch: bool
) -> tuple[Levels, tuple[str, ...]]:
    """The levels of a source and what the report has to say of them.

    Without a policy: 8-bit sources at full range; float sources at 0…1, by their extremes where they leave it; deeper
    integer sources at full range, unless ``stretch`` is set and they use less than half of it: then by percentiles.

    Args:
        source: what is read.
        windows: windows that cover it.
        policy: what the user asked for.
        stretch: whether the source's role is one that is stretched by default.
    """
    low, high = source.full_range
    full = Levels(low, high, "full range")
    if source.dtype == np.uint8 and policy in (None, "full"):
        return full, ()
    span = extremes(source, windows)
    used = (span.high - span.low) / (high - low)
    if policy is None:
        policy = _default_policy(source, span, used, stretch)
    if policy == "full":
        return full, _full_range_notes(source, span, used)
    if span.low == span.high:
        return full, (f"{source.name}: all pixels are {span.low:g}, so it is not stretched",)
    found = _stretched(source, windows, policy, span)
    note = f"{source.name}: {found.low:g}…{found.high:g} stretched to black…white ({found.origin})"
    return found, (note,)


def _default_policy(source: PixelSource, span: Extremes, used: float, stretch: bool) -> RangeName:
    low, high = source.full_range
    if np.issubdtype(source.dtype, np.floating):
        inside = low <= span.low and span.high <= high
        return "full" if inside else "minmax"
    return "percentile" if stretch and used < 0.5 else "full"


def _full_range_notes(source: PixelSource, span: Extremes, used: float) -> tuple[str, ...]:
    low, high = source.full_range
    if span.low < low or span.high > high:
        return (f"{source.name}: values {span.low:g}…{span.high:g} leave {low:g}…{high:g} and are clipped to it",)
    if source.dtype != np.uint8 and used < 0.125 and span.high > span.low:
        return (
            f"{source.name}: uses {span.low:g}…{span.high:g} of {low:g}…{high:g} and is taken as it is; "
            "--range minmax or percentile stretches it",
        )
    return ()


def _stretched(source: PixelSource, windows: list[Window], policy: RangeName, span: Extremes) -> Levels:
    if policy == "percentile":
        low, high = percentiles(source, windows, span)
        if low < high:
            return Levels(low, high, f"percentiles {PERCENTILES[0]} and {PERCENTILES[1]}; values beyond are clipped")
    return Levels(span.low, span.high, "smallest and largest value")

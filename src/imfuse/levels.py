"""Which pixel values stand for black and white, gathered over a whole source, window by window."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, Protocol, get_args, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from imfuse.errors import SourceError, UsageError
from imfuse.io.window import Window
from imfuse.tasks import Role, by_role

RangeName = Literal["full", "minmax", "percentile"]
PER_MILLE = 1
"""This many pixels in a thousand, dead or glowing, may lie beyond black and beyond white: percentiles 0.1 and 99.9."""
_BINS = 65536
_FINE = 1024
_REFINEMENTS = 8


class Pixels(Protocol):
    """What levels are found of: a ``PixelSource``, or several that share one scale."""

    name: str
    dtype: np.dtype[Any]
    full_range: tuple[float, float]

    def read(self, window: Window) -> NDArray[Any]:
        """The window's pixels."""


@dataclass(frozen=True, slots=True)
class Levels:
    """The values of a source that become 0 and 1, and in words where they come from."""

    low: float
    high: float
    origin: str


@runtime_checkable
class Windowed(Protocol):
    """A source that tells itself what is black and white in it, as slices of a volume do, which share their window."""

    own_levels: Levels


@dataclass(frozen=True, slots=True)
class Extremes:
    """Smallest and largest value of a set of pixels; mergeable."""

    low: float
    high: float

    def merged(self, other: Extremes) -> Extremes:
        """The extremes of both sets together."""
        return Extremes(min(self.low, other.low), max(self.high, other.high))


def ranges_of(asked: str | Mapping[str, str] | None, roles: Sequence[Role]) -> list[RangeName | None]:
    """The range policy of every role.

    Args:
        asked: one name for the roles that are stretched by default (infrared); or names by role; or None.
        roles: the task's.

    Raises:
        UsageError: there is no policy or role of a name.
    """
    if asked is None:
        return [None] * len(roles)
    names = [role.name for role in roles]
    if isinstance(asked, str):
        return [_range(asked) if role.stretch else None for role in roles]
    given = by_role(asked, roles)
    unknown = [name for name in given if name not in names]
    if unknown:
        raise UsageError(f"range for the role {unknown[0]!r}, which is none of {', '.join(names)}")
    return [_range(given[name]) if name in given else None for name in names]


def range_of_stack(asked: str | Mapping[str, str] | None) -> RangeName | None:
    """The range policy of all pictures of a stack.

    Raises:
        UsageError: there is no policy of this name, or it is asked by role.
    """
    if asked is None or isinstance(asked, str):
        return None if asked is None else _range(asked)
    raise UsageError(f"range {dict(asked)}: the pictures of a stack share one scale; give one name for all")


def parse_range(text: str | None) -> str | dict[str, str] | None:
    """``minmax`` as it is, or ``infrared=minmax,visible=full`` as a mapping; :func:`ranges_of` checks the names."""
    if text is None or "=" not in text:
        return text
    parts = [part.partition("=") for part in text.split(",")]
    return {role.strip(): policy.strip() for role, _, policy in parts}


def _range(name: str) -> RangeName:
    if name not in get_args(RangeName):
        raise UsageError(f"unknown range {name!r}: choose one of {', '.join(get_args(RangeName))}")
    return name  # type: ignore[return-value]


def extremes(source: Pixels, windows: Iterable[Window]) -> Extremes:
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


def percentiles(source: Pixels, windows: Iterable[Window], span: Extremes) -> tuple[float, float]:
    """The values below which 0.1 % and 99.9 % of a source's pixels lie.

    Exact for 8 and 16 bits. For float to a thousandth of what lies between the two: where outliers spread the
    histogram so far that both fall into few of its bins, it is taken again inside those.
    """
    covering = list(windows)
    if np.issubdtype(source.dtype, np.integer):
        low, high, _ = _ranked(source, covering, Extremes(0, _BINS - 1))
        return low, high
    found = span
    for _ in range(_REFINEMENTS):
        low, high, bins = _ranked(source, covering, found)
        width = (found.high - found.low) / (_BINS - 1)
        if bins >= _FINE or width <= np.spacing(max(abs(low), abs(high))):
            break
        found = Extremes(low - width, high + width)
    return max(low, span.low), min(high, span.high)


def _ranked(source: Pixels, windows: list[Window], span: Extremes) -> tuple[float, float, int]:
    """The two percentiles to a bin of ``span``, and how many bins lie between them."""
    width = ((span.high - span.low) / (_BINS - 1)) or 1.0
    histogram = np.zeros(_BINS, dtype=np.int64)
    for window in windows:
        values = source.read(window).ravel().astype(np.float64)
        # What lies beyond the span is counted at its ends, so that the ranks stay those of all pixels.
        bins = np.clip(np.rint((values - span.low) / width), 0, _BINS - 1).astype(np.int64)
        histogram += np.bincount(bins, minlength=_BINS)
    cumulative = np.cumsum(histogram)
    count = int(cumulative[-1])
    # Ranks in whole numbers: a product of floats would be off by one here and there.
    ranks = -(-count * PER_MILLE // 1000), -(-count * (1000 - PER_MILLE) // 1000)
    first, last = (int(np.searchsorted(cumulative, rank)) for rank in ranks)
    return span.low + width * first, span.low + width * last, last - first


def find_levels(
    source: Pixels, windows: list[Window], policy: RangeName | None, stretch: bool
) -> tuple[Levels, tuple[str, ...]]:
    """The levels of a source and what the report has to say of them.

    Without a policy: sources that tell it themselves as they do, 8-bit sources at full range. Where ``stretch`` is set,
    deeper sources by percentiles if these use less than half of the range, or leave it. Other float sources at 0…1:
    overshoot of up to a quarter is clipped, and what goes further is stretched from its smallest to its largest value.
    Other integers at full range.

    Args:
        source: what is read.
        windows: windows that cover it.
        policy: what the user asked for.
        stretch: whether the source's role is one that is stretched by default.
    """
    if policy is None and isinstance(source, Windowed):
        return source.own_levels, ()
    if needs_no_look(source, policy):
        return Levels(*source.full_range, "full range"), ()
    return levels_within(extremes(source, windows), source, windows, policy, stretch)


def needs_no_look(source: Pixels, policy: RangeName | None) -> bool:
    """Whether the levels are clear without the pixels."""
    return source.dtype == np.uint8 and policy in (None, "full")


def levels_within(
    span: Extremes, source: Pixels, windows: list[Window], policy: RangeName | None, stretch: bool
) -> tuple[Levels, tuple[str, ...]]:
    """:func:`find_levels` of a source whose extremes are known."""
    full = Levels(*source.full_range, "full range")

    @cache
    def bounds() -> tuple[float, float]:
        """The percentiles, taken over the source once at most."""
        return percentiles(source, windows, span)

    if policy is None:
        policy = _default_policy(source, span, bounds if stretch else None)
    if policy == "full":
        return full, _full_range_notes(source, span)
    if span.low == span.high:
        return full, (f"{source.name}: all pixels are {span.low:g}, so it is not stretched",)
    found = _stretched(policy, span, bounds)
    note = f"{source.name}: {found.low:g}…{found.high:g} stretched to black…white ({found.origin})"
    return found, (note,)


def _default_policy(
    source: Pixels, span: Extremes, stretch_bounds: Callable[[], tuple[float, float]] | None
) -> RangeName:
    low, high = source.full_range
    room = high - low
    if stretch_bounds is not None:
        first, last = stretch_bounds()
        leaves = np.issubdtype(source.dtype, np.floating) and (first < low or last > high)
        uses_little = np.issubdtype(source.dtype, np.integer) and last - first < room / 2
        return "percentile" if leaves or uses_little else "full"
    far = span.low < low - room / 4 or span.high > high + room / 4
    return "minmax" if np.issubdtype(source.dtype, np.floating) and far else "full"


def _full_range_notes(source: Pixels, span: Extremes) -> tuple[str, ...]:
    low, high = source.full_range
    if span.low < low or span.high > high:
        return (f"{source.name}: values {span.low:g}…{span.high:g} leave {low:g}…{high:g} and are clipped to it",)
    used = (span.high - span.low) / (high - low)
    if source.dtype != np.uint8 and 0 < used < 0.125:
        return (
            f"{source.name}: uses {span.low:g}…{span.high:g} of {low:g}…{high:g} and is taken as it is (no stretch)",
        )
    return ()


def _stretched(policy: RangeName, span: Extremes, bounds: Callable[[], tuple[float, float]]) -> Levels:
    if policy == "percentile":
        low, high = bounds()
        if low < high:
            return Levels(low, high, "percentiles 0.1 and 99.9; values beyond are clipped")
    return Levels(span.low, span.high, "smallest and largest value")

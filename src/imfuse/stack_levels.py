"""The levels of a stack: its pictures share one scale, so what becomes black and white is found over all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imfuse.io import PixelSource
from imfuse.io.window import Window
from imfuse.levels import Extremes, Levels, RangeName, extremes, levels_within, needs_no_look

Release = Callable[[PixelSource], None]


def find_stack_levels(
    sources: Sequence[PixelSource], windows: list[Window], policy: RangeName | None, release: Release
) -> tuple[list[Levels], tuple[str, ...]]:
    """The levels of every picture and what the report has to say of them.

    Without a policy: every picture at the full range of its depth, so that exposures stay what they are; only float
    far beyond 0…1 is stretched, from the smallest to the largest value of all. With one: extremes or percentiles of
    all pixels of all pictures. Pictures of different depth are compared as fractions of their full range.

    Args:
        sources: the pictures.
        windows: windows that cover each of them.
        policy: what the user asked for.
        release: called with a picture that is not read for now.

    Raises:
        SourceError: a picture cannot be read, or a value is not finite.
    """
    full = [Levels(*source.full_range, "full range") for source in sources]
    if all(needs_no_look(source, policy) for source in sources):
        return full, ()
    stack = _Stack(sources, release)
    spans = []
    for source in sources:
        found = extremes(source, windows)
        spans.append(Extremes(*(stack.common(value, source) for value in (found.low, found.high))))
        release(source)
    shared, notes = levels_within(reduce(Extremes.merged, spans), stack, stack.windows(windows), policy, stretch=False)
    if shared == Levels(*stack.full_range, "full range"):
        return full, notes
    origin = f"{shared.origin}; of all pictures"
    return [Levels(stack.own(shared.low, s), stack.own(shared.high, s), origin) for s in sources], notes


class _Stack:
    """Pictures of one size, one below the other, as one source: with their own values, or as fractions of full range.

    Attributes:
        dtype: that of the pictures, or float32 where they differ.
        full_range: likewise, or 0…1.
    """

    name = "the stack"

    def __init__(self, sources: Sequence[PixelSource], release: Release) -> None:
        self._sources, self._release = sources, release
        self._height = sources[0].height
        self._alike = len({(source.dtype.name, source.full_range) for source in sources}) == 1
        self.dtype: np.dtype[Any] = sources[0].dtype if self._alike else np.dtype(np.float32)
        self.full_range = sources[0].full_range if self._alike else (0.0, 1.0)

    def windows(self, windows: Sequence[Window]) -> list[Window]:
        """Those of one picture, repeated for each."""
        return [
            Window(window.top + index * self._height, window.left, window.height, window.width)
            for index in range(len(self._sources))
            for window in windows
        ]

    def read(self, window: Window) -> NDArray[Any]:
        """The window's pixels, (height, width, channels)."""
        index, top = divmod(window.top, self._height)
        if index:
            self._release(self._sources[index - 1])
        source = self._sources[index]
        pixels = source.read(Window(top, window.left, window.height, window.width))
        return pixels if self._alike else self.common(pixels.astype(np.float32), source)

    def common(self, value: Any, source: PixelSource) -> Any:
        """A picture's own values in those that all share."""
        low, high = source.full_range
        return value if self._alike else (value - low) / (high - low)

    def own(self, value: float, source: PixelSource) -> float:
        """A shared value in those of one picture."""
        low, high = source.full_range
        return value if self._alike else low + value * (high - low)

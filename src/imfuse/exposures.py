"""The exposures of a bracket, from dark to bright: by their EXIF where all of them tell it, else by mean brightness.

No pixel of a result depends on this order but by rounding: the methods for brackets weigh or merge their sources alike,
and sources stay in the order in which they are given. What depends on it is the *middle* exposure, which the camera
metered: its EXIF is what the result takes, and the others are aligned to it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from imfuse.io import PixelSource
from imfuse.io.exposure import exposure_values, read_capture
from imfuse.io.naming import shown
from imfuse.io.window import Window
from imfuse.ops.colour import LUMA_WEIGHTS

_STEP = 4
"""The mean brightness is that of every fourth row and column."""


@dataclass(frozen=True, slots=True)
class ExposureReport:
    """One picture of a bracket.

    Attributes:
        name: of the picture.
        ev: its exposure value at ISO 100, by its EXIF; None where not all pictures of the bracket tell theirs.
        brightness: then its mean luma, of 0…1.
        middle: whether the result takes its EXIF.
    """

    name: str
    ev: float | None
    brightness: float | None
    middle: bool


@dataclass(frozen=True, slots=True)
class Exposures:
    """The exposures of a bracket.

    Attributes:
        names: of the pictures, in the order given.
        values: of each: EV at ISO 100, or mean brightness.
        by_exif: whether they are EV.
    """

    names: tuple[str, ...]
    values: tuple[float, ...]
    by_exif: bool

    @property
    def order(self) -> list[int]:
        """Indices of the pictures from dark to bright; equal ones as they were given."""
        sign = -1 if self.by_exif else 1
        return sorted(range(len(self.values)), key=lambda index: sign * self.values[index])

    @property
    def middle(self) -> int:
        """Index of the middle exposure, the darker of two: it has kept the highlights."""
        return self.order[(len(self.values) - 1) // 2]

    @property
    def report(self) -> tuple[ExposureReport, ...]:
        """The pictures from dark to bright."""
        return tuple(
            ExposureReport(
                self.names[index],
                self.values[index] if self.by_exif else None,
                None if self.by_exif else self.values[index],
                index == self.middle,
            )
            for index in self.order
        )

    def notes(self, sources: Sequence[PixelSource]) -> list[str]:
        """Whose metadata the result takes, where they are not the first one's; and exposures that occur again."""
        notes = []
        if sources[self.middle].metadata != sources[0].metadata:
            notes.append(f"{self.names[self.middle]}: the middle exposure; the result takes its metadata")
        if self.by_exif:
            levels = [round(value, 1) for value in self.values]
            often = max(map(levels.count, set(levels)))
            if often > 1:
                words = "where these are several brackets, --group-by exif parts them"
                notes.append(f"{often} of the {len(levels)} pictures have the same exposure: {words}")
        return notes


def find_exposures(
    sources: Sequence[PixelSource], windows: Sequence[Window], release: Callable[[PixelSource], None]
) -> Exposures:
    """The exposures of a bracket's pictures.

    By EXIF it costs nothing. Otherwise every picture is read once, one in memory at a time, which is no extra work for
    pictures that stay decoded.

    Args:
        sources: the pictures.
        windows: windows that cover each of them.
        release: called with a picture that is not read for now.

    Raises:
        SourceError: a picture cannot be read.
    """
    names = tuple(shown(source.name) for source in sources)
    values = exposure_values([read_capture(source.metadata.exif) for source in sources])
    if values is not None:
        return Exposures(names, tuple(values), by_exif=True)
    means = []
    for source in sources:
        means.append(_brightness(source, windows))
        release(source)
    return Exposures(names, tuple(means), by_exif=False)


def _brightness(source: PixelSource, windows: Sequence[Window]) -> float:
    """Mean luma of a thinned-out picture, as a fraction of its full range."""
    total, count = 0.0, 0
    for window in windows:
        pixels = source.read(window)[::_STEP, ::_STEP]
        means = np.array(cv2.mean(np.ascontiguousarray(pixels))[: pixels.shape[2]])
        weight = pixels.shape[0] * pixels.shape[1]
        total += weight * float(means @ LUMA_WEIGHTS if means.size == len(LUMA_WEIGHTS) else means.mean())
        count += weight
    low, high = source.full_range
    return (total / count - low) / (high - low)

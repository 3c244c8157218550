"""What of sharpened bands is to be looked at, and the names of the pictures that this makes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from imfuse.errors import UsageError
from imfuse.spectral.show.composite import check_band

GAIN = 10.0
"""How many times errors are amplified: as in Fig. 4 of the Deep CSC paper."""


@dataclass(frozen=True, slots=True)
class Looks:
    """What is to be looked at.

    Attributes:
        bands: numbers of single bands, from 1; the paper shows band 3.
        pixels: x (column) and y (row) of pixels of the guide, from 0, whose spectra are drawn.
        gain: how many times errors are amplified: white is 1/gain of the bands' range.
        composite: the bands for red, green and blue; None for those that suit.

    Raises:
        UsageError: a band or the gain is out of its range.
    """

    bands: tuple[int, ...] = ()
    pixels: tuple[tuple[int, int], ...] = ()
    gain: float = GAIN
    composite: tuple[int, int, int] | None = None

    def __post_init__(self) -> None:
        """Check what needs no cube."""
        if not 0 < self.gain < float("inf"):
            raise UsageError(f"a gain of {self.gain:g}: it must be a positive number, such as 10")
        for number in (*self.bands, *(self.composite or ())):
            if number < 1:
                raise UsageError(f"there is no band {number}: bands are counted from 1")

    def check(self, bands: int, height: int, width: int) -> None:
        """Refuse what these bands and pixels do not have.

        Raises:
            UsageError: there is no such band or pixel.
        """
        for number in self.bands:
            check_band(number, bands)
        for x, y in self.pixels:
            if not (0 <= x < width and 0 <= y < height):
                raise UsageError(
                    f"there is no pixel {x},{y} (column, row) in {width}×{height} pixels, counted from 0: give one of "
                    f"0,0 to {width - 1},{height - 1}"
                )

    def names(self, *, truth: bool) -> list[str]:
        """Names of all pictures, with a truth or without."""
        return list(self._names(truth))

    def _names(self, truth: bool) -> Iterator[str]:
        both = ("bicubic", "fused")
        yield from ("guide", *both)
        if truth:
            yield "truth"
            yield from (f"{name}_{kind}" for kind in ("error", "angle") for name in both)
        for band in dict.fromkeys(self.bands):
            yield f"band{band}_detail"
            yield from (f"band{band}_{name}" for name in (*both, "truth")[: 3 if truth else 2])
            if truth:
                yield from (f"band{band}_{name}_error" for name in both)
        yield from (spectrum_name(x, y) for x, y in dict.fromkeys(self.pixels))


def spectrum_name(x: int, y: int) -> str:
    """The name of the chart of a pixel."""
    return f"spectrum_{x}_{y}"


def parse_pixel(text: str) -> tuple[int, int]:
    """``X,Y`` as column and row.

    Raises:
        UsageError: it is not that.
    """
    numbers = _whole_numbers(text)
    if numbers is None or len(numbers) != 2:
        raise UsageError(f"pixel {text!r}: give column and row from 0, such as 120,80")
    return numbers[0], numbers[1]


def parse_composite(text: str | None) -> tuple[int, int, int] | None:
    """``R,G,B`` as numbers of bands.

    Raises:
        UsageError: it is not that.
    """
    if text is None:
        return None
    numbers = _whole_numbers(text)
    if numbers is None or len(numbers) != 3:
        raise UsageError(f"composite {text!r}: give the numbers of three bands from 1, such as 26,16,6")
    return numbers[0], numbers[1], numbers[2]


def _whole_numbers(text: str) -> list[int] | None:
    words = [word.strip() for word in text.split(",")]
    return [int(word) for word in words] if all(word.isascii() and word.isdigit() for word in words) else None

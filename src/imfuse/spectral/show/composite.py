"""Colour pictures of many bands: by the eye's own curves, by red, green and blue bands, or by any three of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imfuse.errors import UsageError
from imfuse.spectral.wavelengths import CAVE_WAVELENGTHS

_PRIMARIES = (660.0, 555.0, 480.0)
"""Where red, green and blue bands of satellites are looked for, in nm."""
_NEAR = 60.0
_VISIBLE = (CAVE_WAVELENGTHS[0], CAVE_WAVELENGTHS[-1])
_LARGEST_GAP = 40.0
"""Bands farther from each other than this, in nm, sample a spectrum too thinly for the eye's curves."""

# XYZ to linear sRGB (IEC 61966-2-1).
_XYZ_TO_RGB = np.array([[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]])
# Per lobe: height, centre in nm, width below and above it. Wyman et al., see `eye_response`.
_LOBES = (
    ((1.056, 599.8, 37.9, 31.0), (0.362, 442.0, 16.0, 26.7), (-0.065, 501.1, 20.4, 26.2)),
    ((0.821, 568.8, 46.9, 40.5), (0.286, 530.9, 16.3, 31.1)),
    ((1.217, 437.0, 11.8, 36.0), (0.681, 459.0, 26.0, 13.8)),
)


@dataclass(frozen=True, slots=True)
class Composite:
    """How bands become red, green and blue.

    Attributes:
        weights: (3, L) of the bands in each.
        words: what it is.
        true_colour: whether the three are to be stretched alike, since they are the colours that an eye would see.
    """

    weights: NDArray[np.float64]
    words: str
    true_colour: bool

    def of(self, bands: NDArray[np.floating]) -> NDArray[np.float32]:
        """The composite (H, W, 3) of bands (L, H, W), in their units."""
        return np.asarray(np.einsum("cl,lhw->hwc", self.weights, bands), np.float32)


def choose_composite(
    count: int, wavelengths: Sequence[float] = (), asked: tuple[int, int, int] | None = None
) -> Composite:
    """The composite that suits bands.

    In this order: the three bands that are asked for; the eye's curves where the wavelengths sample 400…700 nm closely
    (31 bands that do not tell theirs are taken for CAVE's);
    the bands next to 660, 555 and 480 nm where they are near enough; three bands spread over all of them, the longest
    wavelength (or the last band) as red.

    Args:
        count: of bands.
        wavelengths: of their centres in nm; empty where they are not known.
        asked: numbers of the bands for red, green and blue, from 1.

    Raises:
        UsageError: there is no such band.
    """
    if asked is not None:
        for number in asked:
            check_band(number, count)
        return _three(count, asked, f"bands {_listed(asked)} as red, green, blue")
    if count < 3:
        return Composite(np.full((3, count), 1 / count), "gray: the mean of the bands", True)
    known = np.asarray(wavelengths, np.float64)
    assumed = not len(known) and count == len(CAVE_WAVELENGTHS)
    if assumed:
        known = np.asarray(CAVE_WAVELENGTHS)
    if len(known) == count:
        if _samples_colour(known):
            words = "colours as an eye sees them (CIE 1931, a flat spectrum is white)"
            taken = "; the 31 bands are taken for 400…700 nm" if assumed else ""
            return Composite(eye_response(known), words + taken, True)
        nearest = [int(np.abs(known - primary).argmin()) for primary in _PRIMARIES]
        if all(abs(known[band] - primary) <= _NEAR for band, primary in zip(nearest, _PRIMARIES, strict=True)):
            numbers = tuple(band + 1 for band in nearest)
            told = ", ".join(f"{known[band]:g}" for band in nearest)
            return _three(count, numbers, f"bands {_listed(numbers)} ({told} nm) as red, green, blue", true_colour=True)
    order = np.argsort(known) if len(known) == count else np.arange(count)
    numbers = tuple(int(order[place]) + 1 for place in (5 * count // 6, count // 2, count // 6))
    return _three(count, numbers, f"bands {_listed(numbers)} as red, green, blue (false colours)")


def eye_response(wavelengths: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights (3, L) that make linear sRGB of a spectrum sampled at these wavelengths in nm.

    The CIE 1931 colour matching functions in the closed form of C. Wyman, P.-P. Sloan, P. Shirley, "Simple analytic
    approximations to the CIE XYZ color matching functions", Journal of Computer Graphics Techniques 2(2), 2013
    (multi-lobe fit); uneven steps between the bands are weighted by their width. Each row sums to 1: a flat spectrum is
    white, whatever light it was seen under.
    """
    steps = np.abs(np.gradient(wavelengths))
    xyz = np.stack([sum(_lobe(wavelengths, *lobe) for lobe in lobes) * steps for lobes in _LOBES])
    rgb = _XYZ_TO_RGB @ xyz
    return np.asarray(rgb / rgb.sum(1, keepdims=True))


def check_band(number: int, count: int) -> None:
    """Refuse a band that there is not.

    Raises:
        UsageError: its number, from 1, is beyond the bands.
    """
    if not 1 <= number <= count:
        raise UsageError(f"there is no band {number}: the bands are 1 to {count}")


def _samples_colour(wavelengths: NDArray[np.float64]) -> bool:
    """Whether the bands follow each other closely from blue to red."""
    inside = np.sort(wavelengths[(wavelengths >= _VISIBLE[0] - 20) & (wavelengths <= _VISIBLE[1] + 20)])
    if len(inside) < 7 or inside[0] > 450 or inside[-1] < 650:
        return False
    return bool(np.diff(inside).max() <= _LARGEST_GAP)


def _lobe(
    wavelengths: NDArray[np.float64], height: float, centre: float, below: float, above: float
) -> NDArray[np.float64]:
    widths = np.where(wavelengths < centre, below, above)
    return np.asarray(height * np.exp(-0.5 * ((wavelengths - centre) / widths) ** 2))


def _three(count: int, numbers: Sequence[int], words: str, *, true_colour: bool = False) -> Composite:
    weights = np.zeros((3, count))
    weights[range(3), [number - 1 for number in numbers]] = 1
    return Composite(weights, words, true_colour)


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))

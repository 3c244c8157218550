"""Spectra from 400 to 1000 nm in steps of 10 nm: reflectances, illuminants and the responses of cameras."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Spectrum = NDArray[np.float32]
"""(61,) samples at `WAVELENGTHS`."""

WAVELENGTHS: NDArray[np.float32] = np.arange(400, 1001, 10, dtype=np.float32)
VISIBLE_BANDS = 31
"""How many of `WAVELENGTHS` are visible: 400, 410 … 700 nm."""


def _step(centre: float, width: float) -> Spectrum:
    """A smooth step from 0 below `centre` to 1 above it (nm)."""
    return np.asarray(1 / (1 + np.exp(-(WAVELENGTHS - centre) / width)), np.float32)


def _bell(centre: float, width: float) -> Spectrum:
    return np.asarray(np.exp(-0.5 * ((WAVELENGTHS - centre) / width) ** 2), np.float32)


def reflectance(red: float, green: float, blue: float, infrared: float) -> Spectrum:
    """A smooth reflectance with the given levels, each in [0, 1], in four neighbouring parts of the spectrum.

    The parts meet at 490, 580 and 710 nm. A green leaf has a low red and a high infrared level, so that the step at
    710 nm is the red edge of vegetation.
    """
    to_green, to_red, to_infrared = _step(490, 11), _step(580, 9), _step(710, 9)
    return np.asarray(
        blue + (green - blue) * to_green + (red - green) * to_red + (infrared - red) * to_infrared, np.float32
    )


def leaf(level: float = 1.0, yellow: float = 0.0) -> Spectrum:
    """Reflectance of leaves: a peak at 550 nm, chlorophyll's absorption, a plateau above 720 nm."""
    peak = 0.15 * _bell(550, 27) + yellow * 0.16 * _bell(610, 45)
    return np.asarray(level * (0.022 + peak + 0.48 * _step(718, 9) + 0.02 * _step(600, 30)), np.float32)


def times(level: float, spectrum: Spectrum) -> Spectrum:
    """A spectrum, `level` times as strong."""
    return np.asarray(level * spectrum, np.float32)


def black_body(kelvin: float) -> Spectrum:
    """Planck's law, 1 at 560 nm."""
    metres = WAVELENGTHS.astype(np.float64) * 1e-9

    def power(length: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(length**-5 / np.expm1(0.0143877 / (length * kelvin)))

    return np.asarray(power(metres) / power(np.array(560e-9)), np.float32)


def sky_light(blueness: float) -> Spectrum:
    """Scattered light, 1 at 560 nm: wavelength to the power −4·`blueness` (1 is Rayleigh's clear sky, 0 is white)."""
    return np.asarray((WAVELENGTHS / 560) ** (-4 * blueness), np.float32)


def camera_response() -> NDArray[np.float32]:
    """(3, 61) responses of red, green and blue, zero beyond 700 nm, each with the sum 1.

    Bell-shaped approximations of a colour camera behind its infrared filter; never negative, so that a picture in
    range has no colour that must be clipped.
    """
    bells = [_bell(608, 27), _bell(541, 29), _bell(455, 24)]
    return _unit(np.stack(bells) * (WAVELENGTHS <= 700))


def near_infrared_response() -> NDArray[np.float32]:
    """(1, 61) response of a silicon camera behind a 720 nm long-pass filter, with the sum 1."""
    return _unit((_step(735, 8) * np.clip((1010 - WAVELENGTHS) / 260, 0, 1))[None])


def band_response() -> NDArray[np.float32]:
    """(31, 61): each visible band by itself."""
    return np.eye(VISIBLE_BANDS, len(WAVELENGTHS), dtype=np.float32)


def _unit(response: NDArray[np.floating]) -> NDArray[np.float32]:
    return np.asarray(response / response.sum(axis=1, keepdims=True), np.float32)

"""What is far away: the sky with its clouds, and hills."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from imfuse.data.samples import materials as m
from imfuse.data.samples.card import Card, Glow, Heat, Pattern, Surface
from imfuse.data.samples.noise import Noise, Plane
from imfuse.data.samples.outlines import Size, box, everywhere, ragged
from imfuse.data.samples.spectra import Spectrum
from imfuse.data.samples.textures import mottled, scaled, total

_FAR = np.float32(9e4)


@dataclass(frozen=True)
class Sky:
    """Light of a sky.

    Attributes:
        zenith: everywhere.
        horizon: added towards the horizon.
        sunset: added low in the middle.
        clouds: added where clouds are.
        cover: how much of the sky is clouded, about −1 (little) to 1 (nearly all).
        celsius: apparent temperature high up.
        rise: how much warmer the horizon is, in kelvin.
        width: of the sunset, in radians or so.
    """

    zenith: Spectrum
    horizon: Spectrum
    sunset: Spectrum
    clouds: Spectrum
    cover: float
    celsius: float
    rise: float
    width: float = 0.8


def sky(light: Sky, noise: Noise, salt: int = 901) -> Card:
    """The card of a sky, farther than anything else."""

    def low(u: Plane, v: Plane, fu: Size, fv: Size) -> Plane:
        return np.asarray(np.exp(-np.maximum(v / _FAR, 0) * np.float32(4.5)), np.float32)

    def sunset(u: Plane, v: Plane, fu: Size, fv: Size) -> Plane:
        return np.asarray(low(u, v, fu, fv) ** 2 * np.exp(-((u / _FAR / light.width) ** 2)), np.float32)

    clouds = _clouds(noise, light.cover, salt)
    glows = (Glow(light.zenith), Glow(light.horizon, low), Glow(light.sunset, sunset), Glow(light.clouds, clouds))
    heat = Heat(light.celsius, total(scaled(light.rise, low), scaled(5.0, clouds)), 1.0)
    surface = Surface(m.NOTHING, glows=glows)
    return Card("sky", (0, 0, float(_FAR)), None, everywhere, surface, heat, hazy=False)


def _clouds(noise: Noise, cover: float, salt: int) -> Pattern:
    """Clouds on a ceiling, so that they are flatter and smaller towards the horizon."""

    def pattern(u: Plane, v: Plane, fu: Size, fv: Size) -> Plane:
        rise = np.maximum(v / _FAR, 0) + np.float32(0.12)
        x, y = u / _FAR / rise, np.float32(0.8) / rise
        field = noise.fractal(x, y, 1.6, np.asarray(0.0015 / rise**1.5, np.float32), 6, salt)
        t = np.clip((field + np.float32(cover - 0.1)) / np.float32(1.8), 0, 1)
        return np.asarray(t * t * (3 - 2 * t) * np.clip(rise * 4 - 0.5, 0, 1), np.float32)

    return pattern


def hills(
    noise: Noise, surface: Spectrum, celsius: float, heights: tuple[float, float], ambience: float = 1.0
) -> list[Card]:
    """Two ridges, 900 and 420 metres away, with the given mean heights."""
    cards = []
    for index, (z, level) in enumerate(zip((900.0, 420.0), heights, strict=True)):
        outline = ragged(box(-1e5, -200, 1e5, level), noise, z * 0.8, level * 0.2, 30 + index, 7)
        painted = Surface(surface, (), mottled(noise, z / 25, 0.25, 40 + index))
        heat = Heat(celsius - index, scaled(0.6, mottled(noise, z / 6, 0.5, 50, 2)))
        cards.append(Card("hills", (0, 0, z), None, outline, painted, heat, ambience=ambience))
    return cards

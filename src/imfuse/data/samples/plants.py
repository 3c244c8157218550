"""Trees, bushes and hedges: crowns of overlapping leafy clumps on a trunk."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from imfuse.data.samples import materials as m
from imfuse.data.samples.card import Card, Heat, Surface, Vector
from imfuse.data.samples.noise import Noise
from imfuse.data.samples.outlines import box, capsule, ellipse, ragged, union
from imfuse.data.samples.spectra import Spectrum
from imfuse.data.samples.textures import mottled, scaled, spots


def leaves(
    noise: Noise, salt: int, size: float, base: Spectrum = m.LEAF_DARK, light: Spectrum = m.LEAF_LIGHT
) -> Surface:
    """Dark and light leaves of `size` metres with gaps between them."""
    gaps = np.asarray(base * 0.35, np.float32)
    middle = np.asarray(0.5 * base + 0.5 * light, np.float32)
    layers = (
        (gaps, spots(noise, size * 2.5, 0.55, 0.7, salt, 3)),
        (middle, spots(noise, size * 1.8, 0.25, 0.5, salt + 1, 3)),
        (light, spots(noise, size * 1.2, 0.75, 0.5, salt + 2, 2)),
    )
    return Surface(base, layers, mottled(noise, size * 8, 0.16, salt + 3, 3), wrap=0.35)


def clump(
    name: str,
    place: Vector,
    half: tuple[float, float],
    noise: Noise,
    salt: int,
    surface: Surface,
    celsius: float,
    leaf: float,
    casts: bool = False,
) -> Card:
    """One leafy clump around `place`."""
    width, height = half
    rim = ragged(ellipse(0, 0, width, height), noise, min(width, height) * 0.9, min(width, height) * 0.13, salt, 5)
    rim = ragged(rim, noise, leaf * 3, leaf * 0.9, salt + 1, 3)
    heat = Heat(celsius, scaled(0.5, mottled(noise, 1.0, 0.6, salt, 2)))
    reach = 1.5
    bounds = (-width * reach, -height * reach, width * reach, height * reach)
    return Card(name, place, bounds, rim, surface, heat, min(width, height) * 1.1, casts=casts)


@dataclass(frozen=True)
class Foliage:
    """Leaves of a tree: their size in metres, how many clumps they form, and their reflectances."""

    leaf: float = 0.12
    clumps: int = 11
    dark: Spectrum = field(default_factory=lambda: m.LEAF_DARK)
    light: Spectrum = field(default_factory=lambda: m.LEAF_LIGHT)


_GREEN = Foliage()


def tree(
    name: str, x: float, z: float, height: float, radius: float, noise: Noise, salt: int, celsius: float,
    foliage: Foliage = _GREEN,
) -> list[Card]:  # fmt: skip
    """A broad-leaved tree that stands on the ground at (x, z), with a crown of `radius` metres."""
    draw = np.random.default_rng((salt, 77))
    surface = leaves(noise, salt, foliage.leaf, foliage.dark, foliage.light)
    cards = [_trunk(name, x, z, height, radius, noise, salt, celsius + 0.5)]
    places = [(float(draw.uniform(-1, 1)), float(draw.uniform(0, 1))) for _ in range(foliage.clumps)]
    for index, (across, up) in enumerate(sorted(places, key=lambda p: -p[1])):
        spread = float(np.sqrt(max(1 - (1.7 * up - 0.75) ** 2, 0.05)))
        place = (x + across * radius * 0.75 * spread, height * (0.5 + 0.38 * up), z - 0.02 * index)
        size = radius * float(draw.uniform(0.42, 0.6))
        cards.append(clump(name, place, (size, size * 0.8), noise, salt + 7 * index, surface, celsius, foliage.leaf))
    crown = ragged(ellipse(0, height * 0.7, radius, height * 0.3), noise, radius * 0.4, radius * 0.12, salt, 4)
    bounds = (-radius * 1.4, height * 0.2, radius * 1.4, height * 1.2)
    shadow = Card(name, (x, 0, z), bounds, crown, surface, casts=True, visible=False, opacity=0.9)
    return [*cards, shadow]


def _trunk(
    name: str, x: float, z: float, height: float, radius: float, noise: Noise, salt: int, celsius: float
) -> Card:
    """A trunk that forks."""
    thick, fork = height * 0.045, 0.02 * height
    parts = [
        capsule(0, -0.05, fork, height * 0.45, thick, thick * 0.6),
        capsule(fork, height * 0.42, -radius * 0.45, height * 0.68, thick * 0.5, thick * 0.2),
        capsule(fork, height * 0.42, radius * 0.5, height * 0.7, thick * 0.5, thick * 0.2),
        capsule(0, -0.02, 0, 0.12, thick * 1.35, thick * 0.9),
    ]
    bark = Surface(m.BARK, (), mottled(noise, thick * 1.2, 0.3, salt, 4, stretch=0.3))
    bounds = (-radius, 0.0, radius, height)
    return Card(name, (x, 0, z), bounds, union(parts), bark, Heat(celsius), thick * 0.6, casts=True)


def hedge(
    name: str,
    x0: float,
    x1: float,
    z: float,
    height: float,
    noise: Noise,
    salt: int,
    celsius: float,
    leaf: float = 0.07,
) -> Card:
    """A clipped hedge along x."""
    outline = ragged(box(x0, -0.2, x1, height), noise, 0.8, 0.05, salt, 4)
    heat = Heat(celsius, scaled(0.5, mottled(noise, 1.0, 0.6, salt, 2)))
    surface = leaves(noise, salt, leaf)
    return Card(name, (0, 0, z), (x0 - 0.5, 0, x1 + 0.5, height + 0.3), outline, surface, heat, 0.25, casts=True)

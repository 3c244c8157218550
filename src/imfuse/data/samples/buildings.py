"""Houses: two walls in perspective, a roof, windows, a door."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import hypot

import numpy as np

from imfuse.data.samples import materials as m
from imfuse.data.samples.card import AWAY, RIGHT, TOWARDS, Card, Glow, Heat, Pattern, Surface, Vector
from imfuse.data.samples.noise import Noise, Plane
from imfuse.data.samples.outlines import Size, box, convex
from imfuse.data.samples.spectra import Spectrum, times
from imfuse.data.samples.textures import cells, joints, mottled, product, scaled, shape

_OVERHANG, _EAVES = 0.35, 0.4
"""How far a roof reaches beyond the gables and below the eaves, metres."""


@dataclass(frozen=True)
class House:
    """Where a house stands and what it looks like.

    Attributes:
        name: of its cards.
        x: left end of the front, metres.
        z: distance of the front, metres.
        width: of the front, metres.
        length: of the side walls, metres.
        height: of the walls, metres.
        ridge: height of the roof's ridge, metres.
        gable: whether the gable looks at the camera (the ridge runs away from it) or the eaves do.
        wall: surface of the walls.
        roof: reflectance of the roof.
        windows: places (u, v) of windows in the front, and which of them are lit.
        lit: spectrum of the light in a lit window.
        warmth: temperature of the walls, °C.
        door: left edge of a door in the front, metres, or None.
    """

    name: str
    x: float
    z: float
    width: float
    length: float
    height: float
    ridge: float
    gable: bool
    wall: Surface
    roof: Spectrum
    windows: tuple[tuple[float, float, bool], ...]
    lit: Spectrum
    warmth: float
    door: float | None = None


def brick_wall(noise: Noise, salt: int) -> Surface:
    """Bricks of 24 × 7 cm (drawn a quarter larger) with mortar."""
    grain = product(cells(noise, 0.3, 0.1, 0.16, salt), mottled(noise, 2.5, 0.09, salt + 1))
    return Surface(m.BRICK, ((m.MORTAR, joints(0.3, 0.1, 0.016, 0.8)),), grain)


def plaster_wall(noise: Noise, colour: Spectrum, salt: int) -> Surface:
    """Plaster with stains and a rough grain."""
    return Surface(colour, (), product(mottled(noise, 3.0, 0.06, salt), mottled(noise, 0.25, 0.04, salt + 1)))


def house(plan: House, noise: Noise, salt: int) -> list[Card]:
    """The cards of a house, from far to near."""
    cards = _roof(plan, noise, salt)
    cards += _walls(plan, noise, salt)
    if plan.gable:
        cards += _fascia(plan)
    for index, (u, v, lit) in enumerate(plan.windows):
        cards += window(plan, u, v, lit, noise, salt + 20 + index)
    if plan.door is not None:
        cards += _door(plan, plan.door, noise, salt)
    return cards


def _heat(plan: House, noise: Noise, salt: int) -> Heat:
    return Heat(plan.warmth, scaled(0.5, mottled(noise, 3.0, 0.6, salt, 2)))


def _walls(plan: House, noise: Noise, salt: int) -> list[Card]:
    heat = _heat(plan, noise, salt)
    w, h, r = plan.width, plan.height, plan.ridge
    front = convex((0, 0), (w, 0), (w, h), (w / 2, r - 0.12), (0, h)) if plan.gable else box(0, 0, w, h)
    top = r if plan.gable else h
    cards = [Card(plan.name, (plan.x, 0, plan.z), (0, 0, w, top), front, plan.wall, heat, casts=True)]
    side = _side(plan)
    if side is not None:
        origin, right = side
        n = plan.length
        wall = box(0, 0, n, h)
        if not plan.gable:
            wall = convex((0, 0), (n, 0), (n, h), (n / 2, r - 0.12), (0, h))
        cards.insert(0, Card(plan.name, origin, (0, 0, n, r), wall, plan.wall, heat, casts=True, right=right))
    return cards


def _side(plan: House) -> tuple[Vector, Vector] | None:
    """Origin and direction of the side wall that the camera (at x = 0) sees."""
    if plan.x > 0:
        return (plan.x, 0.0, plan.z + plan.length), TOWARDS
    if plan.x + plan.width < 0:
        return (plan.x + plan.width, 0.0, plan.z), AWAY
    return None


def _roof(plan: House, noise: Noise, salt: int) -> list[Card]:
    """One or two planes that overhang the walls."""
    grain = product(cells(noise, 0.35, 0.3, 0.12, salt + 5), mottled(noise, 2.0, 0.12, salt + 6))
    surface = Surface(plan.roof, ((times(0.45, plan.roof), joints(0.35, 0.3, 0.05, 0.7)),), grain)
    heat = Heat(plan.warmth - 3, scaled(0.6, mottled(noise, 2.0, 0.5, salt + 7, 2)), 0.9)
    half, rise = (plan.width if plan.gable else plan.length) / 2, plan.ridge - plan.height
    slope = hypot(half, rise)
    level, steep = half / slope, rise / slope
    low, out = plan.height - _EAVES * steep, _EAVES * level

    def plane(origin: Vector, right: Vector, up: Vector, length: float) -> Card:
        bounds = (-_OVERHANG, 0.0, length + _OVERHANG, slope + _EAVES)
        return Card(plan.name, origin, bounds, box(*bounds), surface, heat, casts=True, right=right, up=up)

    if not plan.gable:
        return [plane((plan.x, low, plan.z - out), RIGHT, (0.0, steep, level), plan.width)]
    left = plane((plan.x - out, low, plan.z + plan.length), TOWARDS, (level, steep, 0.0), plan.length)
    right = plane((plan.x + plan.width + out, low, plan.z), AWAY, (-level, steep, 0.0), plan.length)
    return [left] if plan.x > 0 else [right] if plan.x + plan.width < 0 else [left, right]


def _fascia(plan: House) -> list[Card]:
    """The boards at the two edges of the roof above a gable."""
    half, rise = plan.width / 2, plan.ridge - plan.height
    out, drop = 0.4, 0.4 * rise / half
    top, foot, thick = plan.ridge + 0.02, plan.height - drop, 0.34
    left = convex((-out, foot - thick), (half, top - thick), (half, top), (-out, foot))
    right = convex((half, top - thick), (plan.width + out, foot - thick), (plan.width + out, foot), (half, top))
    bounds = (-out, foot - thick, plan.width + out, top)
    place: Vector = (plan.x, 0.0, plan.z - 0.36)
    board = Surface(m.WOOD_DARK)
    return [Card(plan.name, place, bounds, side, board, Heat(plan.warmth - 2)) for side in (left, right)]


def window(plan: House, u: float, v: float, lit: bool, noise: Noise, salt: int) -> list[Card]:
    """A window of 1.1 × 1.4 m with its lower left corner at (u, v) of the front: frame, panes, curtains, sill."""
    origin: Vector = (plan.x + u, v, plan.z - 0.03)
    frame = Surface(m.PAINT_WHITE, (), mottled(noise, 0.8, 0.03, salt))
    wide, tall, bar = 1.1, 1.4, 0.07
    panes = [
        box(bar, bar, wide / 2 - bar / 2, tall * 0.62),
        box(wide / 2 + bar / 2, bar, wide - bar, tall * 0.62),
        box(bar, tall * 0.62 + bar, wide / 2 - bar / 2, tall - bar),
        box(wide / 2 + bar / 2, tall * 0.62 + bar, wide - bar, tall - bar),
    ]
    warm = Heat(plan.warmth + (3.5 if lit else 1.0), None, 0.88)
    bounds = (0.0, 0.0, wide, tall)
    cards = [Card(plan.name, origin, bounds, box(*bounds), frame, Heat(plan.warmth + 1.0))]
    glows = (Glow(plan.lit, _curtains(noise, wide, salt)),) if lit else ()
    glass = Surface(m.GLASS, (), None, 0.25, 60.0, glows=glows)
    cards += [Card(plan.name, origin, bounds, pane, glass, warm) for pane in panes]
    sill = box(-0.08, -0.1, wide + 0.08, 0.0)
    cards.append(
        Card(plan.name, origin, (-0.08, -0.1, wide + 0.08, 0.0), sill, Surface(m.KERB), Heat(plan.warmth + 0.5))
    )
    return cards


def _curtains(noise: Noise, wide: float, salt: int) -> Pattern:
    """Light of a room behind curtains that hang at both sides."""
    folds = mottled(noise, 0.12, 0.14, salt, 2, stretch=0.35)
    left = shape(convex((0, -0.2), (wide * 0.16, -0.2), (wide * 0.40, 1.6), (0, 1.6)), 0.55)
    right = shape(convex((wide * 0.84, -0.2), (wide, -0.2), (wide, 1.6), (wide * 0.60, 1.6)), 0.55)

    def pattern(u: Plane, v: Plane, fu: Size, fv: Size) -> Plane:
        veil = np.maximum(left(u, v, fu, fv), right(u, v, fu, fv))
        light = 0.75 + 0.35 * np.clip(v / np.float32(1.4), 0, 1)
        return np.asarray((1 - veil * folds(u, 0 * v, fu, fv)) * light, np.float32)

    return pattern


def _door(plan: House, u: float, noise: Noise, salt: int) -> list[Card]:
    origin: Vector = (plan.x + u, 0.0, plan.z - 0.03)
    frame = Card(
        plan.name,
        origin,
        (-0.1, 0, 1.1, 2.25),
        box(-0.1, 0, 1.1, 2.25),
        Surface(m.PAINT_WHITE),
        Heat(plan.warmth + 0.5),
    )
    leaf = Surface(m.WOOD_DARK, (), mottled(noise, 0.15, 0.12, salt + 8, 4, stretch=0.15))
    door = replace(
        frame, bounds=(0, 0, 1, 2.15), outline=box(0, 0, 1, 2.15), surface=leaf, heat=Heat(plan.warmth + 1.5)
    )
    pane = replace(frame, bounds=(0, 0, 1, 2.15), outline=box(0.3, 1.3, 0.7, 1.9), surface=Surface(m.GLASS))
    return [frame, door, pane]

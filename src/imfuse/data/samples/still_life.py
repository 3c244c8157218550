"""Fruit, a bowl, a pot plant; and a cat."""

from __future__ import annotations

import numpy as np

from imfuse.data.samples import materials as m
from imfuse.data.samples.card import Card, Heat, Surface
from imfuse.data.samples.noise import Noise, Plane
from imfuse.data.samples.outlines import Size, box, capsule, convex, ellipse, rounded, union, without
from imfuse.data.samples.plants import clump, leaves
from imfuse.data.samples.spectra import Spectrum, times
from imfuse.data.samples.textures import mottled, pulses, scaled, shape, spots

ROOM = 21.0


def ball(
    name: str, x: float, y: float, z: float, radius: float, skin: Surface, flat: float = 0.94, stalk: bool = False
) -> list[Card]:
    """A fruit whose middle is at (x, y, z)."""
    reach = radius * 1.5
    bounds = (-reach, -reach, reach, reach)
    outline = ellipse(0, 0, radius, radius * flat)
    cards = [Card(name, (x, y, z), bounds, outline, skin, Heat(ROOM - 0.5), radius, casts=True)]
    if stalk:
        line = capsule(0, radius * flat * 0.72, radius * 0.12, radius * 1.2, radius * 0.045)
        cards.append(Card(name, (x, y, z), bounds, line, Surface(m.WOOD_DARK), Heat(ROOM)))
    return cards


def apple(noise: Noise, salt: int, red: float) -> Surface:
    """Red streaks over green, `red` says how much."""
    blush = spots(noise, 0.05, -red, 1.2, salt, 4)
    return Surface(m.APPLE_GREEN, ((m.APPLE_RED, blush),), mottled(noise, 0.006, 0.06, salt + 1, 3), 0.35, 45.0, 0.12)


def citrus(noise: Noise, salt: int, colour: Spectrum) -> Surface:
    """A peel with pores."""
    return Surface(colour, (), mottled(noise, 0.006, 0.09, salt, 2), 0.2, 22.0, 0.12)


def bowl(x: float, z: float, fruit: list[Card], noise: Noise) -> list[Card]:
    """A white bowl with fruit in it."""
    bounds = (-0.16, -0.01, 0.16, 0.12)
    rings = shape(union([box(-1, 0.062, 1, 0.068), box(-1, 0.05, 1, 0.053)]))
    glaze = Surface(m.CERAMIC, ((m.CERAMIC_BLUE, rings),), mottled(noise, 0.05, 0.02, 530, 3), 0.35, 40.0, 0.15)
    angles = np.linspace(np.pi, 2 * np.pi, 25)
    lower = convex(*((float(0.135 * np.cos(a)), float(0.082 + 0.078 * np.sin(a))) for a in angles))
    side = union([without(lower, ellipse(0, 0.083, 0.135, 0.026)), box(-0.05, 0.0, 0.05, 0.012)])
    hollow, shade = ellipse(0, 0.068, 0.1425, 0.0275), Surface(times(0.6, m.CERAMIC))
    inside = Card("bowl", (x, 0, z + 0.03), bounds, hollow, shade, Heat(ROOM))
    front = Card("bowl", (x, 0, z - 0.04), bounds, side, glaze, Heat(ROOM), barrel=0.14, casts=True)
    return [inside, *fruit, front]


def pot_plant(x: float, z: float, noise: Noise, salt: int) -> list[Card]:
    """A leafy plant in a clay pot."""
    pot = convex((-0.055, 0), (0.055, 0), (0.075, 0.11), (-0.075, 0.11))
    rim = rounded(box(-0.078, 0.112, 0.078, 0.13), 0.005)
    clay = Surface(m.TERRACOTTA, (), mottled(noise, 0.04, 0.08, 540, 5), wrap=0.1)
    bounds = (-0.1, 0, 0.1, 0.15)
    surface = leaves(noise, salt, 0.018)
    clumps = [
        ((-0.08, 0.22), 0.075),
        ((0.085, 0.24), 0.08),
        ((0.0, 0.31), 0.085),
        ((-0.03, 0.19), 0.08),
        ((0.05, 0.2), 0.07),
    ]
    green = [
        clump(
            "plant",
            (x + u, v, z - 0.005 * i),
            (size, size * 0.85),
            noise,
            salt + 9 * i,
            surface,
            ROOM - 1.5,
            0.018,
            True,
        )
        for i, ((u, v), size) in enumerate(clumps)
    ]
    return [
        Card("plant", (x, 0, z), bounds, pot, clay, Heat(ROOM - 1), barrel=0.076, casts=True),
        Card("plant", (x, 0, z), bounds, rim, clay, Heat(ROOM - 1), barrel=0.085),
        *green,
    ]


def cat(x: float, y: float, z: float, noise: Noise) -> list[Card]:
    """A cat that sits on a window sill and looks out."""
    fur = Surface(m.FUR, ((times(0.45, m.FUR), scaled(0.7, _tabby)),), mottled(noise, 0.02, 0.2, 550, 4), wrap=0.2)
    body = union([ellipse(0, 0.10, 0.085, 0.115), ellipse(-0.01, 0.19, 0.058, 0.07), ellipse(0.05, 0.035, 0.06, 0.04)])
    head = union(
        [
            ellipse(-0.015, 0.275, 0.05, 0.044),
            convex((-0.06, 0.285), (-0.025, 0.305), (-0.052, 0.348)),
            convex((-0.005, 0.308), (0.03, 0.285), (0.026, 0.348)),
        ]
    )
    tail = union(
        [
            capsule(0.07, 0.02, 0.13, 0.012, 0.018, 0.016),
            capsule(0.13, 0.012, 0.17, -0.06, 0.016, 0.014),
            capsule(0.17, -0.06, 0.15, -0.11, 0.014, 0.011),
        ]
    )
    bounds = (-0.14, -0.15, 0.22, 0.38)
    parts = ((tail, 27.0, 0.015), (body, 31.0, 0.08), (head, 34.0, 0.045))
    return [
        Card(
            "cat",
            (x, y, z),
            bounds,
            outline,
            fur,
            Heat(celsius, scaled(1.0, mottled(noise, 0.1, 0.5, 551, 2))),
            relief,
            target=True,
            casts=True,
        )
        for outline, celsius, relief in parts
    ]


def _tabby(u: Plane, v: Plane, fu: Size, fv: Size) -> Plane:
    across = np.asarray(v + np.float32(0.25) * np.abs(u), np.float32)
    return pulses(across, 0.035, 0.4, np.asarray(fv, np.float32) + np.float32(0.012))

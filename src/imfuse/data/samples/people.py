"""People: bodies of capsules with clothes, warm where the skin is bare."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import hypot

from imfuse.data.samples import materials as m
from imfuse.data.samples.card import Card, Heat, Surface
from imfuse.data.samples.noise import Noise
from imfuse.data.samples.outlines import Outline, box, capsule, convex, ellipse, rounded, union
from imfuse.data.samples.spectra import Spectrum
from imfuse.data.samples.textures import mottled, scaled

_FEATURES = union(
    [
        *(ellipse(u, 1.652, 0.011, 0.007) for u in (-0.026, 0.034)),
        *(box(u - 0.014, 1.672, u + 0.014, 1.677) for u in (-0.026, 0.034)),
        capsule(-0.014, 1.592, 0.022, 1.592, 0.004),
    ]
)
"""Eyes, brows and mouth."""


@dataclass(frozen=True)
class Clothes:
    """What a person wears, and the reflectance of what is bare.

    Attributes:
        jacket: of the upper body.
        trousers: of the legs.
        hair: of the hair, or of a hat.
        skin: of face and hands.
    """

    jacket: Spectrum
    trousers: Spectrum
    hair: Spectrum = field(default_factory=lambda: m.HAIR)
    skin: Spectrum = field(default_factory=lambda: m.SKIN)


@dataclass(frozen=True)
class _Part:
    """One part of a body: outline, colour, temperature in °C, and how round it is in metres."""

    outline: Outline
    colour: Spectrum
    celsius: float
    relief: float
    barrel: float = 0.0


_TORSO = rounded(convex((-0.13, 0.88), (0.13, 0.88), (0.17, 1.38), (0.08, 1.47), (-0.08, 1.47), (-0.17, 1.38)), 0.05)


def person(
    name: str, x: float, z: float, clothes: Clothes, air: float, noise: Noise, salt: int, stride: float = 0.0
) -> list[Card]:
    """The cards of a person of 1.76 m who stands, or walks with a `stride` in metres, on the ground at (x, z).

    Clothes are between the temperature of the `air` and that of the skin, °C.
    """
    cloth = mottled(noise, 0.25, 0.12, salt, 4)
    folds = scaled(1.2, mottled(noise, 0.35, 0.6, salt + 1, 2))
    bounds = (-0.55 - stride, -0.02, 0.55 + stride, 1.84)
    cards = []
    for part in [*_limbs(clothes, air + 10, stride), *_trunk(clothes, air + 10)]:
        surface = Surface(part.colour, (), cloth if part.colour is not clothes.skin else None, wrap=0.25)
        heat = Heat(part.celsius, folds)
        place = (x, 0.0, z)
        card = Card(
            name, place, bounds, part.outline, surface, heat, part.relief, part.barrel, target=True, kind="person"
        )
        cards.append(card)
    return [*cards, _shadow(name, x, z)]


def _limbs(clothes: Clothes, cool: float, stride: float) -> list[_Part]:
    """Legs and arms."""
    parts = []
    for side in (-1.0, 1.0):
        foot = side * (0.11 + stride / 2)
        hip, knee = side * 0.09, side * (0.10 + stride / 4) + stride * 0.08
        leg = union([capsule(hip, 0.9, knee, 0.5, 0.095, 0.07), capsule(knee, 0.5, foot, 0.1, 0.07, 0.05)])
        shoe = capsule(foot - 0.03, 0.05, foot + 0.09, 0.04, 0.05, 0.04)
        parts += [_Part(leg, clothes.trousers, cool, 0.05), _Part(shoe, m.CLOTH_BLACK, cool - 4, 0.04)]
    for side in (-1.0, 1.0):
        shoulder, elbow, hand = side * 0.2, side * 0.275, side * (0.255 + stride * 0.4)
        upper = capsule(shoulder, 1.4, elbow, 1.14, 0.068, 0.058)
        arm = union([upper, capsule(elbow, 1.14, hand, 0.9, 0.056, 0.042)])
        palm = _Part(ellipse(hand, 0.84, 0.042, 0.06), clothes.skin, 29.0, 0.04)
        parts += [palm, _Part(arm, clothes.jacket, cool + 1, 0.042)]
    return parts


def _trunk(clothes: Clothes, cool: float) -> list[_Part]:
    """Upper body, neck and head."""
    return [
        _Part(_TORSO, clothes.jacket, cool + 3, 0.24, 0.24),
        _Part(capsule(0, 1.46, 0, 1.56, 0.055), clothes.skin, 33.0, 0.05),
        _Part(ellipse(0, 1.65, 0.088, 0.118), clothes.skin, 34.0, 0.085),
        _Part(ellipse(0, 1.70, 0.098, 0.085), clothes.hair, 26.0, 0.08),
        _Part(ellipse(0.004, 1.635, 0.074, 0.092), clothes.skin, 34.5, 0.074),
        _Part(_FEATURES, clothes.hair, 34.5, 0.0),
    ]


def _shadow(name: str, x: float, z: float) -> Card:
    """An unseen card that throws the shadow of a whole body."""
    parts = [capsule(0, 0.3, 0, 1.35, 0.17, 0.2), ellipse(0, 1.65, 0.1, 0.12), capsule(0, 0.0, 0, 0.4, 0.12)]
    turn = hypot(x, 1.0)
    right = (1 / turn, 0.0, x / turn)
    surface = Surface(m.CLOTH_BLACK)
    bounds = (-0.5, 0, 0.5, 1.85)
    return Card(name, (x, 0, z), bounds, union(parts), surface, casts=True, visible=False, right=right)

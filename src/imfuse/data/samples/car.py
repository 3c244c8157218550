"""A parked car, seen from the side, with a warm bonnet."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from imfuse.data.samples import materials as m
from imfuse.data.samples.card import Card, Glow, Heat, Pattern, Surface
from imfuse.data.samples.noise import Noise
from imfuse.data.samples.outlines import Outline, box, capsule, convex, ellipse, rounded, union, without
from imfuse.data.samples.spectra import Spectrum, black_body, reflectance, times
from imfuse.data.samples.textures import mottled, radial, ramp, scaled, total

_BOUNDS = (-0.1, 0.0, 4.4, 1.6)
_LOWER = rounded(
    convex((0.12, 0.38), (4.14, 0.36), (4.2, 0.62), (4.08, 0.74), (2.95, 0.86), (0.2, 0.88), (0.08, 0.7)), 0.07
)
_CABIN = rounded(convex((0.62, 0.85), (3.1, 0.85), (2.42, 1.34), (1.2, 1.36)), 0.08)
_AXLES = (0.86, 3.42)
_ARCHES = union([ellipse(axle, 0.33, 0.40, 0.40) for axle in _AXLES])
_DOORS = union(
    [
        box(1.72, 0.42, 1.735, 0.9),
        box(2.82, 0.42, 2.835, 0.86),
        box(1.4, 0.75, 1.52, 0.775),
        box(2.5, 0.75, 2.62, 0.775),
    ]
)
_ENGINE: Pattern = total(scaled(16.0, radial(3.55, 0.78, 0.42)), ramp(0.3, 1.4))


@dataclass(frozen=True)
class _Maker:
    """Makes the parts of one car, whose tail is at (x, z); temperatures are relative to its own, in °C."""

    name: str
    x: float
    z: float
    celsius: float

    def part(self, outline: Outline, surface: Surface, heat: Heat, relief: float = 0.0) -> Card:
        warm = replace(heat, celsius=heat.celsius + self.celsius)
        return Card(self.name, (self.x, 0, self.z), _BOUNDS, outline, surface, warm, relief, kind="car")


def car(name: str, x: float, z: float, noise: Noise, salt: int, paint: Spectrum, celsius: float) -> list[Card]:
    """A saloon of 4.3 m whose tail is at (x, z) and whose bonnet, still warm, is to the right."""
    maker = _Maker(name, x, z, celsius)
    skin = Surface(paint, (), mottled(noise, 1.5, 0.05, salt, 2), 0.35, 30.0)
    under = union([box(0.5, 0.16, 3.8, 0.6), _ARCHES])
    body, warm = without(union([_LOWER, _CABIN]), _ARCHES), Heat(0.0, _ENGINE, 0.9)
    cards = [
        maker.part(under, Surface(m.RUBBER), Heat(2.0, scaled(8.0, radial(3.3, 0.4, 0.5)))),
        maker.part(body, skin, warm, 0.10),
        maker.part(capsule(0.25, 0.70, 4.0, 0.66, 0.008), Surface(times(0.35, paint)), warm),
        maker.part(_DOORS, Surface(times(0.3, paint)), warm),
        *_glass(maker),
        *_wheel(maker, _AXLES[0], 2.0),
        *_wheel(maker, _AXLES[1], 5.0),
        *_lamps(maker),
    ]
    whole = union([_LOWER, _CABIN, box(0.4, 0.0, 3.9, 0.5)])
    return [*cards, Card(name, (x, 0, z), _BOUNDS, whole, skin, casts=True, visible=False)]


def _glass(maker: _Maker) -> list[Card]:
    rear = rounded(convex((0.86, 0.93), (1.66, 0.93), (1.66, 1.29), (1.26, 1.29)), 0.02)
    front = rounded(convex((1.80, 0.93), (2.86, 0.92), (2.36, 1.28), (1.80, 1.29)), 0.02)
    glass = Surface(m.GLASS, ((reflectance(0.1, 0.11, 0.13, 0.1), ramp(0.95, 1.45)),), None, 0.5, 60.0)
    return [maker.part(outline, glass, Heat(1.5, None, 0.85)) for outline in (rear, front)]


def _wheel(maker: _Maker, axle: float, warmer: float) -> list[Card]:
    angles = [0.3 + 2 * np.pi * spoke / 5 for spoke in range(5)]
    ends = [(axle + 0.17 * float(np.cos(a)), 0.33 + 0.17 * float(np.sin(a))) for a in angles]
    rim = without(ellipse(axle, 0.33, 0.215, 0.215), ellipse(axle, 0.33, 0.18, 0.18))
    metal = Surface(m.METAL, gloss=0.2)
    parts = [
        (ellipse(axle, 0.33, 0.33, 0.33), Surface(m.RUBBER)),
        (ellipse(axle, 0.33, 0.21, 0.21), Surface(m.METAL_DARK)),
        (union([capsule(axle, 0.33, u, v, 0.022) for u, v in ends]), metal),
        (rim, metal),
    ]
    return [maker.part(outline, surface, Heat(warmer)) for outline, surface in parts]


def _lamps(maker: _Maker) -> list[Card]:
    tail = Surface(reflectance(0.4, 0.03, 0.03, 0.4), glows=(Glow(times(0.02, black_body(2000))),))
    rear = rounded(convex((0.07, 0.66), (0.24, 0.68), (0.24, 0.80), (0.09, 0.78)), 0.015)
    front = rounded(convex((3.92, 0.60), (4.2, 0.57), (4.16, 0.68), (3.98, 0.72)), 0.015)
    return [maker.part(rear, tail, Heat(0.0)), maker.part(front, Surface(m.PAINT_WHITE, gloss=0.6), Heat(4.0))]

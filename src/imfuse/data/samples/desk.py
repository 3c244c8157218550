"""Things on a desk: books, a bottle, a mug of coffee, a notebook with a pencil."""

from __future__ import annotations

import numpy as np

from imfuse.data.samples import materials as m
from imfuse.data.samples.card import AWAY, Card, Heat, Pattern, Surface
from imfuse.data.samples.noise import Noise, Plane
from imfuse.data.samples.outlines import Outline, Size, box, capsule, convex, ellipse, rounded, union, without
from imfuse.data.samples.spectra import Spectrum, times
from imfuse.data.samples.still_life import ROOM
from imfuse.data.samples.textures import any_of, mottled, product, radial, scaled, shape, spots, stripes

_ROW = 0.0135
"""Distance of the lines in the notebook, metres."""


def book(
    name: str, left: float, front: float, base: float, size: tuple[float, float, float], cover: Spectrum,
    noise: Noise, salt: int,
) -> list[Card]:  # fmt: skip
    """A lying book with its spine towards the camera; `size` is (width, depth, thickness)."""
    width, depth, thick = size
    cloth, heat = mottled(noise, 0.004, 0.1, salt, 3), Heat(ROOM + 0.3)
    letters = product(stripes(0.011, 0.62, True), spots(noise, 0.006, -0.5, 0.4, salt + 1, 2))
    title = product(letters, shape(box(width * 0.3, thick * 0.36, width * 0.7, thick * 0.64)))
    bands = shape(union([box(width * a, 0, width * a + 0.004, thick) for a in (0.07, 0.1, 0.88, 0.91)]))
    edges = [box(d, d, width - d, depth - d) for d in (0.02, 0.024)]
    frame = shape(without(edges[0], edges[1]), 0.8)
    face = Surface(cover, ((m.GOLD, frame),), cloth, 0.08, 12.0)
    spine = Surface(cover, ((m.GOLD, any_of(title, bands)),), cloth, 0.08, 12.0)
    top, side = (0.0, 0.0, width, depth), (0.0, 0.0, width, thick)
    return [
        Card(name, (left, base + thick, front), top, box(*top), face, heat, casts=True, up=AWAY),
        Card(name, (left, base, front), side, box(*side), spine, heat, casts=True),
    ]


def bottle(x: float, z: float, noise: Noise) -> list[Card]:
    """A green wine bottle with a paper label and a red capsule."""
    parts = [
        rounded(box(-0.028, 0.012, 0.028, 0.185), 0.009),
        convex((-0.037, 0.18), (0.037, 0.18), (0.016, 0.235), (-0.016, 0.235)),
        capsule(0, 0.18, 0, 0.215, 0.034, 0.018),
        box(-0.0145, 0.22, 0.0145, 0.3),
    ]
    shine = (times(4.0, m.GLASS_GREEN), scaled(0.6, radial(0.016, 0.12, 0.012)))
    green = Surface(m.GLASS_GREEN, (shine,), None, 0.9, 70.0, 0.5)
    words = product(stripes(0.016, 0.4, False), spots(noise, 0.007, -0.4, 0.5, 501, 2))
    text = product(words, shape(box(-0.025, 0.07, 0.025, 0.137), 0.85))
    rules = shape(union([box(-1, 0.062, 1, 0.065), box(-1, 0.14, 1, 0.143)]))
    paper, red = Surface(m.PAPER, ((m.BOOK_RED, text), (m.GOLD, rules))), Surface(m.BOOK_RED, gloss=0.3)
    place, bounds, heat = (x, 0.0, z), (-0.06, 0.0, 0.06, 0.33), Heat(ROOM - 2, None, 0.9)
    label, neck = box(-0.037, 0.06, 0.037, 0.145), box(-0.0155, 0.255, 0.0155, 0.303)
    return [
        Card("bottle", place, bounds, union(parts), green, heat, barrel=0.038, opacity=0.9, casts=True),
        Card("bottle", place, bounds, label, paper, heat, barrel=0.039),
        Card("bottle", place, bounds, neck, red, heat, barrel=0.016),
    ]


def mug(x: float, z: float, noise: Noise) -> list[Card]:
    """A mug of hot coffee, coolest at its foot."""
    hot = Heat(38.0, lambda u, v, fu, fv: np.asarray(-90 * np.maximum(0.022 - v, 0), np.float32))
    grain, band = mottled(noise, 0.02, 0.04, 510, 3), shape(box(-1, 0.055, 1, 0.068))
    glaze = Surface(m.CERAMIC_BLUE, ((m.CERAMIC, band),), grain, 0.4, 40.0, 0.1)
    handle = without(ellipse(0.05, 0.052, 0.03, 0.034), ellipse(0.05, 0.052, 0.017, 0.021))
    body = union([box(-0.042, 0.012, 0.042, 0.092), ellipse(0, 0.012, 0.042, 0.011)])

    def part(outline: Outline, surface: Surface, heat: Heat, barrel: float = 0.0, casts: bool = False) -> Card:
        bounds = (-0.06, -0.005, 0.1, 0.12)
        return Card("mug", (x, 0, z), bounds, outline, surface, heat, 0.0, barrel, target=True, casts=casts)

    return [
        part(handle, glaze, Heat(33.0)),
        part(body, glaze, hot, 0.042, True),
        part(ellipse(0, 0.092, 0.042, 0.0115), Surface(m.CERAMIC), hot),
        part(ellipse(0, 0.092, 0.0385, 0.0095), Surface(times(0.5, m.CERAMIC_BLUE)), hot),
        part(ellipse(0, 0.0895, 0.035, 0.0065), Surface(m.COFFEE, gloss=0.05), Heat(43.0)),
    ]


def notebook(x: float, z: float, noise: Noise) -> list[Card]:
    """An open notebook with handwriting, and a pencil across it."""
    lines = stripes(_ROW, 0.06, False, 0.5)
    layers = ((m.BOOK_BLUE, lines), (m.INK, _writing(noise)), (times(0.45, m.PAPER), scaled(0.8, _fold)))
    paper = Surface(m.PAPER, layers, mottled(noise, 0.05, 0.02, 522))
    tip = capsule(0.02, 0.02, 0.008, 0.017, 0.0045, 0.001)
    rubber, lead = shape(box(0.133, 0, 0.2, 1)), shape(box(-1, -1, 0.011, 1))
    wood = Surface(m.WOOD_PALE, ((m.INK, lead),))
    paint = Surface(m.LEMON, ((m.BOOK_RED, rubber),), gloss=0.3)

    def lying(name: str, outline: Outline, surface: Surface, y: float, relief: float = 0.0) -> Card:
        bounds = (-0.18, -0.01, 0.18, 0.24)
        return Card(name, (x, y, z), bounds, outline, surface, Heat(ROOM + 0.3), relief, casts=True, up=AWAY)

    return [
        lying("notebook", box(-0.168, -0.006, 0.168, 0.232), Surface(m.BOOK_BLUE), 0.002),
        lying("notebook", box(-0.164, 0, 0.164, 0.225), paper, 0.008),
        lying("pencil", tip, wood, 0.0125),
        lying("pencil", capsule(0.02, 0.02, 0.145, 0.05, 0.006), paint, 0.0125, 0.004),
    ]


def _writing(noise: Noise) -> Pattern:
    """Words of loops on the lines of both pages."""
    pages = shape(union([box(-0.146, 0.02, -0.014, 0.2), box(0.014, 0.07, 0.14, 0.2)]))

    def pattern(u: Plane, v: Plane, fu: Size, fv: Size) -> Plane:
        row = np.floor(v / np.float32(_ROW))
        loops = noise.fractal(u, row * np.float32(0.37), 0.0065, fu, 2, 520)
        rise = np.abs(v / np.float32(_ROW) - row - np.float32(0.45) - np.float32(0.13) * loops)
        words = np.clip(noise.fractal(u, row * np.float32(0.91), 0.03, fu, 1, 521) * 2 + 1.7, 0, 1)
        width = np.asarray(0.10 + fv / _ROW * 0.3, np.float32)
        stroke = np.clip(1.4 - rise / width, 0, 1) * np.clip(0.10 / width, 0, 1)
        return np.asarray(stroke * words * pages(u, v, fu, fv), np.float32)

    return pattern


def _fold(u: Plane, v: Plane, fu: Size, fv: Size) -> Plane:
    """The valley between two pages."""
    return np.asarray(np.exp(-np.abs(u) / np.float32(0.008)), np.float32)

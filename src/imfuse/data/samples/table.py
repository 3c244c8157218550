"""A table before a window on a sunny day: the room is dark and the view outside is bright."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from imfuse.data.samples import materials as m
from imfuse.data.samples.backdrop import Sky, hills, sky
from imfuse.data.samples.card import AWAY, Card, Contact, Heat, Light, Pattern, Scene, Surface
from imfuse.data.samples.desk import book, bottle, mug, notebook
from imfuse.data.samples.noise import Noise, Plane
from imfuse.data.samples.outlines import Outline, Size, box, convex, ellipse, everywhere, ragged, union, without
from imfuse.data.samples.plants import Foliage, hedge, tree
from imfuse.data.samples.spectra import black_body, sky_light, times
from imfuse.data.samples.still_life import ROOM, apple, ball, bowl, cat, citrus, pot_plant
from imfuse.data.samples.textures import cells, mottled, product, scaled, shape, spots, stripes

_WALL = 2.6
_OPEN = (-1.2, 0.06, 0.12, 1.16)
"""The window's opening: left, bottom, right, top, metres."""
_OUTSIDE = 22.0
_SKY = Sky(
    zenith=times(9.0, sky_light(0.9)), horizon=times(14.0, sky_light(0.35)), sunset=times(2.0, sky_light(0.0)),
    clouds=times(26.0, sky_light(0.0)), cover=0.1, celsius=4.0, rise=8.0,
)  # fmt: skip


def _view(noise: Noise, salt: int) -> list[Card]:
    """What is seen through the window: all of it far brighter than the room, and 1.2 metres lower."""
    lawn = Surface(m.GRASS, ((m.GRASS_DRY, spots(noise, 2.0, 0.5, 1.2, 300)),), mottled(noise, 1.5, 0.15, 301))
    leafage = Foliage(0.14, 9)
    near = [
        Card("lawn", (0, 0, 0), None, everywhere, lawn, Heat(16.0), up=AWAY),
        hedge("outside", -60, 60, 34.0, 1.1, noise, 310, 15.0, 0.12),
        *tree("outside", -2.6, 30.0, 6.0, 2.3, noise, salt + 3, 15.0, leafage),
        *tree("outside", -9.5, 24.0, 7.5, 2.6, noise, salt, 15.0, leafage),
    ]
    return [sky(_SKY, noise), *hills(noise, m.HILL, 14.0, (60.0, 14.0), _OUTSIDE), *map(_outdoors, near)]


def _outdoors(card: Card) -> Card:
    x, y, z = card.origin
    return replace(card, origin=(x, y - 1.2, z), ambience=_OUTSIDE, casts=False)


def _wall(noise: Noise) -> list[Card]:
    """The papered wall with its opening, the glass, the frame and the sill."""
    left, bottom, right, top = _OPEN
    solid = without(box(-60, -3, 60, 40), box(*_OPEN))
    dark = (times(0.84, m.WALLPAPER), stripes(0.16, 0.5, True))
    paper = Surface(m.WALLPAPER, (dark,), mottled(noise, 0.6, 0.03, 320))
    white = Surface(m.PAINT_WHITE, (), mottled(noise, 0.2, 0.03, 321))
    ledge, edge = (left - 0.12, 0.0, right + 0.12, 0.2), (left - 0.12, 0.0, right + 0.12, 0.04)
    around = (left - 0.08, bottom - 0.03, right + 0.08, top + 0.08)
    place, shelf = (0.0, 0.0, _WALL), (0.0, bottom - 0.01, _WALL - 0.2)
    return [
        Card("pane", place, _OPEN, box(*_OPEN), Surface(m.NOTHING), Heat(15.0, None, 0.85), opacity=0.0),
        Card("wall", place, (-60, -3, 60, 40), solid, paper, Heat(ROOM - 1), casts=True),
        Card("wall", (0, 0, _WALL - 0.01), around, _bars(), white, Heat(ROOM - 2), casts=True),
        Card("wall", shelf, ledge, box(*ledge), white, Heat(ROOM - 1), up=AWAY),
        Card("wall", (0, bottom - 0.05, _WALL - 0.2), edge, box(*edge), white, Heat(ROOM - 1), casts=True),
    ]


def _bars() -> Outline:
    """The window's frame and bars."""
    left, bottom, right, top = _OPEN
    middle = (left + right) / 2
    outer = box(left - 0.07, bottom - 0.02, right + 0.07, top + 0.07)
    inner = box(left + 0.035, bottom + 0.035, right - 0.035, top - 0.035)
    upright = box(middle - 0.03, bottom, middle + 0.03, top)
    return union([upright, box(left, 0.749, right, 0.771), without(outer, inner)])


def _curtain(noise: Noise) -> Card:
    cloth = Surface(m.CURTAIN, ((times(0.35, m.CURTAIN), _folds),), mottled(noise, 0.02, 0.05, 330, 3), wrap=0.8)
    hang = convex((0.05, -0.7), (0.42, -0.7), (0.44, 1.3), (0.02, 1.3))
    outline = ragged(hang, noise, 0.5, 0.004, 331, 2)
    bounds = (-0.1, -0.7, 0.55, 1.3)
    return Card("curtain", (0, 0, _WALL - 0.12), bounds, outline, cloth, Heat(ROOM - 0.5), casts=True)


def _folds(u: Plane, v: Plane, fu: Size, fv: Size) -> Plane:
    phase = u * np.float32(78) + np.float32(1.5) * np.sin(u * np.float32(23) + v)
    return np.asarray(0.45 - 0.45 * np.cos(phase), np.float32)


def _picture(noise: Noise) -> list[Card]:
    """A framed landscape on the wall."""
    outer, inner = box(0.78, 0.34, 1.36, 0.78), box(0.83, 0.39, 1.31, 0.73)
    ridge = ragged(box(-9, -9, 9, 0.52), noise, 0.3, 0.03, 340, 5)
    near = ragged(box(-9, -9, 9, 0.45), noise, 0.2, 0.02, 341, 5)
    layers = (
        (m.PAPER, spots(noise, 0.12, 0.4, 1.5, 342, 4)),
        (m.BOOK_BLUE, shape(ridge, 0.8)),
        (m.LEAF_DARK, shape(near)),
        (m.GOLD, shape(ellipse(1.12, 0.62, 0.035, 0.035))),
    )
    bounds = (0.7, 0.3, 1.4, 0.8)
    paint = Surface(times(0.8, m.PLASTER_GREY), layers, mottled(noise, 0.008, 0.08, 343, 3))
    wood = Surface(m.WOOD_DARK, (), mottled(noise, 0.02, 0.15, 344, 3), 0.1)
    place = (0.0, 0.0, _WALL - 0.02)
    return [
        Card("picture", place, bounds, outline, surface, Heat(ROOM - 0.7), casts=True)
        for outline, surface in ((outer, wood), (inner, paint))
    ]


def _grain(noise: Noise) -> Pattern:
    """Rings of wood, cut lengthwise, in planks of 27 cm."""

    def pattern(u: Plane, v: Plane, fu: Size, fv: Size) -> Plane:
        plank = np.floor(v / np.float32(0.27))
        bend = noise.fractal(u * np.float32(0.25), v + plank, 0.2, np.maximum(fu, fv), 2, 350)
        rings = np.sin((v + plank * np.float32(0.7)) * np.float32(240) + bend * np.float32(9))
        fade = np.clip(np.float32(0.013) / np.asarray(fv, np.float32) - 1, 0, 1)
        return np.asarray(np.clip(0.32 + 0.3 * rings * fade, 0, 1), np.float32)

    return pattern


def _top(noise: Noise) -> list[Card]:
    """The floor, and the table of planks."""
    fibres = product(
        mottled(noise, 0.012, 0.09, 351, 3, stretch=14.0),
        mottled(noise, 0.1, 0.05, 352, 3, stretch=5.0),
        cells(noise, 50.0, 0.27, 0.09, 353),
    )
    gaps = stripes(0.27, 0.012, False, 0.85)
    oak = Surface(m.WOOD, ((times(0.52, m.WOOD), _grain(noise)), (m.INK, gaps)), fibres, 0.10, 18.0)
    board, ground = (-3.0, 0.2, 3.0, 1.95), (-50.0, 0.2, 50.0, _WALL)
    heat = Heat(ROOM, scaled(0.5, mottled(noise, 0.3, 0.5, 354, 2)))
    return [
        Card("floor", (0, -0.75, 0), ground, box(*ground), Surface(m.WOOD_DARK), Heat(ROOM - 1), up=AWAY),
        Card("table", (0, 0, 0), board, box(*board), oak, heat, casts=True, up=AWAY),
    ]


def _things(noise: Noise, salt: int, shift: list[float]) -> list[Card]:
    """From far to near."""
    a, b, c, d = shift
    cards = pot_plant(0.82 + a, 1.75, noise, salt)
    cards += book("book a", 0.28 + b, 1.34, 0.0, (0.36, 0.25, 0.045), m.BOOK_BLUE, noise, 400)
    cards += book("book b", 0.31 + b, 1.36, 0.045, (0.32, 0.22, 0.035), m.BOOK_RED, noise, 410)
    cards += book("book c", 0.33 + b - a, 1.37, 0.08, (0.29, 0.2, 0.03), m.BOOK_GREEN, noise, 420)
    cards += ball("green apple", 0.47 + b, 0.148, 1.45, 0.04, apple(noise, 430, -0.7), 0.92, True)
    cards += bottle(-0.52 + c, 1.42, noise)
    fruit = ball("fruit", -0.06 + d, 0.125, 1.26, 0.046, apple(noise, 440, 0.6), 0.92, True)
    fruit += ball("fruit", 0.035 + d, 0.12, 1.25, 0.045, citrus(noise, 450, m.ORANGE), 0.97)
    fruit += ball("fruit", -0.015 + d, 0.108, 1.22, 0.043, apple(noise, 460, 0.1), 0.92, True)
    cards += bowl(d, 1.25, fruit, noise)
    cards += ball("lemon", -0.36, 0.036, 1.08, 0.043, citrus(noise, 470, m.LEMON), 0.8)
    cards += mug(-0.25 + a, 0.84, noise)
    cards += notebook(0.20 + b, 0.73, noise)
    return cards


def _contacts(shift: list[float]) -> tuple[Contact, ...]:
    a, b, c, d = shift
    places = (
        *((0.82 + a, 1.75, 0.09, 0.06), (0.46 + b, 1.34, 0.24, 0.03), (-0.52 + c, 1.41, 0.05, 0.03)),
        *((d, 1.2, 0.12, 0.05), (-0.36, 1.07, 0.04, 0.02), (-0.25 + a, 0.835, 0.05, 0.02)),
    )
    return tuple(Contact(x, z, wide, long, 0.6) for x, z, wide, long in places)


def table(seed: int) -> Scene:
    """The scene for a seed; the seed moves the things a little and changes grain, fruit and clouds."""
    noise, draw = Noise(seed), np.random.default_rng((seed & 0xFFFFFFFF, 3))
    shift = [float(v) for v in draw.uniform(-0.02, 0.02, 4)]
    salt = int(draw.integers(1 << 20))
    cards = [
        *(*_view(noise, salt), *_wall(noise), *_picture(noise), _curtain(noise), *cat(-0.18, 0.05, 2.45, noise)),
        *(*_top(noise), *_things(noise, salt, shift)),
    ]
    lights = (
        Light(times(6.0, black_body(5000)), None, (-0.42, 0.52, 1.0), 0.02),
        Light(times(1.6, sky_light(0.3)), (-0.54, 0.62, _WALL - 0.05), (0, 0, -1), 0.45),
        Light(times(1.5, black_body(3300)), (0.7, 1.1, 0.0), (0, 0, 1), 0.15),
    )
    return Scene(
        tuple(cards), lights, sky=times(0.30, sky_light(0.2)), bounce=times(0.10, black_body(3800)),
        eye=(0.0, 0.36, 0.0), focal=0.9, horizon=0.36, contacts=_contacts(shift), cold=8.0, exposure=0.65,
        infrared_exposure=0.3, light_level=6000.0, focus=(0.8, 2.6),
    )  # fmt: skip

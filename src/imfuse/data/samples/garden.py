"""A garden on a summer's day: a house, trees, a bench, flowers, a pond, hills in the haze."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from imfuse.data.samples import materials as m
from imfuse.data.samples.backdrop import Sky, hills, sky
from imfuse.data.samples.buildings import House, brick_wall, house
from imfuse.data.samples.card import AWAY, Card, Contact, Glow, Heat, Light, Scene, Surface
from imfuse.data.samples.noise import Noise, Plane
from imfuse.data.samples.outlines import Size, box, ellipse, everywhere, ragged, union
from imfuse.data.samples.people import Clothes, person
from imfuse.data.samples.plants import Foliage, clump, hedge, leaves, tree
from imfuse.data.samples.spectra import Spectrum, black_body, sky_light, times
from imfuse.data.samples.textures import mottled, product, scaled, shape, spots

_SKY = Sky(
    times(0.22, sky_light(1.15)),
    times(0.34, sky_light(0.5)),
    times(0.1, sky_light(0.0)),
    times(0.75, sky_light(0.0)),
    0.15,
    2.0,
    14.0,
)
_AIR = 22.0


def _path(u: Plane, v: Plane, fu: Size, fv: Size) -> Plane:
    """A gravel path that winds from the foreground to the door."""
    middle = np.float32(0.3) + np.float32(1.1) * np.sin(v * np.float32(0.22) - np.float32(0.6)) + np.float32(0.09) * v
    edge = np.float32(0.75) - np.abs(u - middle)
    width = np.asarray(fu + 0.4 * np.asarray(fv), np.float32)
    return np.asarray(np.clip(edge / width + np.float32(0.5), 0, 1) * (v < 21), np.float32)


def _lawn(noise: Noise) -> Card:
    bed = ragged(ellipse(4.6, 8.6, 2.1, 1.5), noise, 1.0, 0.12, 200)
    shore = ragged(ellipse(-4.6, 8.6, 2.35, 1.25), noise, 1.2, 0.1, 201)
    layers = (
        (m.GRASS_DRY, scaled(0.7, spots(noise, 1.6, 0.7, 1.6, 202))),
        (m.LEAF_DARK, scaled(0.6, spots(noise, 0.12, 0.5, 1.0, 203, 3))),
        (times(0.72, m.GRAVEL), _path),
        (m.SOIL, shape(bed)),
        (m.KERB, shape(shore)),
    )
    grain = product(mottled(noise, 2.2, 0.12, 204, 3), mottled(noise, 0.11, 0.17, 205, 4))
    heat = Heat(
        24.0,
        lambda u, v, fu, fv: 8.0 * _path(u, v, fu, fv) + scaled(1.2, mottled(noise, 1.5, 0.6, 206, 3))(u, v, fu, fv),
        0.97,
    )
    return Card("lawn", (0, 0, 0), None, everywhere, Surface(m.GRASS, layers, grain), heat, up=AWAY)


def _pond(noise: Noise) -> Card:
    outline = ragged(ellipse(-4.6, 8.6, 2.15, 1.05), noise, 1.2, 0.1, 201)

    def mirror(u: Plane, v: Plane, fu: Size, fv: Size) -> Plane:
        waves = noise.fractal(u * np.float32(0.35), v, 0.35, np.maximum(fu, fv), 3, 210)
        return np.asarray(np.clip(0.62 + 0.16 * waves + 0.10 * (v - 8.6), 0, 2), np.float32)

    water = Surface(m.WATER, glows=(Glow(times(0.26, sky_light(0.9)), mirror),))
    return Card("pond", (0, 0.005, 0), (-7.5, 6.8, -1.5, 10.4), outline, water, Heat(17.0, None, 0.97), up=AWAY)


def _bench(x: float, z: float, noise: Noise) -> list[Card]:
    """A bench of wooden slats, 1.7 m wide."""
    wood = Surface(times(0.6, m.WOOD), (), mottled(noise, 0.03, 0.14, 220, 4, stretch=8.0))
    iron = Surface(m.METAL_DARK, gloss=0.1)
    back = union([box(-0.85, v, 0.85, v + 0.075) for v in (0.55, 0.66, 0.77)])
    seat = union([box(-0.85, v, 0.85, v + 0.085) for v in (0.0, 0.11, 0.22, 0.33)])
    legs = union([box(u, 0.0, u + 0.06, 0.9) for u in (-0.8, 0.74)])
    front = union(
        [
            *(box(u, 0.0, u + 0.06, 0.62) for u in (-0.8, 0.74)),
            *(box(u - 0.01, 0.6, u + 0.07, 0.64) for u in (-0.8, 0.74)),
        ]
    )
    bounds = (-0.9, 0.0, 0.9, 0.95)
    warm = Heat(29.0)
    return [
        Card("bench", (x, 0, z + 0.45), bounds, legs, iron, Heat(27.0), casts=True),
        Card("bench", (x, 0, z + 0.44), bounds, back, wood, warm, casts=True),
        Card("bench", (x, 0.43, z), bounds, seat, wood, Heat(31.0), casts=True, up=AWAY),
        Card("bench", (x, 0.0, z), bounds, box(-0.85, 0.395, 0.85, 0.43), wood, warm),
        Card("bench", (x, 0, z), bounds, front, iron, Heat(27.0), casts=True),
    ]


def _flowers(noise: Noise, salt: int) -> list[Card]:
    """Clumps of leaves with blossoms, from far to near."""
    draw = np.random.default_rng((salt, 5))
    cards = []
    colours = (m.FLOWER_RED, m.FLOWER_YELLOW, m.FLOWER_VIOLET, m.PAPER)
    for index, z in enumerate(np.linspace(9.8, 7.5, 12)):
        reach = 1.9 * float(np.sqrt(max(1 - ((z - 8.6) / 1.45) ** 2, 0.02)))
        x = 4.6 + reach * float(draw.uniform(-0.9, 0.9))
        size = float(draw.uniform(0.3, 0.45))
        surface = _blossoms(noise, salt + 13 * index, colours[index % 4])
        cards.append(
            clump(
                "flowers",
                (x, size * 0.75, float(z)),
                (size * 1.25, size),
                noise,
                salt + index,
                surface,
                23.0,
                0.07,
                True,
            )
        )
    return cards


def _blossoms(noise: Noise, salt: int, colour: Spectrum) -> Surface:
    green = leaves(noise, salt, 0.06)
    return replace(green, layers=(*green.layers, (colour, spots(noise, 0.17, 0.75, 0.35, salt + 8, 2))))


def _house(noise: Noise) -> list[Card]:
    """A house of bricks with six windows and shrubs before it."""
    rows = ((0.8, 1.1), (2.7, 1.1), (6.6, 1.1), (0.8, 3.1), (4.0, 3.1), (6.6, 3.1))
    plan = House(
        "house", 2.6, 22.0, width=9.0, length=8.0, height=4.8, ridge=7.8, gable=False, wall=brick_wall(noise, 230),
        roof=m.ROOF_TILE, windows=tuple((u, v, False) for u, v in rows), lit=m.NOTHING, warmth=29.0, door=4.6,
    )  # fmt: skip
    surface = leaves(noise, 250, 0.08)
    shrubs = [
        clump("shrub", (x, 0.5, 21.3), (0.8, 0.7), noise, 260 + index, surface, 22.5, 0.08)
        for index, x in enumerate((3.6, 5.5, 9.9))
    ]
    return [*house(plan, noise, 230), *shrubs]


def _far_trees(noise: Noise, salt: int) -> list[Card]:
    places = ((-24.0, 52.0, 13.0), (-12.0, 60.0, 11.0), (-3.5, 48.0, 9.0), (19.0, 50.0, 13.0))
    cards = []
    for x, z, height in places:
        cards += tree("far trees", x, z, height, height * 0.36, noise, salt + int(z), 22.0, Foliage(0.3, 8))
    return cards


def garden(seed: int) -> Scene:
    """The scene for a seed; the seed moves people and plants a little and changes the clouds."""
    noise, draw = Noise(seed), np.random.default_rng((seed & 0xFFFFFFFF, 2))
    a, b, c, d = (float(v) for v in draw.uniform(-0.3, 0.3, 4))
    salt = int(draw.integers(1 << 20))
    green = Clothes(m.CLOTH_GREEN, m.CLOTH_GREEN, m.CLOTH_GREEN, m.CLOTH_GREEN)
    cards = [
        *(sky(_SKY, noise), *hills(noise, m.HILL, 20.0, (95.0, 34.0)), _lawn(noise), *_far_trees(noise, salt)),
        *(hedge("hedge", -40.0, -2.2, 26.0, 1.7, noise, 240, 22.0, 0.1), *_house(noise)),
        *person("gardener", a - 7.6, 17.5, green, _AIR, noise, salt + 5),
        *tree("tree", b - 5.4, 15.0, 8.2, 3.3, noise, salt, 22.5, Foliage(0.13, 14)),
        *person("guest", 1.75 + 0.3 * c, 11.5, Clothes(m.CLOTH_BLUE, m.PLASTER_CREAM), _AIR, noise, salt + 6, 0.3),
        *(_pond(noise), *_flowers(noise, salt), *_bench(0.3 * d - 1.5, 9.6, noise)),
    ]
    contacts = (
        *(Contact(b - 5.4, 15, 1.0, 0.7, 0.6), Contact(0.3 * d - 1.5, 9.8, 0.9, 0.3, 0.6)),
        *(Contact(1.75 + 0.3 * c, 11.5, 0.25, 0.15), Contact(a - 7.6, 17.5, 0.25, 0.2)),
    )
    return Scene(
        tuple(cards), (Light(times(1.45, black_body(5400)), None, (-0.75, 0.85, -0.55), 0.03),),
        sky=times(0.26, sky_light(0.75)), bounce=times(0.11, sky_light(0.0)), eye=(0.0, 1.7, 0.0), focal=0.85,
        horizon=0.47, haze=(0.0016, times(0.40, sky_light(0.6))), contacts=contacts, cold=0.0, exposure=1.15,
        infrared_exposure=0.75, light_level=12000.0, focus=(5.0, 40.0),
    )  # fmt: skip

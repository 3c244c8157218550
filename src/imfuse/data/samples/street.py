"""A street at nightfall: houses, a lamp, a parked car; one person under the lamp and one in deep shadow."""

from __future__ import annotations

import numpy as np

from imfuse.data.samples import materials as m
from imfuse.data.samples.backdrop import Sky, hills, sky
from imfuse.data.samples.buildings import House, brick_wall, house, plaster_wall
from imfuse.data.samples.car import car
from imfuse.data.samples.card import AWAY, Card, Contact, Glow, Heat, Light, Scene, Surface, Vector
from imfuse.data.samples.noise import Noise, Plane
from imfuse.data.samples.outlines import Size, box, capsule, convex, ellipse, everywhere, union
from imfuse.data.samples.people import Clothes, person
from imfuse.data.samples.plants import Foliage, clump, hedge, leaves, tree
from imfuse.data.samples.spectra import black_body, reflectance, sky_light, times
from imfuse.data.samples.textures import any_of, joints, mottled, product, pulses, scaled, shape, spots, stripes, total

_AIR = 8.0
_LAMP: Vector = (4.3, 4.7, 9.6)


_SKY = Sky(
    times(0.008, sky_light(1.0)),
    times(0.034, sky_light(0.55)),
    times(0.075, black_body(3300)),
    times(0.022, sky_light(0.25)),
    0.0,
    -14.0,
    18.0,
)


def _ground(noise: Noise) -> Card:
    """Grass, pavements, the road along x, and a side street that runs away from the camera."""
    road = shape(box(-500, 4.2, 500, 11.0))
    side = shape(convex((-1.9, 10.5), (1.9, 10.5), (1.9, 400), (-1.9, 400)))
    corners = shape(convex((-3.0, 10.9), (3.0, 10.9), (1.9, 12.2), (-1.9, 12.2)))
    paths = [shape(box(-500, 11.2, 500, 13.0)), shape(box(-3.4, 11.2, 3.4, 200)), shape(box(-500, 0, 500, 4.0))]
    kerbs = [shape(box(-500, 11.0, 500, 11.2)), shape(box(-500, 4.0, 500, 4.2)), shape(box(-2.1, 11.0, 2.1, 400))]
    drive = shape(convex((5.6, 12), (7.0, 12), (7.4, 18), (5.8, 18)))
    asphalt = any_of(road, side, corners)
    line = product(_dashes, shape(box(-500, 7.52, 500, 7.68)))
    edge = shape(box(-500, 4.5, 500, 4.62), 0.8)
    worn = mottled(noise, 0.7, 0.3, 61, 3)
    layers = (
        (m.GRASS_DRY, spots(noise, 1.2, 0.5, 1.2, 60)),
        (m.PAVING, any_of(*paths, drive)),
        (times(0.55, m.PAVING), product(any_of(*paths), joints(0.6, 0.6, 0.025, 0.8))),
        (m.KERB, any_of(*kerbs)),
        (m.ASPHALT, asphalt),
        (times(0.6, m.ASPHALT), product(asphalt, spots(noise, 2.5, 1.2, 0.4, 64))),
        (m.PAINT_WHITE, product(any_of(line, edge), worn)),
    )
    grain = product(mottled(noise, 1.6, 0.13, 62, 3), mottled(noise, 0.09, 0.26, 63, 3))
    surface = Surface(m.GRASS, layers, grain, 0.05, 14.0)
    rough = scaled(0.6, mottled(noise, 2.0, 0.5, 70, 3))
    heat = Heat(4.5, total(scaled(5.5, asphalt), scaled(3.0, any_of(*paths, drive)), rough), 0.96)
    return Card("ground", (0, 0, 0), None, everywhere, surface, heat, up=AWAY)


def _dashes(u: Plane, v: Plane, fu: Size, fv: Size) -> Plane:
    return pulses(u + np.float32(1.1), 4.0, 0.5, fu)


def _lamp(place: Vector) -> list[Card]:
    x, y, z = place
    pole = union(
        [
            capsule(0.9, 0, 0.9, y - 0.1, 0.07, 0.045),
            capsule(0.9, y - 0.1, 0.0, y + 0.12, 0.04),
            capsule(0.9, 0, 0.9, 0.8, 0.1, 0.09),
        ]
    )
    metal = Surface(m.METAL_DARK, gloss=0.2)
    head = convex((-0.38, 0.04), (0.34, 0.02), (0.28, 0.16), (-0.2, 0.17))
    light = times(9.0, black_body(2700))
    bulb = Surface(m.PAINT_WHITE, glows=(Glow(light),))

    def halo(u: Plane, v: Plane, fu: Size, fv: Size) -> Plane:
        square = u * u + v * v
        return np.asarray(0.035 / (1 + square / 0.02) + 0.004 * np.exp(-square / 0.8), np.float32)

    def cone(u: Plane, v: Plane, fu: Size, fv: Size) -> Plane:
        down = np.maximum(-v, np.float32(0.02))
        side = u / (down * np.float32(0.75) + np.float32(0.15))
        return np.asarray(np.exp(-2.2 * side * side) * np.exp(-down * 0.55) * (v < 0), np.float32)

    air = Surface(m.GLASS, glows=(Glow(light, halo), Glow(times(0.09, black_body(2700)), cone)))
    return [
        Card("lamp", (x, 0, z), (-0.3, 0, 1.1, y + 0.3), pole, metal, Heat(5.0), 0.04),
        Card("lamp", place, (-0.5, 0, 0.5, 0.3), head, metal, Heat(16.0)),
        Card("lamp", place, (-0.4, -0.1, 0.4, 0.1), ellipse(0, 0.015, 0.27, 0.055), bulb, Heat(34.0)),
        Card("air", place, (-4, -y, 4, 4), everywhere, air, opacity=0.0),
    ]


def _fence(noise: Noise, x0: float, x1: float, z: float) -> list[Card]:
    """A white picket fence."""
    rails = shape(union([box(x0, 0.25, x1, 0.34), box(x0, 0.75, x1, 0.84)]))
    pickets = any_of(product(stripes(0.16, 0.6, True), shape(box(x0, 0, x1, 1.05))), rails)

    def outline(u: Plane, v: Plane, fu: Size, fv: Size) -> Plane:
        return np.asarray(np.float32(0.5) - pickets(u, v, fu, fv), np.float32)

    surface = Surface(m.PAINT_WHITE, (), mottled(noise, 0.4, 0.1, 81, 4))
    return [Card("fence", (0, 0, z), (x0, 0.0, x1, 1.1), outline, surface, Heat(5.0))]


def _houses(noise: Noise) -> list[Card]:
    """A plastered house to the left, a brick one to the right, and one at the end of the street."""
    warm, cool = times(0.75, black_body(2900)), times(0.55, black_body(3200))
    left = House(
        "left", -11.8, 17.0, width=8.3, length=9.0, height=4.6, ridge=7.3, gable=True,
        wall=plaster_wall(noise, m.PLASTER_CREAM, 100), roof=m.ROOF_TILE, lit=warm, warmth=7.5, door=3.5,
        windows=((1.0, 1.0, True), (5.6, 1.0, False), (3.55, 3.7, True)),
    )  # fmt: skip
    right = House(
        "right", 5.4, 19.0, width=9.5, length=9.0, height=4.2, ridge=6.9, gable=False,
        wall=brick_wall(noise, 120), roof=m.ROOF_SLATE, lit=cool, warmth=8.0, door=5.3,
        windows=((0.9, 1.1, True), (3.2, 1.1, True), (6.9, 1.1, False)),
    )  # fmt: skip
    back = House(
        "back", 3.2, 52.0, width=10.0, length=8.0, height=4.5, ridge=7.5, gable=False,
        wall=plaster_wall(noise, m.PLASTER_GREY, 140), roof=m.ROOF_TILE, lit=warm, warmth=7.0,
        windows=((1.0, 1.2, False), (4.0, 1.2, True), (7.0, 1.2, False)),
    )  # fmt: skip
    return [*house(back, noise, 140), *house(right, noise, 120), *house(left, noise, 100)]


def _bushes(noise: Noise, salt: int) -> list[Card]:
    """Dark evergreens beside the left house, before which someone in the dark is not seen."""
    surface = leaves(noise, salt, 0.09, times(0.6, m.CONIFER), m.CONIFER)
    places = ((-3.9, 1.9, 1.0), (-2.5, 1.5, 0.8), (-4.2, 0.8, 1.1), (-3.2, 1.1, 1.1), (-2.4, 0.7, 0.9))
    return [
        clump("bushes", (x, y, 16.2 - 0.02 * i), (size, size), noise, salt + 5 * i, surface, 6.2, 0.09)
        for i, (x, y, size) in enumerate(places)
    ]


def _lights() -> tuple[Light, ...]:
    """The lamp, another one behind the camera, the sky's brighter side, and what falls out of two windows."""
    return (
        Light(times(15.0, black_body(2700)), _LAMP, (-0.12, -1.0, -0.1), 0.1, (0.34, 0.85)),
        Light(times(5.0, black_body(2700)), (2.5, 5.0, -1.5), (0.0, -0.7, 1.0), 0.1, (0.35, 0.95)),
        Light(times(0.008, sky_light(0.4)), None, (-0.5, 0.75, -0.4), 0.03),
        Light(times(1.0, black_body(2900)), (-10.2, 1.7, 16.2), (0, 0, -1), 0.6, shadows=False),
        Light(times(1.0, black_body(3200)), (7.6, 1.7, 18.0), (0, 0, -1), 0.6, shadows=False),
    )


def _planted(noise: Noise, salt: int) -> list[Card]:
    """Trees at the end of the side street."""
    places = ((-9.0, 75.0, 10.0), (-4.5, 60.0, 8.0), (16.0, 64.0, 11.0), (-17.0, 58.0, 12.0))
    cards = []
    for x, z, height in places:
        kind = Foliage(0.3, 7, m.CONIFER, m.LEAF_DARK)
        cards += tree("far trees", x, z, height, height * 0.36, noise, salt + int(z), 6.0, kind)
    return cards


def _contacts(walker: float, parked: float, planted: float) -> tuple[Contact, ...]:
    return (
        Contact(parked - 3.8, 10.3, 2.2, 0.5, 0.85),
        Contact(walker + 2.5, 8.3, 0.3, 0.15),
        Contact(planted - 8.6, 14, 0.8, 0.5),
    )


def street(seed: int) -> Scene:
    """The scene for a seed; the seed moves the people a little and changes trees, clouds and stains."""
    noise, draw = Noise(seed), np.random.default_rng((seed & 0xFFFFFFFF, 1))
    a, b, c, d = (float(v) for v in draw.uniform(-0.25, 0.25, 4))
    salt = int(draw.integers(1 << 20))
    dark = Clothes(m.CLOTH_BLACK, m.CLOTH_BLACK, skin=m.BARK_DARK)
    cards = [
        *(sky(_SKY, noise), *hills(noise, m.CONIFER, 3.0, (95.0, 30.0)), _ground(noise)),
        *(*_planted(noise, salt), *_houses(noise), *tree("right tree", 12.2, 16.0, 7.4, 2.6, noise, salt + 11, 6.5)),
        *(*_bushes(noise, salt), hedge("hedge", 6.4, 30.0, 14.2, 1.0, noise, 90, 6.0)),
        *person("hidden", -3.0 + 0.6 * b, 15.4, dark, _AIR, noise, salt + 5),
        *tree("left tree", -8.6 + d, 14.0, 5.6, 2.1, noise, salt, 6.5),
        *_fence(noise, -30.0, -4.6, 13.4),
        *car("car", -5.9 + c, 10.2, noise, 95, reflectance(0.10, 0.20, 0.42, 0.5), 6.0),
        *_lamp(_LAMP),
        *person("walker", 2.5 + a, 8.3, Clothes(m.CLOTH_RED, m.CLOTH_DENIM), _AIR, noise, salt + 6, 0.32),
    ]
    return Scene(
        tuple(cards), _lights(), sky=times(0.03, sky_light(0.7)), bounce=times(0.008, black_body(4000)),
        eye=(0.0, 2.0, 0.0), focal=0.86, horizon=0.55, haze=(0.0012, times(0.022, sky_light(0.6))), cold=-14.0,
        contacts=_contacts(a, c, d),
        exposure=5.0, infrared_exposure=1.6, light_level=2500.0, focus=(6.0, 60.0),
    )  # fmt: skip

"""Case by number: the same number and seed give the same file, in any process."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hostile import mutations_jpeg, mutations_png, mutations_small, mutations_tiff
from hostile.damage import DAMAGE, Rng, below, follow, pick, splice
from hostile.seeds import ENDINGS, Seed, seeds

PLACES = "place"
_CYCLE = (
    *["PNG", "TIFF", "JPEG", "WebP", "TIFF", "PNG", "BMP", "JPEG", "TIFF", "GIF"],
    *["TIFF", "PNG", "JPEG", "TIFF", "WebP", "PNG", "TIFF", "JPEG", "BMP", PLACES],
)
KINDS = (*ENDINGS, PLACES)
_STRUCTURED = {
    "PNG": (mutations_png.HARMFUL, mutations_png.HARMLESS),
    "JPEG": (mutations_jpeg.HARMFUL, mutations_jpeg.HARMLESS),
    "TIFF": (mutations_tiff.HARMFUL, mutations_tiff.HARMLESS),
    "WebP": (mutations_small.WEBP_HARMFUL, mutations_small.WEBP_HARMLESS),
    "BMP": (mutations_small.BMP_HARMFUL, mutations_small.BMP_HARMLESS),
    "GIF": (mutations_small.GIF_HARMFUL, mutations_small.GIF_HARMLESS),
}


@dataclass(frozen=True)
class Case:
    """A file and what is done with it.

    Attributes:
        number: of the case.
        seed: the valid file that it was made of.
        change: what was done to it, in a word.
        data: the file.
        harmless: whether the pixels must be those of the valid file, up to the orientation.
        ending: of the file's name; not always that of its format.
        first: whether it is the infrared source, else the visible one.
        output: ending of the result.
        command: whether the command line is used, else the library.
    """

    number: int
    seed: Seed
    change: str
    data: bytes
    harmless: bool
    ending: str
    first: bool
    output: str
    command: bool

    def __str__(self) -> str:
        role, way = "infrared" if self.first else "visible", "command" if self.command else "library"
        return (
            f"case {self.number}: {self.change} of {self.seed.name} as .{self.ending}, {role}, to .{self.output}, {way}"
        )


def kind_of(number: int) -> str:
    """The format of a case, or ``PLACES``; common formats come more often."""
    return _CYCLE[number % len(_CYCLE)]


def generator(number: int, seed: int) -> Rng:
    return np.random.default_rng((seed, number))


def _changed(rng: Rng, seed: Seed) -> tuple[str, bytes, bool]:
    harmful, harmless = _STRUCTURED[seed.kind]
    chance = rng.random()
    if chance < 0.35:
        change = pick(rng, harmful)
        return change.__name__, change(rng, seed.data), False
    if chance < 0.6:
        change = pick(rng, harmless)
        return change.__name__, change(rng, seed.data), True
    if chance < 0.7:
        change = pick(rng, harmful)
        data = change(rng, pick(rng, harmless)(rng, seed.data))
        return f"{change.__name__} with metadata", data, False
    if chance < 0.92:
        damage = pick(rng, DAMAGE)
        return damage.__name__, damage(rng, seed.data), False
    other = pick(rng, seeds()[pick(rng, tuple(ENDINGS))])
    if chance < 0.97:
        return f"splice with {other.name}", splice(rng, seed.data, other.data), False
    return f"followed by {other.name}", follow(rng, seed.data, other.data), True


def case(number: int, seed: int) -> Case:
    """The case of a number that is no place."""
    rng = generator(number, seed)
    chosen = pick(rng, seeds()[kind_of(number)])
    change, data, harmless = _changed(rng, chosen)
    ending = ENDINGS[chosen.kind] if rng.random() < 0.9 else pick(rng, (*ENDINGS.values(), "dat", "PNG", "jpeg"))
    first = bool(rng.random() < 0.4)
    output = pick(rng, ("png", "png", "tif", "jpg", "webp", "bmp"))
    return Case(number, chosen, change, data, harmless, ending, first, output, below(rng, 4) == 0)

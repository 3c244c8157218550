"""Patterns on surfaces: mottling, spots, joints of bricks and tiles, planks, wood."""

from __future__ import annotations

import numpy as np

from imfuse.data.samples.card import Pattern
from imfuse.data.samples.noise import Noise, Plane
from imfuse.data.samples.outlines import Outline, Size, coverage


def shape(outline: Outline, strength: float = 1.0) -> Pattern:
    """`strength` inside an outline, 0 outside: markings, windows, labels."""

    def pattern(u: Plane, v: Plane, fu: Size, fv: Size) -> Plane:
        return np.asarray(strength * coverage(outline(u, v, fu, fv)), np.float32)

    return pattern


def mottled(
    noise: Noise, wavelength: float, amount: float, salt: int, octaves: int = 5, stretch: float = 1.0
) -> Pattern:
    """A brightness factor with mean 1; `stretch` lengthens the spots along u."""

    def pattern(u: Plane, v: Plane, fu: Size, fv: Size) -> Plane:
        footprint = np.sqrt(np.multiply(fu, fv) / stretch)
        field = noise.fractal(u / np.float32(stretch), v, wavelength, footprint, octaves, salt)
        return np.asarray(np.maximum(1 + np.float32(amount) * field, np.float32(0.15)), np.float32)

    return pattern


def spots(noise: Noise, wavelength: float, level: float, edge: float, salt: int, octaves: int = 4) -> Pattern:
    """1 where fractal noise is above `level`, with a soft `edge`: leaves, clouds, stains."""

    def pattern(u: Plane, v: Plane, fu: Size, fv: Size) -> Plane:
        field = noise.fractal(u, v, wavelength, np.sqrt(np.multiply(fu, fv)), octaves, salt)
        ramp = np.clip((field - np.float32(level)) / np.float32(edge) + np.float32(0.5), 0, 1)
        return np.asarray(ramp * ramp * (3 - 2 * ramp), np.float32)

    return pattern


def pulses(x: Plane, period: float, duty: float, footprint: Size) -> Plane:
    """Part of a footprint around `x` that lies in a train of pulses which start at multiples of `period`."""
    width = np.maximum(np.asarray(footprint, np.float32) / np.float32(period), np.float32(1e-4))
    centre = x / np.float32(period)

    def area(y: Plane) -> Plane:
        whole = np.floor(y)
        return np.asarray(whole * np.float32(duty) + np.minimum(y - whole, np.float32(duty)), np.float32)

    return np.asarray((area(centre + width / 2) - area(centre - width / 2)) / width, np.float32)


def stripes(period: float, duty: float, along_u: bool, strength: float = 1.0) -> Pattern:
    """Stripes that follow each other along u or along v."""

    def pattern(u: Plane, v: Plane, fu: Size, fv: Size) -> Plane:
        return np.float32(strength) * (pulses(u, period, duty, fu) if along_u else pulses(v, period, duty, fv))

    return pattern


def joints(length: float, height: float, joint: float, strength: float = 1.0) -> Pattern:
    """Mortar of a running bond: courses of `height`, bricks of `length`, joints of `joint` metres."""

    def pattern(u: Plane, v: Plane, fu: Size, fv: Size) -> Plane:
        level = pulses(v, height, joint / height, fv)
        shift = np.where(np.floor(v / np.float32(height)) % 2 == 0, np.float32(0), np.float32(length / 2))
        upright = pulses(u + shift, length, joint / length, fu)
        return np.float32(strength) * np.maximum(level, upright)

    return pattern


def cells(noise: Noise, length: float, height: float, amount: float, salt: int) -> Pattern:
    """A brightness factor that differs from brick to brick, tile to tile or plank to plank."""

    def pattern(u: Plane, v: Plane, fu: Size, fv: Size) -> Plane:
        row = np.floor(v / np.float32(height))
        shift = np.where(row % 2 == 0, np.float32(0), np.float32(length / 2))
        column = np.floor((u + shift) / np.float32(length))
        fade = np.clip(np.float32(min(length, height)) / np.asarray(np.maximum(fu, fv)) - 1, 0, 1)
        return np.asarray(1 + amount * fade * noise.fractal(column * 7.3, row * 5.9, 3.0, 0.01, 1, salt), np.float32)

    return pattern


def product(*patterns: Pattern) -> Pattern:
    """Patterns multiplied with each other."""

    def pattern(u: Plane, v: Plane, fu: Size, fv: Size) -> Plane:
        result = patterns[0](u, v, fu, fv)
        for other in patterns[1:]:
            result = result * other(u, v, fu, fv)
        return result

    return pattern


def scaled(factor: float, pattern: Pattern) -> Pattern:
    """A pattern times a number."""

    def result(u: Plane, v: Plane, fu: Size, fv: Size) -> Plane:
        return np.float32(factor) * pattern(u, v, fu, fv)

    return result


def ramp(start: float, end: float, along_u: bool = False) -> Pattern:
    """0 at `start` to 1 at `end`, smoothly, along v (or u)."""

    def pattern(u: Plane, v: Plane, fu: Size, fv: Size) -> Plane:
        t = np.clip(((u if along_u else v) - np.float32(start)) / np.float32(end - start), 0, 1)
        return np.asarray(t * t * (3 - 2 * t), np.float32)

    return pattern


def radial(u0: float, v0: float, radius: float) -> Pattern:
    """1 in the middle, falling like a bell with `radius` metres."""

    def pattern(u: Plane, v: Plane, fu: Size, fv: Size) -> Plane:
        square = (u - np.float32(u0)) ** 2 + (v - np.float32(v0)) ** 2
        return np.asarray(np.exp(-square / np.float32(2 * radius * radius)), np.float32)

    return pattern


def any_of(*patterns: Pattern) -> Pattern:
    """The largest of several patterns."""

    def pattern(u: Plane, v: Plane, fu: Size, fv: Size) -> Plane:
        result = patterns[0](u, v, fu, fv)
        for other in patterns[1:]:
            result = np.maximum(result, other(u, v, fu, fv))
        return result

    return pattern


def total(*patterns: Pattern) -> Pattern:
    """Patterns added to each other."""

    def pattern(u: Plane, v: Plane, fu: Size, fv: Size) -> Plane:
        result = patterns[0](u, v, fu, fv)
        for other in patterns[1:]:
            result = result + other(u, v, fu, fv)
        return result

    return pattern

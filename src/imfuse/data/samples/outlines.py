"""Outlines: where a flat thing ends, as signed distances in its own plane.

An outline is a function `(u, v, fu, fv) -> distance` of coordinates in metres and of the size of a footprint along
both axes in metres; the distance is negative inside and counted in footprints. With the footprint of a pixel it
gives edges without stairs, with that of a penumbra soft shadows, with 1 the distance in metres.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np

from imfuse.data.samples.noise import Noise, Plane

Size: TypeAlias = "Plane | float"
Outline: TypeAlias = Callable[[Plane, Plane, Size, Size], Plane]


def coverage(distance: Plane) -> Plane:
    """Part of a footprint, in [0, 1], that lies inside an outline at the given distance in footprints."""
    return np.asarray(np.clip(np.float32(0.5) - distance, 0, 1), np.float32)


def everywhere(u: Plane, v: Plane, fu: Size, fv: Size) -> Plane:
    """The outline of what has no end."""
    return np.full(u.shape, -1e6, np.float32)


def convex(*corners: tuple[float, float]) -> Outline:
    """A convex polygon; corners counter-clockwise (u to the right, v up)."""
    points = np.array(corners, np.float64)
    edges = np.roll(points, -1, axis=0) - points
    normals = np.stack([edges[:, 1], -edges[:, 0]], 1) / np.hypot(edges[:, 0], edges[:, 1])[:, None]
    offsets = (normals * points).sum(axis=1)
    sides = [(float(a), float(b), float(c)) for (a, b), c in zip(normals, offsets, strict=True)]

    def distance(u: Plane, v: Plane, fu: Size, fv: Size) -> Plane:
        result: Plane | None = None
        for a, b, c in sides:
            side = (a * u + b * v - c) / (abs(a) * fu + abs(b) * fv)
            result = side if result is None else np.maximum(result, side, out=result)
        return np.asarray(result, np.float32)

    return distance


def box(left: float, bottom: float, right: float, top: float) -> Outline:
    """An upright rectangle."""
    return convex((left, bottom), (right, bottom), (right, top), (left, top))


def ellipse(u0: float, v0: float, half_width: float, half_height: float) -> Outline:
    """An upright ellipse (distance to first order)."""

    def distance(u: Plane, v: Plane, fu: Size, fv: Size) -> Plane:
        x, y = (u - u0) / half_width, (v - v0) / half_height
        radius = np.sqrt(x * x + y * y) + np.float32(1e-6)
        slope = np.hypot(x * (fu / half_width), y * (fv / half_height)) / radius + np.float32(1e-9)
        return np.asarray((radius - 1) / slope, np.float32)

    return distance


def capsule(u0: float, v0: float, u1: float, v1: float, radius0: float, radius1: float | None = None) -> Outline:
    """A thick line with round ends, whose radius goes from `radius0` to `radius1`."""
    end = radius0 if radius1 is None else radius1
    du, dv = u1 - u0, v1 - v0
    length2 = max(du * du + dv * dv, 1e-12)

    def distance(u: Plane, v: Plane, fu: Size, fv: Size) -> Plane:
        along = np.clip(((u - u0) * du + (v - v0) * dv) / length2, 0, 1)
        away = np.hypot(u - (u0 + along * du), v - (v0 + along * dv))
        return np.asarray((away - (radius0 + (end - radius0) * along)) / np.sqrt(np.multiply(fu, fv)), np.float32)

    return distance


def rounded(outline: Outline, radius: float) -> Outline:
    """The outline, wider by `radius` metres: a polygon gets (nearly) round corners."""

    def distance(u: Plane, v: Plane, fu: Size, fv: Size) -> Plane:
        return np.asarray(outline(u, v, fu, fv) - radius / np.sqrt(np.multiply(fu, fv)), np.float32)

    return distance


def union(outlines: Sequence[Outline]) -> Outline:
    """What lies in any of the outlines."""

    def distance(u: Plane, v: Plane, fu: Size, fv: Size) -> Plane:
        result = outlines[0](u, v, fu, fv)
        for outline in outlines[1:]:
            result = np.minimum(result, outline(u, v, fu, fv))
        return result

    return distance


def without(outline: Outline, hole: Outline) -> Outline:
    """The outline with a hole."""

    def distance(u: Plane, v: Plane, fu: Size, fv: Size) -> Plane:
        return np.maximum(outline(u, v, fu, fv), -hole(u, v, fu, fv))

    return distance


def ragged(outline: Outline, noise: Noise, wavelength: float, amount: float, salt: int, octaves: int = 4) -> Outline:
    """The outline, pushed in and out by fractal noise of `amount` metres: foliage, hills, clouds."""

    def distance(u: Plane, v: Plane, fu: Size, fv: Size) -> Plane:
        footprint = np.sqrt(np.multiply(fu, fv))
        wobble = noise.fractal(u, v, wavelength, np.minimum(footprint, wavelength / 5), octaves, salt)
        return np.asarray(outline(u, v, fu, fv) + amount * wobble / footprint, np.float32)

    return distance

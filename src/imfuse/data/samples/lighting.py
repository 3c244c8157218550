"""How much light falls on the points of a card: directions, cones, soft shadows, ambient light."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imfuse.data.samples.camera import Hit
from imfuse.data.samples.card import Card, Light, Scene
from imfuse.data.samples.noise import Plane
from imfuse.data.samples.outlines import coverage

Triple = tuple[Plane, Plane, Plane]
_MARGIN = 0.3
"""How far beyond the bounds of a card its soft shadow may reach, as a part of their longer side."""
_COARSE = 4
"""Shadows are looked for at every fourth row and column first."""


@dataclass(frozen=True)
class Beam:
    """Light that arrives at the points of a card: unit directions to it, distance (None if far), irradiance factor."""

    direction: Triple
    distance: Plane | None
    strength: Plane


def normals(card: Card, hit: Hit) -> Triple:
    """Unit normals; the rim of a card with relief is bent away from the camera as on a round body."""
    if card.barrel > 0:
        bend = np.clip(hit.u / np.float32(card.barrel), np.float32(-0.985), np.float32(0.985))
        return _bent(card, bend, np.zeros((1, 1), np.float32))
    if card.relief <= 0:
        x, y, z = (np.full((1, 1), n, np.float32) for n in card.normal)
        return x, y, z
    step = card.relief * 0.05
    here = card.outline(hit.u, hit.v, 1.0, 1.0)
    gu = (card.outline(hit.u + np.float32(step), hit.v, 1.0, 1.0) - here) / np.float32(step)
    gv = (card.outline(hit.u, hit.v + np.float32(step), 1.0, 1.0) - here) / np.float32(step)
    length = np.maximum(np.hypot(gu, gv), np.float32(1e-3))
    bend = np.clip(1 + here / np.float32(card.relief), 0, np.float32(0.985))
    return _bent(card, bend * gu / length, bend * gv / length)


def _bent(card: Card, along: Plane, upward: Plane) -> Triple:
    """The card's normal, leaned by the given parts of a unit vector."""
    ahead = np.sqrt(1 - along * along - upward * upward)
    x, y, z = (
        along * np.float32(r) + upward * np.float32(u) + ahead * np.float32(n)
        for r, u, n in zip(card.right, card.up, card.normal, strict=True)
    )
    return x, y, z


def arrive(light: Light, hit: Hit) -> Beam:
    """Direction and strength of a light at the points of a card, before shadows and the angle of the surface."""
    if light.position is None:
        direction = np.array(light.direction) / np.linalg.norm(light.direction)
        x, y, z = (np.full((1, 1), d, np.float32) for d in direction)
        return Beam((x, y, z), None, np.ones((1, 1), np.float32))
    dx, dy, dz = (np.float32(p) - q for p, q in zip(light.position, hit.position, strict=True))
    square = dx * dx + dy * dy + dz * dz + np.float32(1e-6)
    distance = np.sqrt(square)
    dx, dy, dz = (np.asarray(d / distance, np.float32) for d in (dx, dy, dz))
    strength = 1 / (square + np.float32(light.softness**2))
    if light.cone is not None:
        axis = np.array(light.direction) / np.linalg.norm(light.direction)
        cosine = -(dx * np.float32(axis[0]) + dy * np.float32(axis[1]) + dz * np.float32(axis[2]))
        ramp = np.clip((cosine - light.cone[0]) / (light.cone[1] - light.cone[0]), 0, 1)
        strength = strength * ramp * ramp * (3 - 2 * ramp)
    return Beam((dx, dy, dz), distance, np.asarray(strength, np.float32))


def lambert(normal: Triple, beam: Beam, wrap: float) -> Plane:
    """Cosine of the angle of incidence; with `wrap` light also passes through from behind."""
    cosine = sum((n * d for n, d in zip(normal, beam.direction, strict=True)), start=np.zeros((1, 1), np.float32))
    return np.asarray(np.clip((cosine + np.float32(wrap)) / (1 + wrap), 0, 1), np.float32)


def unshadowed(scene: Scene, card: Card, light: Light, hit: Hit, beam: Beam) -> Plane | float:
    """Part of a light that reaches the points of a card past the cards that cast shadows."""
    if not light.shadows:
        return 1.0
    result = np.ones(hit.u.shape, np.float32)
    for caster in scene.cards:
        if caster.casts and caster.name != card.name and _may_shade(caster, card, light):
            _passing(caster, light, hit, beam, result)
    return result


def _may_shade(caster: Card, card: Card, light: Light) -> bool:
    """Whether the sphere around a caster touches the beam from the sphere around a card to a light."""
    if caster.sphere is None or card.sphere is None:
        return True
    (centre, reach), (start, size) = caster.sphere, card.sphere
    end = light.position
    path = light.direction if end is None else tuple(e - s for e, s in zip(end, start, strict=True))
    offset = tuple(c - s for c, s in zip(centre, start, strict=True))
    square = sum(p * p for p in path)
    along = max(sum(o * p for o, p in zip(offset, path, strict=True)) / square, 0.0)
    if end is not None:
        along = min(along, 1.0)
    away = sum((o - along * p) ** 2 for o, p in zip(offset, path, strict=True))
    return bool(away <= (size + reach * (1 + 2 * _MARGIN)) ** 2)


def _passing(caster: Card, light: Light, hit: Hit, beam: Beam, result: Plane) -> None:
    """Multiply `result` by the part of a light that one card lets through; only where its shadow may fall."""
    coarse = _crossing(caster, hit.position, beam, (slice(None, None, _COARSE), slice(None, None, _COARSE)))
    window = _window(_near_bounds(caster, coarse), result.shape)
    if window is None:
        return
    crossing = _crossing(caster, hit.position, beam, window)
    reached = _near_bounds(caster, crossing)
    if not reached.any():
        return
    blur = crossing.travel * np.float32(light.softness)
    if crossing.distance is not None:
        blur = blur / np.maximum(crossing.distance - crossing.travel, np.float32(0.05))
    blur = np.clip(blur, np.float32(0.004), np.float32(3.0))
    shade = coverage(caster.outline(crossing.u, crossing.v, blur, blur)) * np.float32(caster.opacity)
    result[window] *= 1 - np.where(reached, shade, np.float32(0))


@dataclass(frozen=True)
class _Crossing:
    """Where the rays to a light cross the plane of a card, how far away, and how far the light is."""

    u: Plane
    v: Plane
    travel: Plane
    distance: Plane | None


def _crossing(caster: Card, position: Triple, beam: Beam, window: tuple[slice, slice]) -> _Crossing:
    normal = caster.normal
    place = tuple(p[window] for p in position)
    direction = tuple(d if d.size == 1 else d[window] for d in beam.direction)
    slope = _dot(normal, direction)
    slope = np.where(np.abs(slope) > 1e-4, slope, np.float32(1e-4))
    travel = (np.float32(normal @ np.array(caster.origin)) - _dot(normal, place)) / slope
    point = tuple(p + travel * d - np.float32(o) for p, d, o in zip(place, direction, caster.origin, strict=True))
    distance = None if beam.distance is None else beam.distance[window]
    return _Crossing(_dot(caster.right, point), _dot(caster.up, point), travel, distance)


def _near_bounds(caster: Card, crossing: _Crossing) -> NDArray[np.bool_]:
    """Whether a ray crosses the card near its bounds, before the light."""
    near: NDArray[np.bool_] = crossing.travel > 0.002
    if crossing.distance is not None:
        near &= crossing.travel < crossing.distance - np.float32(0.02)
    if caster.bounds is not None:
        u0, v0, u1, v1 = caster.bounds
        margin = np.float32(max(u1 - u0, v1 - v0) * _MARGIN)
        near &= (crossing.u > u0 - margin) & (crossing.u < u1 + margin)
        near &= (crossing.v > v0 - margin) & (crossing.v < v1 + margin)
    return near


def _window(mask: NDArray[np.bool_], shape: tuple[int, ...]) -> tuple[slice, slice] | None:
    """The part of a full-size array that holds what a coarse mask marks."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if len(rows) == 0:
        return None
    first, last = (
        (max(int(i[0]) - 1, 0) * _COARSE for i in (rows, columns)),
        ((int(i[-1]) + 2) * _COARSE for i in (rows, columns)),
    )
    (top, left), (bottom, right) = first, last
    return slice(top, min(bottom, shape[0])), slice(left, min(right, shape[1]))


def _dot(axis: object, point: tuple[Plane, ...]) -> Plane:
    a = np.asarray(axis, np.float32)
    total = np.float32(0)
    return np.asarray(sum((c * p for c, p in zip(a, point, strict=True) if c != 0), start=total), np.float32)


def ambient(scene: Scene, card: Card, hit: Hit, normal: Triple) -> tuple[Plane, Plane]:
    """Parts of the light from above and from below that reach the points of a card."""
    up = 0.5 + 0.5 * normal[1]
    open_ground = np.full((1, 1), card.ambience, np.float32)
    if abs(card.normal[1]) > 0.99:
        x, _, z = hit.position
        for spot in scene.contacts:
            away = ((x - spot.x) / spot.half_width) ** 2 + ((z - spot.z) / spot.half_length) ** 2
            open_ground = open_ground * (1 - np.float32(spot.strength) * np.exp(-away))
    return np.asarray(up * open_ground, np.float32), np.asarray((1 - up) * open_ground, np.float32)

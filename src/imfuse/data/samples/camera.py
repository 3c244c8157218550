"""The pinhole camera: which part of which card a pixel sees."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor

import numpy as np

from imfuse.data.samples.card import Card, Scene
from imfuse.data.samples.noise import Plane
from imfuse.data.samples.outlines import Size

Rectangle = tuple[int, int, int, int]
"""(top, left, bottom, right) in pixels; bottom and right are the first that do not belong to it."""

_NEAR = 1e-3


@dataclass(frozen=True)
class Hit:
    """What the pixels of a rectangle see of one card.

    Attributes:
        u: (H, W) coordinates in the card, metres.
        v: (H, W) coordinates in the card, metres.
        fu: footprint of a pixel along u, metres.
        fv: footprint of a pixel along v, metres.
        position: x, y and z, each (H, W), metres.
        depth: (H, W) z relative to the eye, metres; infinite where the ray misses the plane.
    """

    u: Plane
    v: Plane
    fu: Size
    fv: Size
    position: tuple[Plane, Plane, Plane]
    depth: Plane

    def cut(self, rows: slice, columns: slice) -> Hit:
        """A part of the rectangle."""
        part = rows, columns
        fu, fv = (f[part] if isinstance(f, np.ndarray) else f for f in (self.fu, self.fv))
        x, y, z = (p[part] for p in self.position)
        return Hit(self.u[part], self.v[part], fu, fv, (x, y, z), self.depth[part])


@dataclass(frozen=True)
class Camera:
    """A camera for a scene and a picture size; the middle 4:3 part is always in the picture."""

    scene: Scene
    height: int
    width: int

    @property
    def focal(self) -> float:
        """Focal length in pixels."""
        return self.scene.focal * min(self.width, self.height * 4 / 3)

    @property
    def centre(self) -> tuple[float, float]:
        """Row and column of the point straight ahead."""
        fitted = min(self.height, self.width * 3 / 4)
        return self.height / 2 + (self.scene.horizon - 0.5) * fitted, self.width / 2

    def bounds(self, card: Card) -> Rectangle:
        """The rectangle of the picture outside of which the card is not seen."""
        if card.bounds is None:
            return self._endless(card)
        u0, v0, u1, v1 = card.bounds
        corners = np.array([(u0, v0), (u1, v0), (u1, v1), (u0, v1)])
        points = np.array(card.origin) + corners[:, :1] * np.array(card.right) + corners[:, 1:] * np.array(card.up)
        points = points - np.array(self.scene.eye)
        if points[:, 2].max() <= _NEAR:
            return 0, 0, 0, 0
        if points[:, 2].min() <= _NEAR:
            return 0, 0, self.height, self.width
        row, column = self.centre
        rows = row - self.focal * points[:, 1] / points[:, 2]
        columns = column + self.focal * points[:, 0] / points[:, 2]
        return (
            max(floor(rows.min()) - 1, 0),
            max(floor(columns.min()) - 1, 0),
            min(ceil(rows.max()) + 1, self.height),
            min(ceil(columns.max()) + 1, self.width),
        )

    def _endless(self, card: Card) -> Rectangle:
        """A level card without end lies below the horizon (or above it)."""
        normal = card.normal
        if abs(normal[1]) < 1 - 1e-9:
            return 0, 0, self.height, self.width
        edge = min(max(round(self.centre[0]), 0), self.height)
        return (edge, 0, self.height, self.width) if card.origin[1] < self.scene.eye[1] else (0, 0, edge, self.width)

    def hit(self, card: Card, rectangle: Rectangle) -> Hit:
        """Intersect the rays of all pixels in a rectangle with a card's plane."""
        top, left, bottom, right = rectangle
        row, column = self.centre
        shape = (bottom - top, right - left)
        dx = ((np.arange(left, right) + 0.5 - column) / self.focal).astype(np.float32)[None]
        dy = ((row - np.arange(top, bottom) - 0.5) / self.focal).astype(np.float32)[:, None]
        eye, normal = np.array(self.scene.eye), card.normal
        offset = float(normal @ (np.array(card.origin) - eye))
        slant = np.asarray(normal[0] * dx + normal[1] * dy + normal[2], np.float32)
        with np.errstate(divide="ignore", invalid="ignore"):
            depth = np.float32(offset) / slant
        depth = np.where((depth > _NEAR) & (depth < 1e5), depth, np.float32(1e5))
        depth = np.broadcast_to(depth, shape)
        x, y = depth * dx, depth * dy
        u, fu = self._axis(card, card.right, x, y, depth, slant)
        v, fv = self._axis(card, card.up, x, y, depth, slant)
        position = x + np.float32(eye[0]), y + np.float32(eye[1]), depth + np.float32(eye[2])
        return Hit(u, v, fu, fv, position, np.where(depth < 1e5, depth, np.float32(np.inf)))

    def _axis(
        self, card: Card, axis: tuple[float, float, float], x: Plane, y: Plane, depth: Plane, slant: Plane
    ) -> tuple[Plane, Size]:
        """One coordinate in the card and the footprint of a pixel along it."""
        a = np.array(axis)
        normal = card.normal
        start = float(a @ (np.array(card.origin) - np.array(self.scene.eye)))
        along = np.asarray(a[0] * x + a[1] * y + a[2] * depth, np.float32)
        if abs(normal[2]) > 1 - 1e-9:
            return along - np.float32(start), float(depth.flat[0]) / self.focal if depth.size else 1.0
        safe = np.where(np.abs(slant) > 1e-9, slant, np.float32(1e-9))
        across = (depth * np.float32(a[0]) - along * np.float32(normal[0]) / safe) / np.float32(self.focal)
        down = (depth * np.float32(a[1]) - along * np.float32(normal[1]) / safe) / np.float32(self.focal)
        return along - np.float32(start), np.hypot(across, down) + np.float32(1e-9)

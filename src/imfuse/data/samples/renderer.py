"""The painter: draws the cards of a scene from the farthest to the nearest, strip by strip."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imfuse.data.samples.camera import Camera, Rectangle
from imfuse.data.samples.card import Card, Scene
from imfuse.data.samples.noise import Plane
from imfuse.data.samples.outlines import coverage
from imfuse.data.samples.shaders import Shader, Values

_STRIP_PIXELS = 1 << 17


def render(scene: Scene, shader: Shader, height: int, width: int) -> Values:
    """Draw a scene.

    Args:
        scene: what to draw.
        shader: what to measure.
        height: of the picture, in pixels.
        width: of the picture, in pixels.

    Returns:
        (height, width, C) linear values.
    """
    values, _ = render_slice(scene, shader, height, width, 0.0, np.inf)
    return values


def render_slice(
    scene: Scene, shader: Shader, height: int, width: int, near: float, far: float, overlap: float = 0.0
) -> tuple[Values, Plane]:
    """Draw only what lies between two depths.

    Args:
        scene: what to draw.
        shader: what to measure.
        height: of the picture, in pixels.
        width: of the picture, in pixels.
        near: smallest depth that is drawn, metres.
        far: first depth that is no longer drawn, metres.
        overlap: how many metres surfaces that lie in several slices go on under the next nearer slice, so that
            nothing shows through where both are blurred.

    Returns:
        (height, width, C) values multiplied by their opacity, and the (height, width) opacity.
    """
    camera = Camera(scene, height, width)
    values = np.zeros((height, width, shader.channels), np.float32)
    alpha = np.zeros((height, width), np.float32)
    rows = max(_STRIP_PIXELS // max(width, 1), 1)
    cards = [card for card in scene.cards if card.visible and _reaches(card, scene, near, far)]
    boxes = [(card, camera.bounds(card)) for card in cards]
    for top in range(0, height, rows):
        for card, (y0, x0, y1, x1) in boxes:
            rectangle = max(y0, top), x0, min(y1, top + rows), x1
            if rectangle[0] < rectangle[2] and x0 < x1:
                _paint(camera, shader, card, rectangle, (near, far, overlap), values, alpha)
    return values, alpha


def _reaches(card: Card, scene: Scene, near: float, far: float) -> bool:
    """Whether any of a card may lie between two depths."""
    if card.bounds is None:
        return abs(card.normal[2]) < 0.999 or near <= card.origin[2] - scene.eye[2] < far
    u0, v0, u1, v1 = card.bounds
    depths = [card.origin[2] - scene.eye[2] + u * card.right[2] + v * card.up[2] for u in (u0, u1) for v in (v0, v1)]
    return max(depths) >= near * (1 - 1e-6) and min(depths) < far


def _paint(
    camera: Camera,
    shader: Shader,
    card: Card,
    rectangle: Rectangle,
    limits: tuple[float, float, float],
    values: Values,
    alpha: Plane,
) -> None:
    """Draw one card over a rectangle of `values` and `alpha`, in place."""
    top, left, _, _ = rectangle
    hit = camera.hit(card, rectangle)
    near, far, overlap = limits
    start = near - overlap if abs(card.normal[2]) < 0.999 else near
    seen = np.isfinite(hit.depth) & (hit.depth >= start) & (hit.depth < far)
    cover = np.where(seen, coverage(card.outline(hit.u, hit.v, hit.fu, hit.fv)), np.float32(0))
    rows, columns = _extent(cover > 0, 1), _extent(cover > 0, 0)
    if rows.start == rows.stop:
        return
    shaded = shader.shade(camera.scene, card, hit.cut(rows, columns), cover[rows, columns])
    if shaded is None:
        return
    colour, opacity = shaded
    window = (slice(top + rows.start, top + rows.stop), slice(left + columns.start, left + columns.stop))
    values[window] *= (1 - opacity)[..., None]
    values[window] += colour
    alpha[window] *= 1 - opacity
    alpha[window] += opacity


def _extent(marked: NDArray[np.bool_], across: int) -> slice:
    """The rows (across 1) or columns (across 0) from the first to the last that hold a True."""
    places = np.flatnonzero(marked.any(axis=across))
    return slice(int(places[0]), int(places[-1]) + 1) if len(places) else slice(0, 0)

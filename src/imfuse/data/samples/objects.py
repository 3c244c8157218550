"""The objects of a scene with their boxes: what a person would draw round what is seen of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from imfuse.data.samples.camera import Hit
from imfuse.data.samples.card import Card, Scene
from imfuse.data.samples.noise import Plane
from imfuse.data.samples.renderer import render
from imfuse.data.samples.scenes import describe
from imfuse.data.samples.shaders import Values


@dataclass(frozen=True)
class SceneObject:
    """Something that a detector looks for.

    Attributes:
        name: of the thing in its scene (``walker``).
        kind: what it is: ``person`` or ``car``.
        box: left, top, right and bottom edge in pixels, of what nothing hides.
    """

    name: str
    kind: str
    box: tuple[float, float, float, float]


class _Objects:
    """Part of a pixel that every object covers, one channel each."""

    def __init__(self, objects: list[tuple[str, str]]) -> None:
        self.channels = len(objects)
        self._places = {one: place for place, one in enumerate(objects)}

    def shade(self, scene: Scene, card: Card, hit: Hit, cover: Plane) -> tuple[Values, Plane] | None:
        """See `Shader`."""
        if card.heat is None:  # air, which hides nothing
            return None
        values = np.zeros((*cover.shape, self.channels), np.float32)
        place = self._places.get((card.name, card.kind))
        if place is not None:
            values[..., place] = cover
        return values, cover


def scene_objects(scene: str = "street", height: int = 480, width: int = 640, seed: int = 0) -> tuple[SceneObject, ...]:
    """The people and cars of a sample scene, as the pair of the same arguments shows them.

    A box holds the pixels of which the object covers at least half; what other things hide does not count, and an
    object that is hidden whole or smaller than a pixel is left out.

    Args:
        scene: one of `SCENES`.
        height: of the pictures, in pixels.
        width: of the pictures, in pixels.
        seed: of the pair.

    Raises:
        UsageError: if the scene is unknown or the size is not positive.
    """
    described = describe(scene, height, width, seed)
    wanted = list(dict.fromkeys((card.name, card.kind) for card in described.cards if card.kind))
    if not wanted:
        return ()
    parts = render(described, _Objects(wanted), height, width) >= 0.5
    found = []
    for place, (name, kind) in enumerate(wanted):
        rows, columns = (np.flatnonzero(parts[..., place].any(axis=axis)) for axis in (1, 0))
        if len(rows):
            box = (float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1))
            found.append(SceneObject(name, kind, box))
    return tuple(found)

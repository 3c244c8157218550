"""Stacks of one scene: several exposures, several focus distances."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from imfuse.data.samples import sensors
from imfuse.data.samples.card import Scene
from imfuse.data.samples.noise import Plane
from imfuse.data.samples.renderer import render, render_slice
from imfuse.data.samples.scenes import describe, generator
from imfuse.data.samples.shaders import Depth, Radiance, Values
from imfuse.data.samples.spectra import camera_response
from imfuse.errors import UsageError

_LAYERS = 28


@dataclass(frozen=True)
class ExposureStack:
    """Pictures of one scene with different exposures.

    Attributes:
        pictures: (H, W, 3) uint8, sRGB, one per stop.
        stops: exposure of each picture in EV relative to the middle one.
        radiance: (H, W, 3) float32, linear; a picture is the tone curve of
            radiance × 2**stop, clipped at 1, with noise.
    """

    pictures: list[NDArray[np.uint8]]
    stops: tuple[float, ...]
    radiance: NDArray[np.float32]


@dataclass(frozen=True)
class FocusStack:
    """Pictures of one scene with different focus, from near to far.

    Attributes:
        pictures: (H, W, 3) uint8, sRGB.
        all_in_focus: (H, W, 3) uint8, sRGB: what is sought.
        depth: (H, W) float32, metres.
        distances: what each picture is focused on, metres.
        aperture: the circle of confusion at depth z has a diameter of aperture × |1/z − 1/distance| pixels.
    """

    pictures: list[NDArray[np.uint8]]
    all_in_focus: NDArray[np.uint8]
    depth: NDArray[np.float32]
    distances: tuple[float, ...]
    aperture: float

    def confusion(self, index: int) -> NDArray[np.float32]:
        """(H, W) diameter of the circle of confusion in picture `index`, in pixels."""
        return np.asarray(self.aperture * np.abs(1 / self.depth - 1 / self.distances[index]), np.float32)


def exposure_stack(
    scene: str = "table", stops: Sequence[float] = (-4, -2, 0, 2, 4), height: int = 480, width: int = 640, seed: int = 0
) -> ExposureStack:
    """Several exposures of the same radiance, each with its own noise.

    Args:
        scene: one of `SCENES`.
        stops: exposures in EV.
        height: of the pictures, in pixels.
        width: of the pictures, in pixels.
        seed: varies places, textures and noise.

    Raises:
        UsageError: if the scene is unknown, the size is not positive or there are no stops.
    """
    if len(stops) == 0:
        raise UsageError("an exposure stack needs at least one stop")
    described = describe(scene, height, width, seed)
    radiance = sensors.soften(render(described, Radiance(camera_response()), height, width), 0.45)
    radiance *= np.float32(described.exposure)
    pictures = []
    for index, stop in enumerate(stops):
        draw = generator(seed, 100 + index)
        exposed = sensors.expose(radiance, 2.0**stop, described.light_level, draw)
        pictures.append(sensors.to_uint8(sensors.srgb(exposed)))
    return ExposureStack(pictures, tuple(float(stop) for stop in stops), radiance)


def focus_stack(
    scene: str = "table", count: int = 3, height: int = 480, width: int = 640, seed: int = 0, blur: float = 0.02
) -> FocusStack:
    """Several focus distances, evenly spaced in 1 / distance, with a thin lens.

    What a blurred thing hides is drawn, too, so that its soft rim shows what is behind it.

    Args:
        scene: one of `SCENES`.
        count: how many pictures.
        height: of the pictures, in pixels.
        width: of the pictures, in pixels.
        seed: varies places, textures and noise.
        blur: largest circle of confusion as a fraction of the picture's width (of 4:3).

    Raises:
        UsageError: if the scene is unknown, the size is not positive or `count` is below 1.
    """
    if count < 1:
        raise UsageError("a focus stack needs at least one picture")
    described = describe(scene, height, width, seed)
    near, far = described.focus
    aperture = blur * min(width, height * 4 / 3) / (1 / near - 1 / far)
    distances = tuple(float(1 / d) for d in (np.linspace(1 / near, 1 / far, count) if count > 1 else [1 / near]))
    sharp, blurred = _layered(described, height, width, aperture, distances)
    depth = render(described, Depth(), height, width)[..., 0]
    pictures = [_develop(p, described, generator(seed, 200 + i)) for i, p in enumerate(blurred)]
    return FocusStack(pictures, _develop(sharp, described, None), depth, distances, float(aperture))


def _develop(radiance: Values, scene: Scene, draw: np.random.Generator | None) -> NDArray[np.uint8]:
    picture = np.clip(radiance * np.float32(scene.exposure), 0, 1)
    if draw is not None:
        picture = sensors.expose(picture, 1.0, 20 * scene.light_level, draw)
    return sensors.to_uint8(sensors.srgb(picture))


def _layered(
    scene: Scene, height: int, width: int, aperture: float, distances: tuple[float, ...]
) -> tuple[Values, list[Values]]:
    """Blur slices of depth one by one, from the farthest, each over what is behind it."""
    sharp = np.zeros((height, width, 3), np.float32)
    blurred = [np.zeros((height, width, 3), np.float32) for _ in distances]
    shader = Radiance(camera_response())
    near, far = scene.focus
    edges = np.concatenate([[0.0], np.linspace(1 / (4 * far), 1.15 / near, _LAYERS), [1e3]])
    for low, high in pairwise(edges):
        start, end = 1 / high, (np.inf if low == 0 else 1 / low)
        behind = max(start - 1 / (high + 3 * (high - low)), 0.0)
        values, alpha = render_slice(scene, shader, height, width, start, end, behind)
        if not alpha.any():
            continue
        sharp = values + sharp * (1 - alpha[..., None])
        for index, distance in enumerate(distances):
            middle = (low + high) / 2 if high < 1e3 else low
            circle = aperture * abs(middle - 1 / distance)
            colour, cover = _defocus(values, alpha, circle)
            blurred[index] = colour + blurred[index] * (1 - cover[..., None])
    return sharp, blurred


def _defocus(values: Values, alpha: Plane, diameter: float) -> tuple[Values, Plane]:
    """Spread a layer over a disc of `diameter` pixels; below one pixel nothing is spread."""
    if diameter < 1:
        return values, alpha
    reach = int(np.ceil(diameter / 2))
    offsets = np.arange(-reach, reach + 1)
    kernel = np.clip(diameter / 2 + 0.5 - np.hypot(offsets[:, None], offsets[None]), 0, 1)
    kernel = (kernel / kernel.sum()).astype(np.float32)
    colour = cv2.filter2D(values, -1, kernel, borderType=cv2.BORDER_REPLICATE)
    cover = cv2.filter2D(alpha, -1, kernel, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(colour, np.float32).reshape(values.shape), np.asarray(cover, np.float32).reshape(alpha.shape)

"""Pairs of pictures of one scene by two sensors: thermal or near-infrared with visible, bands with a guide."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imfuse.data.samples import sensors
from imfuse.data.samples.card import Scene
from imfuse.data.samples.renderer import render
from imfuse.data.samples.scenes import describe, generator
from imfuse.data.samples.shaders import Radiance, Targets, Temperature, Values
from imfuse.data.samples.spectra import (
    VISIBLE_BANDS,
    WAVELENGTHS,
    band_response,
    camera_response,
    near_infrared_response,
)
from imfuse.errors import UsageError


@dataclass(frozen=True)
class InfraredPair:
    """An infrared and a visible picture of one scene, aligned.

    Attributes:
        infrared: (H, W) uint8.
        infrared16: (H, W) uint16: counts with a few hundred levels (thermal), or the full range (near-infrared).
        visible: (H, W, 3) uint8, sRGB.
        visible16: (H, W, 3) uint16, sRGB.
        targets: (H, W) bool, where the warm bodies are.
    """

    infrared: NDArray[np.uint8]
    infrared16: NDArray[np.uint16]
    visible: NDArray[np.uint8]
    visible16: NDArray[np.uint16]
    targets: NDArray[np.bool_]


@dataclass(frozen=True)
class SpectralPair:
    """A coarse multispectral cube with a sharp guide, and the cube that was sought.

    Attributes:
        low_resolution: (h, w, 31) float32: the mean of every scale × scale block of `ground_truth`.
        guide: (H, W, 3) uint8, sRGB: a linear map of the bands behind the tone curve.
        ground_truth: (H, W, 31) float32 linear radiance, in [0, 1].
        wavelengths: (31,) nm.
    """

    low_resolution: NDArray[np.float32]
    guide: NDArray[np.uint8]
    ground_truth: NDArray[np.float32]
    wavelengths: NDArray[np.float32]


def infrared_pair(scene: str = "street", height: int = 480, width: int = 640, seed: int = 0) -> InfraredPair:
    """A thermal and a visible picture.

    Args:
        scene: one of `SCENES`.
        height: of the pictures, in pixels.
        width: of the pictures, in pixels.
        seed: varies places, textures and noise.

    Returns:
        The pair; its `targets` are the warm bodies.

    Raises:
        UsageError: if the scene is unknown or the size is not positive.
    """
    described = describe(scene, height, width, seed)
    celsius = render(described, Temperature(), height, width)[..., 0]
    counts = sensors.thermal_counts(celsius, generator(seed, 11))
    radiance = render(described, Radiance(camera_response()), height, width)
    visible, visible16 = _visible(described, radiance, seed)
    targets = render(described, Targets(), height, width)[..., 0] > 0.5
    return InfraredPair(sensors.stretch(counts), counts, visible, visible16, targets)


def near_infrared_pair(scene: str = "garden", height: int = 480, width: int = 640, seed: int = 0) -> InfraredPair:
    """A near-infrared (about 730 … 1000 nm) and a visible picture; arguments as for `infrared_pair`."""
    described = describe(scene, height, width, seed)
    response = np.concatenate([camera_response(), near_infrared_response()])
    radiance = render(described, Radiance(response), height, width)
    visible, visible16 = _visible(described, np.ascontiguousarray(radiance[..., :3]), seed)
    infrared = sensors.soften(np.ascontiguousarray(radiance[..., 3]), 0.6)
    draw = generator(seed, 12)
    encoded = sensors.srgb(sensors.expose(infrared, described.infrared_exposure, described.light_level, draw))
    targets = render(described, Targets(), height, width)[..., 0] > 0.5
    return InfraredPair(sensors.to_uint8(encoded), sensors.to_uint16(encoded), visible, visible16, targets)


def _visible(scene: Scene, radiance: Values, seed: int) -> tuple[NDArray[np.uint8], NDArray[np.uint16]]:
    """The visible camera's picture with 8 and with 16 bits."""
    exposed = sensors.expose(sensors.soften(radiance, 0.45), scene.exposure, scene.light_level, generator(seed, 13))
    encoded = sensors.srgb(exposed)
    return sensors.to_uint8(encoded), sensors.to_uint16(encoded)


def spectral_pair(
    scene: str = "table", scale: int = 8, height: int = 480, width: int = 640, seed: int = 0
) -> SpectralPair:
    """A coarse cube of 31 bands (400, 410 … 700 nm) with a sharp RGB guide and the sharp cube.

    Args:
        scene: one of `SCENES`.
        scale: how much coarser the cube is.
        height: of the guide; a multiple of `scale`.
        width: of the guide; a multiple of `scale`.
        seed: varies places and textures.

    Returns:
        The pair, without noise. Nothing is clipped: bright pixels are darkened by one factor for all of their bands,
        which leaves the shape of their spectra.

    Raises:
        UsageError: if the scene is unknown or the size is not a positive multiple of `scale`.
    """
    if scale < 1 or height % scale or width % scale:
        raise UsageError(f"{height} x {width} is not a multiple of the scale {scale}; choose another size or scale")
    described = describe(scene, height, width, seed)
    cube = render(described, Radiance(band_response()), height, width)
    _compress(cube, described.exposure)
    blocks = cube.reshape(height // scale, scale, width // scale, scale, VISIBLE_BANDS)
    guide = np.asarray(cube @ camera_response()[:, :VISIBLE_BANDS].T, np.float32)
    return SpectralPair(
        blocks.mean(axis=(1, 3), dtype=np.float32),
        sensors.to_uint8(sensors.srgb(guide)),
        cube,
        WAVELENGTHS[:VISIBLE_BANDS].copy(),
    )


def _compress(cube: NDArray[np.float32], exposure: float) -> None:
    """Bring a cube into [0, 1] in place: per pixel, the brightest band m becomes m / (1 + m)."""
    cube *= np.float32(1.5 * exposure)
    cube /= 1 + cube.max(axis=-1, keepdims=True)

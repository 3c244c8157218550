"""Multi-focus pairs with their ground truth, made of pictures with depth (IFCNN, §2.3)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from imfuse.data.samples import SCENES, focus_stack
from imfuse.errors import DataError, UsageError

Float = NDArray[np.float32]
SigmaRule = Literal["opencv", "wide"]
WIDTH, HEIGHT = 422, 321
RADII = (1, 15)
THRESHOLDS = (0.3, 0.7)
_ENDINGS = {".png", ".jpg", ".jpeg", ".tif", ".tiff"}


@dataclass(frozen=True)
class DepthScene:
    """A picture in which all is in focus, and how far away what it shows is.

    Attributes:
        name: for messages.
        colour: (H, W, 3) uint8, RGB.
        depth: (H, W) float32, 1 at the largest depth. Which end is near does not matter here.
    """

    name: str
    colour: NDArray[np.uint8]
    depth: Float


@dataclass(frozen=True)
class FocusPair:
    """Two pictures of one scene with different focus, each (H, W, 3) in [0, 1], and what is to come of them.

    Attributes:
        near: in focus where the depth is at most the threshold.
        far: in focus elsewhere.
        truth: the picture in which all is in focus.
    """

    near: Float
    far: Float
    truth: Float


def sigma_of(radius: int, rule: SigmaRule = "wide") -> float:
    """Standard deviation in pixels of the Gaussian of 2·radius + 1 taps.

    ``opencv`` is the rule that the paper prints and OpenCV has, σ = 0.3 (radius − 1) + 0.8; ``wide`` its authors' later
    correction, σ = 0.6 (ksize − 1) + 0.8, which is nearly a box over the taps: what a lens does out of focus.
    """
    if rule not in get_args(SigmaRule):
        raise UsageError(
            f"unknown rule {rule!r} for the width of the blur: choose one of {', '.join(get_args(SigmaRule))}"
        )
    return 0.3 * (radius - 1) + 0.8 if rule == "opencv" else 1.2 * radius + 0.8


def blurred(picture: Float, radius: int, rule: SigmaRule = "wide") -> Float:
    """I_b = G ∗ I_s (Eq. 3), G with 2·radius + 1 taps in both directions and sum 1; reflected at the borders."""
    size, sigma = 2 * radius + 1, sigma_of(radius, rule)
    return np.asarray(cv2.GaussianBlur(picture, (size, size), sigma, borderType=cv2.BORDER_REFLECT_101), np.float32)


def focus_pair(scene: DepthScene, radius: int, threshold: float, rule: SigmaRule = "wide") -> FocusPair:
    """The pair of Eq. 5.

    Args:
        scene: a picture and its depth.
        radius: of the blur in pixels; 1 to 15 in the paper.
        threshold: d_th as a fraction of the largest depth; 0.3 to 0.7 in the paper.
        rule: how wide the blur of a radius is.
    """
    truth = scene.colour.astype(np.float32) / np.float32(255)
    soft = blurred(truth, radius, rule)
    near = (scene.depth <= threshold)[..., None]
    return FocusPair(np.where(near, truth, soft), np.where(near, soft, truth), truth)


def random_pair(scene: DepthScene, generator: np.random.Generator, rule: SigmaRule = "wide") -> FocusPair:
    """A pair with the paper's random radius and threshold."""
    radius = int(generator.integers(RADII[0], RADII[1] + 1))
    return focus_pair(scene, radius, float(generator.uniform(*THRESHOLDS)), rule)


def fitted(scene: DepthScene, width: int = WIDTH, height: int = HEIGHT) -> DepthScene:
    """The scene at the paper's size: resized until it covers it, then cut in the middle.

    Blurs have their radius in pixels of this size, so that resizing comes first.
    """
    rows, columns = scene.depth.shape
    factor = max(height / rows, width / columns)
    size = max(width, round(columns * factor)), max(height, round(rows * factor))
    way = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    colour = cv2.resize(scene.colour, size, interpolation=way)
    depth = cv2.resize(scene.depth, size, interpolation=cv2.INTER_NEAREST)
    top, left = (size[1] - height) // 2, (size[0] - width) // 2
    window = slice(top, top + height), slice(left, left + width)
    return DepthScene(scene.name, np.ascontiguousarray(colour[window]), np.ascontiguousarray(depth[window]))


def read_depth_scenes(folders: Iterable[Path]) -> list[DepthScene]:
    """The scenes of data sets with folders ``rgb`` and ``depth``, in natural order.

    Pictures pair by the numbers in their names. Holes in the depth (0 in 16-bit maps) take the nearest depth.

    Raises:
        DataError: a folder has no such pairs, or a pair does not fit.
    """
    scenes = []
    for folder in folders:
        colours, depths = _numbered(folder / "rgb"), _numbered(folder / "depth")
        if not colours or colours.keys() != depths.keys():
            raise DataError(f"{folder}: rgb and depth must hold pictures that pair by the numbers in their names")
        scenes += [_read(folder.name, colours[key], depths[key]) for key in sorted(colours)]
    return scenes


def built_in_scenes(count: int, height: int = HEIGHT, width: int = WIDTH) -> list[DepthScene]:
    """The built-in sample scenes with their depth, in ``count`` arrangements each."""
    scenes = []
    for name in SCENES:
        for seed in range(count):
            stack = focus_stack(name, 1, height, width, seed)
            depth = stack.depth / stack.depth.max()
            scenes.append(DepthScene(f"{name} {seed}", stack.all_in_focus, depth.astype(np.float32)))
    return scenes


def with_procedural_depth(colour: NDArray[np.uint8], generator: np.random.Generator, name: str = "") -> DepthScene:
    """A picture of which no depth is known with a made-up one: a slanted plane with smooth hills."""
    height, width = colour.shape[:2]
    rows, columns = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    angle = generator.uniform(0, 2 * np.pi)
    plane = np.cos(angle) * columns + np.sin(angle) * rows
    hills = cv2.resize(generator.normal(size=(5, 6)), (width, height), interpolation=cv2.INTER_CUBIC)
    depth = plane + 0.25 * hills
    depth -= depth.min()
    return DepthScene(name, colour, (depth / max(float(depth.max()), 1e-6)).astype(np.float32))


def _numbered(folder: Path) -> dict[tuple[int, ...], Path]:
    """Pictures of a folder by the numbers in their stems."""
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder; a data set with depth is two folders, rgb and depth")
    paths = sorted(
        path for path in folder.iterdir() if path.suffix.lower() in {".png", ".jpg", ".jpeg", ".tif", ".tiff"}
    )
    return {tuple(int(digits) for digits in re.findall(r"\d+", path.stem)): path for path in paths}


def _read(place: str, colour_path: Path, depth_path: Path) -> DepthScene:
    colour = cv2.imread(str(colour_path), cv2.IMREAD_COLOR)
    depth = cv2.imread(str(depth_path), cv2.IMREAD_UNCHANGED)
    if colour is None or depth is None or depth.ndim != 2 or depth.shape != colour.shape[:2]:
        raise DataError(f"{colour_path}, {depth_path}: no colour picture with a depth map of one channel and its size")
    values = depth.astype(np.float32)
    if depth.dtype == np.uint16:
        values = _without_holes(values)
    largest = float(values.max())
    if largest <= 0:
        raise DataError(f"{depth_path}: holds no depth")
    rgb = np.ascontiguousarray(colour[..., ::-1], dtype=np.uint8)
    return DepthScene(f"{place}/{colour_path.stem}", rgb, values / np.float32(largest))


def _without_holes(depth: Float) -> Float:
    """Zeros replaced by the nearest depth."""
    holes = depth == 0
    if not holes.any() or holes.all():
        return depth
    _, labels = cv2.distanceTransformWithLabels(holes.astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    known = np.zeros(int(labels.max()) + 1, np.float32)
    known[labels[~holes]] = depth[~holes]
    return known[labels]

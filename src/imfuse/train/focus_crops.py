"""Crops of multi-focus pairs, made on the fly: every draw a function of the seed and the step alone (IFCNN, §2.3)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from imfuse.data.focus_pairs import (
    RADII,
    THRESHOLDS,
    DepthScene,
    SigmaRule,
    built_in_scenes,
    fitted,
    focus_pair,
    read_depth_scenes,
    with_procedural_depth,
)
from imfuse.data.splits import is_held_out_focus_scene
from imfuse.errors import DataError
from imfuse.train.draws import EpochDraws, in_rounds

Float = NDArray[np.float32]
SCALES = (0.5, 1.0)
"""A crop's share of the picture's area, before it is resized to the paper's 224×224."""
PAPER_CROP = 224
JITTER = (0.8, 1.2)
GRAY = 0.5
_PICTURES = {".png", ".jpg", ".jpeg", ".bmp", ".webp"}

Triple = tuple[Tensor, Tensor, Tensor]
"""Near, far and truth, each (3, S, S) in [0, 1]."""


def training_scenes(depth: list[Path], pictures: list[Path], built_in: int, seed: int) -> list[DepthScene]:
    """The scenes of a training at the paper's size, without those held out (:mod:`imfuse.data.splits`).

    Args:
        depth: folders with ``rgb`` and ``depth``.
        pictures: folders of colour pictures, also in folders of these, that get a made-up depth.
        built_in: arrangements of each of the built-in scenes.
        seed: of the made-up depths.

    Raises:
        DataError: a folder does not serve, or there are no scenes at all.
    """
    scenes = [fitted(scene) for scene in read_depth_scenes(depth) if not is_held_out_focus_scene(scene.name)]
    generator = np.random.default_rng(seed)
    for folder in pictures:
        scenes += [fitted(with_procedural_depth(picture, generator, name)) for name, picture in _read_pictures(folder)]
    scenes += built_in_scenes(built_in)
    if not scenes:
        raise DataError("no scenes to train on: give --depth FOLDER, --pictures FOLDER or --built-in N")
    return scenes


def _read_pictures(folder: Path) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _PICTURES)
    if not paths:
        raise DataError(f"{folder}: holds no pictures")
    for path in paths:
        picture = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
        if picture is None:
            raise DataError(f"{path}: cannot be read as a picture")
        yield path.name, np.asarray(picture, np.uint8)


@dataclass(frozen=True)
class Draw:
    """One training example.

    Attributes:
        scene: index of the scene.
        radius: of the blur in pixels of the scene.
        threshold: of the depth.
        scale: share of the scene's area that would become the paper's 224×224 pixels.
        place: where the crop lies, down and right, as fractions of the free rows and columns.
        flips: down and right.
        hsv: factors of hue, saturation and value.
        gray: whether the colours are taken away.
    """

    scene: int
    radius: int
    threshold: float
    scale: float
    place: tuple[float, float]
    flips: tuple[bool, bool]
    hsv: tuple[float, float, float]
    gray: bool


class FocusDraws(EpochDraws[Draw]):
    """Draws of one epoch: every scene about equally often, all else at random in the paper's ranges.

    Args:
        scenes: how many there are.
        count: draws per epoch.
        seed: of the training.
        colours: whether colours are changed at random, as in the paper's second stage.
    """

    def __init__(self, scenes: int, count: int, seed: int, colours: bool) -> None:
        super().__init__(count, seed)
        self.scenes = scenes
        self.colours = colours

    def __iter__(self) -> Iterator[Draw]:
        generator = self.generator()
        for scene in in_rounds(self.scenes, self.length, generator):
            hsv = tuple(float(value) for value in generator.uniform(*JITTER, size=3))
            gray = bool(generator.random() < GRAY)
            down, right = (float(value) for value in generator.random(2))
            flips = generator.random(2) < 0.5
            yield Draw(
                scene=int(scene),
                radius=int(generator.integers(RADII[0], RADII[1] + 1)),
                threshold=float(generator.uniform(*THRESHOLDS)),
                scale=float(generator.uniform(*SCALES)),
                place=(down, right),
                flips=(bool(flips[0]), bool(flips[1])),
                hsv=(hsv[0], hsv[1], hsv[2]) if self.colours else (1.0, 1.0, 1.0),
                gray=gray and self.colours,
            )


class FocusCrops(Dataset[Triple]):
    """Square crops of multi-focus pairs and of their truths.

    The paper resizes a part of the scene of 0.5 to 1 of its area to 224×224 pixels. A smaller crop is a window of that
    picture: depth of focus and blur keep their size in pixels.

    Args:
        scenes: pictures with depth at the paper's size.
        side: of the crops in pixels.
        rule: how wide the blur of a radius is.
    """

    def __init__(self, scenes: list[DepthScene], side: int, rule: SigmaRule) -> None:
        self.scenes = scenes
        self.side = side
        self.rule = rule

    def __len__(self) -> int:
        return len(self.scenes)

    def __getitem__(self, draw: Draw) -> Triple:
        """Near, far and truth of a draw."""
        scene = self.scenes[draw.scene]
        rows, columns = scene.depth.shape
        zoom = np.sqrt(draw.scale)
        height = min(rows, max(2, round(zoom * rows * self.side / PAPER_CROP)))
        width = min(columns, max(2, round(zoom * columns * self.side / PAPER_CROP)))
        top, left = int(draw.place[0] * (rows - height + 1)), int(draw.place[1] * (columns - width + 1))
        around = _around(top, height, rows, draw.radius), _around(left, width, columns, draw.radius)
        part = DepthScene(scene.name, scene.colour[around], scene.depth[around])
        pair = focus_pair(part, draw.radius, draw.threshold, self.rule)
        inner = (
            slice(top - around[0].start, top - around[0].start + height),
            slice(left - around[1].start, left - around[1].start + width),
        )
        near, far, truth = (self._finished(picture[inner], draw) for picture in (pair.near, pair.far, pair.truth))
        return near, far, truth

    def _finished(self, picture: Float, draw: Draw) -> Tensor:
        """The picture at the crop's size, flipped and coloured as the draw says."""
        way = cv2.INTER_AREA if picture.shape[0] > self.side else cv2.INTER_LINEAR
        resized = cv2.resize(picture, (self.side, self.side), interpolation=way)
        resized = resized[:: -1 if draw.flips[0] else 1, :: -1 if draw.flips[1] else 1]
        coloured = _coloured(np.ascontiguousarray(resized), draw)
        return torch.from_numpy(np.ascontiguousarray(coloured.transpose(2, 0, 1)))


def _around(start: int, length: int, whole: int, margin: int) -> slice:
    """A range with a margin, within the whole."""
    return slice(max(0, start - margin), min(whole, start + length + margin))


def _coloured(picture: Float, draw: Draw) -> Float:
    """Hue, saturation and value times the draw's factors; then gray, if it says so."""
    if draw.hsv != (1.0, 1.0, 1.0):
        hsv = cv2.cvtColor(picture, cv2.COLOR_RGB2HSV)  # hue in degrees
        hsv[..., 0] = np.mod(hsv[..., 0] * draw.hsv[0], 360)
        hsv[..., 1:] = np.clip(hsv[..., 1:] * np.asarray(draw.hsv[1:], np.float32), 0, 1)
        picture = np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB), np.float32)
    if draw.gray:
        gray = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
        picture = np.repeat(gray[..., None], 3, axis=2)
    return picture

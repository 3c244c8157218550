"""Exposure brackets as training data: crops of a part of the exposures, in a way that any epoch can be repeated."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from imfuse.data.pairs import read_gray
from imfuse.data.sets import read_data_set
from imfuse.errors import DataError
from imfuse.train.draws import EpochDraws, in_rounds, square

HALVED = 0.5
"""Share of the crops that are taken from the scene at half its size."""


@dataclass(frozen=True, slots=True)
class Bracket:
    """The lumas of one scene, in memory.

    Attributes:
        name: of its set and the scene.
        lumas: (K, H, W), dark to bright.
        halved: the same by means over 2×2 pixels; an odd last row or column is left out.
        means: mean of every luma, in [0, 1], (K,).
    """

    name: str
    lumas: NDArray[np.uint8]
    halved: NDArray[np.uint8]
    means: NDArray[np.float32]

    @classmethod
    def of(cls, name: str, lumas: Sequence[NDArray[np.uint8]]) -> Bracket:
        """A bracket of lumas in any order."""
        ordered = sorted(lumas, key=lambda luma: float(luma.mean()))
        height, width = (side // 2 for side in ordered[0].shape)
        even = [luma[: 2 * height, : 2 * width] for luma in ordered]
        halves = [cv2.resize(luma, (width, height), interpolation=cv2.INTER_AREA) for luma in even]
        means = np.array([luma.mean() / 255 for luma in ordered], np.float32)
        return cls(name, np.stack(ordered), np.stack(halves).astype(np.uint8), means)


class Draw(NamedTuple):
    """One training example: which exposures of which scene, and where.

    Attributes:
        scene: index of the scene.
        exposures: indices of its exposures, dark to bright.
        halved: whether the crop is from the scene at half its size.
        down: where the crop lies, as fraction of the free rows.
        right: of the free columns.
        turns: whether it is flipped down, flipped right, and transposed.
    """

    scene: int
    exposures: tuple[int, ...]
    halved: bool
    down: float
    right: float
    turns: tuple[bool, bool, bool]


class Crops(NamedTuple):
    """A batch of scenes, whose numbers of exposures differ.

    Attributes:
        lumas: (K₁ + K₂ + …, crop, crop) in [0, 1], scene after scene.
        means: of the whole exposures, (K₁ + K₂ + …,).
        counts: K₁, K₂ …
    """

    lumas: Tensor
    means: Tensor
    counts: list[int]


def read_brackets(folders: Sequence[Path], crop: int, skip: Collection[str] = ()) -> list[Bracket]:
    """The scenes of one or more sets of brackets.

    Args:
        folders: each with one folder per scene.
        crop: what has to fit into every picture.
        skip: scenes to leave out, as ``SET/SCENE``.

    Raises:
        DataError: none is left, a scene to leave out is not there, or a picture is too small or of another size.
    """
    brackets, left_out = [], set(skip)
    for folder in folders:
        found = read_data_set(folder, "exposure")
        for scene in found.scenes:
            name = f"{found.name}/{scene.name}"
            if name in left_out:
                left_out.remove(name)
                continue
            brackets.append(Bracket.of(name, _lumas(scene.sources, crop)))
    if left_out:
        raise DataError(f"{', '.join(sorted(left_out))}: to be left out, but not there; scenes are named SET/SCENE")
    if not brackets:
        raise DataError("no brackets to train on: give --data FOLDER, with one folder per scene")
    return brackets


def _lumas(paths: Sequence[Path], crop: int) -> list[NDArray[np.uint8]]:
    lumas = [read_gray(path) for path in paths]
    for path, luma in zip(paths, lumas, strict=True):
        if luma.shape != lumas[0].shape:
            raise DataError(f"{path}: has another size than {paths[0].name}; a bracket is of one size")
        if min(luma.shape) < crop:
            raise DataError(f"{path}: is smaller than the crop of {crop} pixels; choose a smaller --crop")
    return lumas


def spread_exposures(available: int, count: int, generator: np.random.Generator) -> tuple[int, ...]:
    """``count`` of so many exposures at random, from dark to bright: one of each of ``count`` nearly equal ranges."""
    bounds = np.linspace(0, available, count + 1).round().astype(int)
    return tuple(int(generator.integers(low, high)) for low, high in pairwise(bounds))


class BracketDraws(EpochDraws[list[Draw]]):
    """The batches of one epoch: every scene ``repeats`` times, with 2 to ``most`` of its exposures.

    Args:
        available: how many exposures every scene has.
        repeats: crops of every scene per epoch.
        batch: scenes per step; the last step of an epoch may have fewer.
        most: exposures of a scene at most.
        complete: share of the draws with all exposures of a scene, or ``most`` of them where it has more.
        seed: of the training.
    """

    def __init__(
        self, available: Sequence[int], repeats: int, batch: int, most: int, complete: float, seed: int
    ) -> None:
        super().__init__(math.ceil(len(available) * repeats / batch), seed)
        self.available = list(available)
        self.repeats = repeats
        self.batch = batch
        self.most = most
        self.complete = complete

    def __iter__(self) -> Iterator[list[Draw]]:
        generator = self.generator()
        order = in_rounds(len(self.available), len(self.available) * self.repeats, generator)
        for start in range(0, len(order), self.batch):
            yield [self._draw(int(scene), generator) for scene in order[start : start + self.batch]]

    def _draw(self, scene: int, generator: np.random.Generator) -> Draw:
        available = self.available[scene]
        most = min(available, self.most)
        count = most if generator.random() < self.complete else int(generator.integers(2, most + 1))
        exposures = spread_exposures(available, count, generator)
        down, right = (float(value) for value in generator.random(2))
        first, second, third = (bool(value) for value in generator.random(3) < 0.5)
        return Draw(scene, exposures, bool(generator.random() < HALVED), down, right, (first, second, third))


class BracketCrops(Dataset[Crops]):
    """Square crops of brackets, a batch at a time."""

    def __init__(self, brackets: Sequence[Bracket], crop: int) -> None:
        self.brackets = brackets
        self.crop = crop

    def __len__(self) -> int:
        return len(self.brackets)

    def __getitem__(self, draws: list[Draw]) -> Crops:
        """The batch that draws name."""
        crops = [self._crop(draw) for draw in draws]
        means = [self.brackets[draw.scene].means[list(draw.exposures)] for draw in draws]
        lumas = torch.from_numpy(np.concatenate(crops)).float().div_(255)
        return Crops(lumas, torch.from_numpy(np.concatenate(means)), [len(crop) for crop in crops])

    def _crop(self, draw: Draw) -> NDArray[np.uint8]:
        bracket = self.brackets[draw.scene]
        # Scenes of which half is smaller than the crop are taken whole-sized.
        lumas = bracket.halved if draw.halved and min(bracket.halved.shape[1:]) >= self.crop else bracket.lumas
        crop = lumas[(list(draw.exposures), *square(lumas.shape, draw.down, draw.right, self.crop))]
        down, right, transposed = draw.turns
        crop = crop[:, :: -1 if down else 1, :: -1 if right else 1]
        return crop.transpose(0, 2, 1) if transposed else crop

"""Scenes of bands and guides as training data: random crops, made coarse, in a way that any epoch can be repeated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from imfuse.data.wald import Example, WaldProtocol
from imfuse.errors import DataError
from imfuse.train.draws import EpochDraws, in_rounds

_PEAK = 65535


@dataclass(frozen=True, slots=True)
class PackedScene:
    """A scene in half the memory of float32; 8-bit values stay exact.

    Attributes:
        name: in messages.
        bands: the truth, (L, H, W).
        guide: (G, H, W).
    """

    name: str
    bands: NDArray[np.uint16]
    guide: NDArray[np.uint16]


def pack(name: str, bands: Tensor, guide: Tensor) -> PackedScene:
    """Pack bands (1, L, H, W) and a guide (1, G, H, W), both in [0, 1] and of one size."""
    packed = [x[0].mul(_PEAK).round().clamp(0, _PEAK).numpy().astype(np.uint16) for x in (bands, guide)]
    return PackedScene(name, packed[0], packed[1])


def unpack(values: NDArray[np.uint16]) -> Tensor:
    """Float32 in [0, 1], contiguous."""
    return torch.from_numpy(values.astype(np.float32)).div_(_PEAK)


class SceneCrops(Dataset[Example]):
    """Square crops of packed scenes, turned and mirrored at random, and made coarse.

    A crop is named by epoch and number, and is a function of these and the seed alone.
    """

    def __init__(self, scenes: Sequence[PackedScene], protocol: WaldProtocol, crop: int, seed: int) -> None:
        for scene in scenes:
            if min(scene.bands.shape[1:]) < crop:
                raise DataError(f"{scene.name}: is smaller than the crop of {crop} pixels; choose a smaller --crop")
        self.scenes = scenes
        self.protocol = protocol
        self.crop = crop
        self.seed = seed

    def __getitem__(self, name: tuple[int, int]) -> Example:
        """The example, without the batch's dimension."""
        epoch, number = name
        draws = np.random.default_rng([self.seed, epoch, number])
        scene = self.scenes[number % len(self.scenes)]
        height, width = scene.bands.shape[1:]
        top, left = (int(draws.integers(length - self.crop + 1)) for length in (height, width))
        turns, mirrored = int(draws.integers(4)), bool(draws.integers(2))
        parts = []
        for values in (scene.bands, scene.guide):
            part = np.rot90(values[:, top : top + self.crop, left : left + self.crop], turns, (1, 2))
            parts.append(unpack(part[..., ::-1] if mirrored else part)[None])
        noise = torch.Generator().manual_seed(int(draws.integers(2**62)))
        return Example(*(x[0] for x in self.protocol.example(parts[0], parts[1], noise)))


class CropNumbers(EpochDraws[tuple[int, int]]):
    """The numbers of an epoch's crops in random order, with the epoch."""

    def __iter__(self) -> Iterator[tuple[int, int]]:
        order = in_rounds(self.length, self.length, self.generator())
        return ((self.epoch, int(number)) for number in order)


def example_loader(crops: SceneCrops, per_scene: int, batch: int) -> DataLoader[Example]:
    """Batches of ``per_scene`` crops of every scene; the last batch of an epoch may be smaller."""
    numbers = CropNumbers(per_scene * len(crops.scenes), crops.seed)
    return DataLoader(crops, batch_size=batch, sampler=numbers)

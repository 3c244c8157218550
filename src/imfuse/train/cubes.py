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

_PLACES = 64
"""Places that are looked at for a crop of a scene that lacks values, until one has them all."""


@dataclass(frozen=True, slots=True)
class PackedScene:
    """A scene in half the memory of float32; 8-bit values stay exact.

    Attributes:
        name: in messages.
        bands: the truth, (L, H, W).
        guide: (G, H, W).
        valid: (H, W): pixels that were measured; None where all were.
    """

    name: str
    bands: NDArray[np.uint16]
    guide: NDArray[np.uint16]
    valid: NDArray[np.bool_] | None = None


def pack(name: str, bands: Tensor, guide: Tensor, valid: NDArray[np.bool_] | None = None) -> PackedScene:
    """Pack bands (1, L, H, W) and a guide (1, G, H, W), both in [0, 1] and of one size."""
    packed = [x[0].mul(_PEAK).round().clamp(0, _PEAK).numpy().astype(np.uint16) for x in (bands, guide)]
    return PackedScene(name, packed[0], packed[1], None if valid is None or valid.all() else valid)


def unpack(values: NDArray[np.uint16]) -> Tensor:
    """Float32 in [0, 1], contiguous."""
    return torch.from_numpy(values.astype(np.float32)).div_(_PEAK)


class SceneCrops(Dataset[Example]):
    """Square crops of packed scenes, turned and mirrored at random, and made coarse.

    A crop is named by epoch and number, and is a function of these and the seed alone. Of a scene that lacks values it
    is the first place of a few that lacks none, or else the one that lacks fewest: what is filled in is no truth.
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
        top, left = self._place(scene, draws)
        turns, mirrored = int(draws.integers(4)), bool(draws.integers(2))
        parts = []
        for values in (scene.bands, scene.guide):
            part = np.rot90(values[:, top : top + self.crop, left : left + self.crop], turns, (1, 2))
            parts.append(unpack(part[..., ::-1] if mirrored else part)[None])
        noise = torch.Generator().manual_seed(int(draws.integers(2**62)))
        return Example(*(x[0] for x in self.protocol.example(parts[0], parts[1], noise)))

    def _place(self, scene: PackedScene, draws: np.random.Generator) -> tuple[int, int]:
        """The first row and column of a crop."""
        best, most = (0, 0), -1
        for _ in range(1 if scene.valid is None else _PLACES):
            top, left = (int(draws.integers(length - self.crop + 1)) for length in scene.bands.shape[1:])
            part = slice(top, top + self.crop), slice(left, left + self.crop)
            known = self.crop**2 if scene.valid is None else int(scene.valid[part].sum())
            if known > most:
                best, most = (top, left), known
            if most == self.crop**2:
                break
        return best


class CropNumbers(EpochDraws[tuple[int, int]]):
    """The numbers of an epoch's crops in random order, with the epoch."""

    def __iter__(self) -> Iterator[tuple[int, int]]:
        order = in_rounds(self.length, self.length, self.generator())
        return ((self.epoch, int(number)) for number in order)


def example_loader(crops: SceneCrops, per_scene: int, batch: int) -> DataLoader[Example]:
    """Batches of ``per_scene`` crops of every scene; the last batch of an epoch may be smaller."""
    numbers = CropNumbers(per_scene * len(crops.scenes), crops.seed)
    return DataLoader(crops, batch_size=batch, sampler=numbers)

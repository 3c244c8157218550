"""Single pictures as training data, cropped at random in a way that any epoch can be repeated."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from imfuse.data.pairs import group_by_stem, read_gray
from imfuse.errors import DataError
from imfuse.train.config import training_folder

Draw = tuple[int, float, float]
"""A picture's index, and where its crop lies: fractions of the free rows and columns."""


def read_training_pictures(folder: Path, crop: int) -> list[NDArray[np.uint8]]:
    """All infrared and visible pictures of a data set as luma: for an autoencoder all are alike.

    Raises:
        DataError: none, an orphan, or a picture smaller than the crop.
    """
    pairing = group_by_stem(training_folder(folder))
    if pairing.orphans or not pairing.groups:
        problem = f"{pairing.orphans[0]} has no partner" if pairing.orphans else "no pairs of pictures"
        raise DataError(f"{folder}: {problem}; ir and vis must hold pictures of the same names")
    pictures = []
    for _, pair in pairing.groups:
        for path in pair:
            picture = read_gray(path)
            if min(picture.shape) < crop:
                raise DataError(f"{path}: is smaller than the crop of {crop} pixels; choose a smaller --crop")
            pictures.append(picture)
    return pictures


class CropDataset(Dataset[Tensor]):
    """Square crops (1, crop, crop) in [0, 1] of pictures that are held in memory."""

    def __init__(self, pictures: list[NDArray[np.uint8]], crop: int) -> None:
        self.pictures = pictures
        self.crop = crop

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, draw: Draw) -> Tensor:
        """The crop that a draw names."""
        index, down, right = draw
        picture = self.pictures[index]
        top = int(down * (picture.shape[0] - self.crop + 1))
        left = int(right * (picture.shape[1] - self.crop + 1))
        crop = picture[top : top + self.crop, left : left + self.crop]
        return torch.from_numpy(crop.astype(np.float32) / 255).unsqueeze(0)


class SeededDraws(Sampler[Draw]):
    """Every picture once in random order with a random crop; a function of the seed and the epoch alone.

    Therefore a training that is resumed at an epoch's end sees what it would have seen without the interruption.
    """

    def __init__(self, count: int, seed: int) -> None:
        self.count = count
        self.seed = seed
        self.epoch = 0

    def __len__(self) -> int:
        return self.count

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch comes next; the trainer does it."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[Draw]:
        generator = np.random.default_rng([self.seed, self.epoch])
        order = generator.permutation(self.count)
        positions = generator.random((self.count, 2))
        for index, (down, right) in zip(order, positions, strict=True):
            yield int(index), float(down), float(right)


def crop_loader(pictures: list[NDArray[np.uint8]], batch: int, crop: int, seed: int) -> DataLoader[Tensor]:
    """Batches (batch, 1, crop, crop); the last of an epoch may be smaller."""
    return DataLoader(CropDataset(pictures, crop), batch_size=batch, sampler=SeededDraws(len(pictures), seed))

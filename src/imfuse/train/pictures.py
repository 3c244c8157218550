"""Single pictures as training data, cropped at random in a way that any epoch can be repeated."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from imfuse.data.pairs import group_by_stem, read_gray
from imfuse.errors import DataError
from imfuse.train.config import training_folder
from imfuse.train.draws import EpochDraws, in_rounds, square

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
        crop = picture[square(picture.shape, down, right, self.crop)]
        return torch.from_numpy(crop.astype(np.float32) / 255).unsqueeze(0)


class PictureDraws(EpochDraws[Draw]):
    """Every picture once in random order with a random crop."""

    def __iter__(self) -> Iterator[Draw]:
        generator = self.generator()
        order = in_rounds(self.length, self.length, generator)
        positions = generator.random((self.length, 2))
        for index, (down, right) in zip(order, positions, strict=True):
            yield int(index), float(down), float(right)


def crop_loader(pictures: list[NDArray[np.uint8]], batch: int, crop: int, seed: int) -> DataLoader[Tensor]:
    """Batches (batch, 1, crop, crop); the last of an epoch may be smaller."""
    return DataLoader(CropDataset(pictures, crop), batch_size=batch, sampler=PictureDraws(len(pictures), seed))

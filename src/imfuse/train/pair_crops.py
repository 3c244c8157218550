"""Pairs of pictures as training data: the same crop of both, flipped alike, by draws that can be repeated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from imfuse.data.pairs import group_by_stem, read_gray
from imfuse.data.splits import is_msrs361_validation
from imfuse.data.thumbnails import same_scenes
from imfuse.errors import DataError
from imfuse.train.config import training_folder
from imfuse.train.draws import EpochDraws, in_rounds, square

Tone = tuple[float, float, float]
"""How a picture is changed, each in [−1, 1]: its gamma, its contrast and its brightness."""

PairDraw = tuple[int, float, float, bool, bool, tuple[Tone, Tone]]
"""A pair's index, where its crop lies (fractions of the free rows and columns), whether rows and columns are
reversed, and either picture's tone."""

Pair = NDArray[np.uint8]
"""Infrared and visible, (2, H, W)."""


def read_pairs(folders: Sequence[Path], crop: int, without: Sequence[Path] = ()) -> list[Pair]:
    """All pairs of data sets as luma in 8 bits.

    Of a folder named ``msrs361`` the committed validation part is left out.

    Args:
        folders: each with ``ir`` and ``vis``.
        crop: the smallest side that a picture may have.
        without: data sets whose scenes are left out, whatever they are called and at whatever size: those whose
            visible thumbnails correlate more than 0.97.

    Raises:
        DataError: no pairs, pictures of one pair that differ in size, or a picture smaller than the crop.
    """
    paths = [pair for folder in folders for pair in _training_paths(folder)]
    others = [visible for folder in without for _, visible in _paths(folder)]
    dropped = same_scenes([visible for _, visible in paths], others)
    pairs = []
    for infrared, visible in paths:
        if visible in dropped:
            continue
        first, second = read_gray(infrared), read_gray(visible)
        if first.shape != second.shape:
            raise DataError(f"{infrared} and {visible}: differ in size; a pair must be of one size")
        if min(first.shape) < crop:
            raise DataError(f"{infrared}: is smaller than the crop of {crop} pixels; choose a smaller --crop")
        pairs.append(np.stack([first, second]))
    if not pairs:
        raise DataError(f"{', '.join(map(str, folders))}: no pairs of pictures are left to train on")
    return pairs


def _paths(folder: Path) -> list[tuple[Path, Path]]:
    pairing = group_by_stem(training_folder(folder))
    if pairing.orphans or not pairing.groups:
        problem = f"{pairing.orphans[0]} has no partner" if pairing.orphans else "no pairs of pictures"
        raise DataError(f"{folder}: {problem}; ir and vis must hold pictures of the same names")
    return [(infrared, visible) for _, (infrared, visible) in pairing.groups]


def _training_paths(folder: Path) -> list[tuple[Path, Path]]:
    pairs = _paths(folder)
    if folder.name == "msrs361":
        return [pair for pair in pairs if not is_msrs361_validation(pair[0].stem)]
    return pairs


class PairCrops(Dataset[Tensor]):
    """Square crops (2, 1, crop, crop) in [0, 1] of pairs that are held in memory.

    Args:
        pairs: infrared and visible.
        crop: side of the crops in pixels.
        tones: how far tones are changed, 0 for as they are: see :func:`retoned`.
    """

    def __init__(self, pairs: Sequence[Pair], crop: int, tones: float = 0.0) -> None:
        self.pairs = list(pairs)
        self.crop = crop
        self.tones = tones

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, draw: PairDraw) -> Tensor:
        """The crop that a draw names."""
        index, down, right, upside_down, mirrored, tones = draw
        pair = self.pairs[index]
        crop = pair[(..., *square(pair.shape, down, right, self.crop))]
        flipped = crop[:, :: -1 if upside_down else 1, :: -1 if mirrored else 1]
        pictures = flipped.astype(np.float32) / 255
        if self.tones:
            pictures = np.stack([retoned(x, tone, self.tones) for x, tone in zip(pictures, tones, strict=True)])
        return torch.from_numpy(pictures).unsqueeze(1)


def retoned(picture: NDArray[np.float32], tone: Tone, span: float) -> NDArray[np.float32]:
    """A picture in [0, 1] as another camera might have rendered it, clipped to [0, 1].

    Args:
        picture: of any shape.
        tone: gamma, contrast and brightness, each in [−1, 1].
        span: with 1, gamma and contrast change by a factor of at most 2, brightness by at most a quarter of the range.
    """
    gamma, contrast, brightness = (span * part for part in tone)
    curved = picture ** np.float32(2**gamma)
    moved = curved + (2**contrast - 1) * (curved - curved.mean()) + brightness / 4
    return np.asarray(np.clip(moved, 0, 1), np.float32)


class PairDraws(EpochDraws[PairDraw]):
    """``draws`` draws per epoch; every pair before any comes again."""

    def __init__(self, count: int, draws: int, seed: int) -> None:
        super().__init__(draws, seed)
        self.count = count

    def __iter__(self) -> Iterator[PairDraw]:
        generator = self.generator()
        order = in_rounds(self.count, self.length, generator)
        places, flips = generator.random((self.length, 2)), generator.random((self.length, 2)) < 0.5
        # Every second crop stays as it is, so that what real cameras do is always seen, too.
        tones = generator.uniform(-1, 1, (self.length, 2, 3)) * (generator.random((self.length, 1, 1)) < 0.5)
        draws = zip(order.tolist(), places.tolist(), flips.tolist(), tones.tolist(), strict=True)
        for index, (down, right), (upside_down, mirrored), (first, second) in draws:
            yield index, down, right, upside_down, mirrored, (tuple(first), tuple(second))

"""What a training draws at random: a function of its seed and the epoch alone, so that any epoch can be repeated."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Sampler

Draw = TypeVar("Draw")


class EpochDraws(Sampler[Draw]):
    """The draws of one epoch, a function of the seed and the epoch alone; subclasses say which.

    Therefore a training that is resumed at an epoch's end sees what it would have seen without the interruption.

    Args:
        length: draws, or batches of draws, per epoch.
        seed: of the training.
    """

    def __init__(self, length: int, seed: int) -> None:
        self.length = length
        self.seed = seed
        self.epoch = 0

    def __len__(self) -> int:
        return self.length

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch comes next; the trainer does it."""
        self.epoch = epoch

    def generator(self) -> np.random.Generator:
        """The epoch's random numbers, from the beginning."""
        return np.random.default_rng([self.seed, self.epoch])


def in_rounds(items: int, count: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """``count`` of the numbers below ``items`` in random order; every number before any comes again."""
    rounds = -(-count // items)
    return np.concatenate([generator.permutation(items) for _ in range(rounds)])[:count]


def square(shape: tuple[int, ...], down: float, right: float, side: int) -> tuple[slice, slice]:
    """Rows and columns of a square of ``side`` pixels.

    Args:
        shape: of the pictures, (…, H, W).
        down: where it lies, as fraction of the free rows, in [0, 1).
        right: of the free columns.
        side: at most H and W.
    """
    top = int(down * (shape[-2] - side + 1))
    left = int(right * (shape[-1] - side + 1))
    return slice(top, top + side), slice(left, left + side)

"""Settings of the trainings of the autoencoders AUIF and CSC-IVFN."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Self, cast

from torch import Tensor

from imfuse.errors import UsageError
from imfuse.networks.two_scale import TwoScaleNetwork
from imfuse.train.config import TrainingConfig


@dataclass(frozen=True)
class AutoencoderConfig(TrainingConfig):
    """What a training of an autoencoder on single pictures is set to.

    Attributes:
        sweeps: settings that can be swept; ``rule`` trains once.
        epochs: passes over the training pictures.
        batch: pictures per step.
        crop: side of the square crops in pixels.
        learning_rate: of Adam, in the first half.
        decay_epoch: from this epoch on the learning rate is a tenth.
        settle_epochs: passes after that, in which the normalisations keep the statistics that inference uses.
        settle_batch: pictures per step in these.
        settle_rate: largest learning rate in these; it rises to it over the first tenth and falls to zero.
        ssim_weight: μ (AUIF) or λ (Deep CSC) of the reconstruction loss.
    """

    sweeps: ClassVar[tuple[str, ...]]

    epochs: int
    batch: int
    crop: int
    learning_rate: float
    decay_epoch: int
    settle_epochs: int
    settle_batch: int
    settle_rate: float
    ssim_weight: float

    def __post_init__(self) -> None:
        """Check the ranges."""
        super().__post_init__()
        self.require(("epochs", "batch", "crop", "learning_rate", "settle_batch", "settle_rate"))
        self.require(("ssim_weight", "decay_epoch", "settle_epochs"), zero=True)
        if self.crop < 11:
            raise UsageError(f"crop is {self.crop}: SSIM needs at least 11 pixels")

    @property
    def all_epochs(self) -> int:
        """Passes over the training pictures altogether."""
        return self.epochs + self.settle_epochs

    def settled_rate(self, done: float) -> float:
        """The learning rate after this fraction of the settling: a linear rise, then half a cosine."""
        rise = 0.1
        if done < rise:
            return self.settle_rate * (done + 0.01) / (rise + 0.01)
        return self.settle_rate * (1 + math.cos(math.pi * (done - rise) / (1 - rise))) / 2

    @abstractmethod
    def construct(self) -> TwoScaleNetwork:
        """A fresh network."""

    def build(self) -> TwoScaleNetwork:
        """A fresh network whose parameters follow from the seed."""
        return cast(TwoScaleNetwork, super().build())

    @abstractmethod
    def finish(self, network: TwoScaleNetwork, pictures: Iterable[Tensor]) -> None:
        """What the network has to be told of the training pictures, each (1, 1, H, W) in [0, 1], after the training."""

    @abstractmethod
    def candidates(self, kind: str) -> list[tuple[str, Self]]:
        """Labels and recipes of a sweep."""

    @abstractmethod
    def rule_choices(self) -> list[tuple[str, str, str]]:
        """Label, base rule and detail rule of every candidate of the sweep of rules."""

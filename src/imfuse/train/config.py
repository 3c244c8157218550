"""Settings that every training has, and where its data lie."""

from __future__ import annotations

import json
import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Self, get_args

import torch
from torch import Tensor

from imfuse.blocks.activations import ActivationName
from imfuse.errors import DataError, UsageError
from imfuse.networks.two_scale import TwoScaleNetwork


@dataclass(frozen=True)
class TrainingConfig(ABC):
    """What a training of an autoencoder on single pictures is set to: the recipe of a network.

    Attributes:
        network: its key in the registry.
        paper: reference.
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
        seed: of the first parameters, the order of the pictures and the crops.
    """

    network: ClassVar[str]
    paper: ClassVar[str]
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
    seed: int

    def __post_init__(self) -> None:
        """Check the ranges."""
        for name in ("epochs", "batch", "crop", "learning_rate", "settle_batch", "settle_rate"):
            if not 0 < getattr(self, name) < math.inf:
                raise UsageError(f"{name} is {getattr(self, name)}: give a positive number")
        for name in ("ssim_weight", "decay_epoch", "settle_epochs", "seed"):
            if not 0 <= getattr(self, name) < math.inf:
                raise UsageError(f"{name} is {getattr(self, name)}: give zero or a positive number")
        if self.crop < 11:
            raise UsageError(f"crop is {self.crop}: SSIM needs at least 11 pixels")

    @property
    def all_epochs(self) -> int:
        """Passes over the training pictures altogether."""
        return self.epochs + self.settle_epochs

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)

    def settled_rate(self, done: float) -> float:
        """The learning rate after this fraction of the settling: a linear rise, then half a cosine."""
        rise = 0.1
        if done < rise:
            return self.settle_rate * (done + 0.01) / (rise + 0.01)
        return self.settle_rate * (1 + math.cos(math.pi * (done - rise) / (1 - rise))) / 2

    @abstractmethod
    def network_arguments(self) -> dict[str, Any]:
        """Constructor arguments of the network."""

    @abstractmethod
    def construct(self) -> TwoScaleNetwork:
        """A fresh network."""

    @abstractmethod
    def finish(self, network: TwoScaleNetwork, pictures: Iterable[Tensor]) -> None:
        """What the network has to be told of the training pictures, each (1, 1, H, W) in [0, 1], after the training."""

    @abstractmethod
    def candidates(self, kind: str) -> list[tuple[str, Self]]:
        """Labels and recipes of a sweep."""

    @abstractmethod
    def rule_choices(self) -> list[tuple[str, str, str]]:
        """Label, base rule and detail rule of every candidate of the sweep of rules."""

    def build(self) -> TwoScaleNetwork:
        """A fresh network whose parameters follow from the seed."""
        with torch.random.fork_rng():
            torch.manual_seed(self.seed)
            return self.construct()

    def with_seed(self, seed: int) -> Self:
        """The same recipe from another seed."""
        return replace(self, seed=seed)


def check_activations(names: Sequence[str]) -> None:
    """Refuse activations that there are not.

    Raises:
        UsageError: one is unknown.
    """
    for name in names:
        if name not in get_args(ActivationName):
            choices = ", ".join(get_args(ActivationName))
            raise UsageError(f"unknown activation {name!r}: choose one of {choices}")


def write_config(config: TrainingConfig, run: Path) -> None:
    """Write the settings to ``config.json`` in the run's folder."""
    (run / "config.json").write_text(json.dumps(config.to_dict(), indent=1) + "\n", encoding="utf-8")


def check_resumed(config: TrainingConfig, run: Path) -> None:
    """Refuse to go on with a run under other settings than it was started with; only more epochs are welcome.

    Raises:
        UsageError: a setting differs.
    """
    try:
        started = json.loads((run / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{run / 'config.json'}: cannot be read ({error}); start the run anew") from error
    differing = [
        f"{name} was {started.get(name)}, now {value}"
        for name, value in config.to_dict().items()
        if started.get(name, value) != value and not (name.endswith("epochs") and value >= started[name])
    ]
    if differing:
        raise UsageError(f"{run}: was started with other settings: {'; '.join(differing)}")


def training_folder(given: Path) -> tuple[Path, Path]:
    """The folders ``ir`` and ``vis`` of a data set.

    Raises:
        DataError: one of them is missing.
    """
    folders = given / "ir", given / "vis"
    for folder in folders:
        if not folder.is_dir():
            raise DataError(f"{given}: has no folder {folder.name!r}; a data set of pairs is two folders, ir and vis")
    return folders

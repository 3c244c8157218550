"""Settings that every training has, and where its data lie."""

from __future__ import annotations

import json
import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import MISSING, asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, ClassVar, Self, get_args

import torch

from imfuse.blocks.activations import ActivationName
from imfuse.errors import DataError, UsageError
from imfuse.networks.protocol import FusionNetwork


@dataclass(frozen=True)
class TrainingConfig(ABC):
    """What a training is set to: the recipe of a network, its settings as fields.

    Attributes:
        network: its key in the registry.
        paper: reference.
        seed: of the first parameters and of all that is drawn.
    """

    network: ClassVar[str]
    paper: ClassVar[str]

    seed: int

    def __post_init__(self) -> None:
        """Check the ranges."""
        self.require(("seed",), zero=True)

    def require(self, names: Sequence[str], *, zero: bool = False) -> None:
        """Refuse settings of these names that are not positive numbers, or with ``zero`` neither that nor zero.

        Raises:
            UsageError: one is not.
        """
        for name in names:
            value = getattr(self, name)
            if not (value >= 0 if zero else value > 0) or value == math.inf:
                raise UsageError(f"{name} is {value}: give {'zero or ' if zero else ''}a positive number")

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)

    def told(self) -> dict[str, Any]:
        """The settings as a card tells them."""
        return self.to_dict()

    @abstractmethod
    def network_arguments(self) -> dict[str, Any]:
        """Constructor arguments of the network."""

    @abstractmethod
    def construct(self) -> FusionNetwork:
        """A fresh network."""

    def build(self) -> FusionNetwork:
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
    settings = json.loads(json.dumps(config.to_dict()))  # tuples become lists, as in the file
    # Settings that there were not yet were what they are without being given.
    defaults = {field.name: field.default for field in fields(config) if field.default is not MISSING}
    started = json.loads(json.dumps(defaults)) | started
    differing = [
        f"{name} was {started.get(name)}, now {value}"
        for name, value in settings.items()
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

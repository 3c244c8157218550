"""The recipe of AUIF (paper, §4.2)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

import torch

from imfuse.blocks.activations import ActivationName
from imfuse.errors import UsageError
from imfuse.networks.auif import AUIF
from imfuse.train.autoencoder import train_autoencoder
from imfuse.train.config import TrainingConfig
from imfuse.train.pictures import read_training_pictures

PAPER = (
    "Z. Zhao, S. Xu, C. Zhang, J. Liu, J. Zhang: Efficient and Interpretable Infrared and Visible Image Fusion via "
    "Algorithm Unrolling. arXiv:2005.05896"
)


@dataclass(frozen=True)
class AUIFConfig(TrainingConfig):
    """The paper's settings: 10 layers of 64 filters, 80 epochs of 32 crops of 128×128, μ = 5, 10⁻² then 10⁻³.

    The paper names no optimiser; its authors' code uses Adam, and so do we. Crops are random, without flips.
    """

    epochs: int = 80
    batch: int = 32
    crop: int = 128
    learning_rate: float = 1e-2
    decay_epoch: int = 40
    ssim_weight: float = 5.0
    seed: int = 0
    layers: int = 10
    filters: int = 64
    activation: ActivationName = "prelu"
    theta_base: float = 1e-3
    theta_detail: float = 1.0

    def __post_init__(self) -> None:
        """Check the ranges."""
        super().__post_init__()
        if self.layers < 1 or self.filters < 1:
            raise UsageError("layers and filters must be at least 1")
        if self.activation not in get_args(ActivationName):
            names = ", ".join(get_args(ActivationName))
            raise UsageError(f"unknown activation {self.activation!r}: choose one of {names}")

    def network_arguments(self) -> dict[str, Any]:
        """Constructor arguments of the network."""
        return {
            "layers": self.layers,
            "filters": self.filters,
            "activation_name": self.activation,
            "theta_base": self.theta_base,
            "theta_detail": self.theta_detail,
        }

    def build(self) -> AUIF:
        """A fresh network whose parameters follow from the seed."""
        with torch.random.fork_rng():
            torch.manual_seed(self.seed)
            return AUIF(**self.network_arguments())


def train_auif(config: AUIFConfig, data: Path, run: Path, *, resume: bool = False, progress: bool = True) -> AUIF:
    """Train AUIF and centre its maps; leave configuration, checkpoints and curves in ``run``.

    See :func:`train_autoencoder` and :meth:`imfuse.networks.auif.AUIF.centre`.
    """
    network = config.build()
    train_autoencoder(network, config, data, run, resume=resume, progress=progress)
    pictures = read_training_pictures(data, config.crop)
    network.cpu().centre(torch.from_numpy(picture).float().div_(255)[None, None] for picture in pictures)
    return network


def with_seed(config: AUIFConfig, seed: int) -> AUIFConfig:
    """The same recipe from another seed."""
    return replace(config, seed=seed)

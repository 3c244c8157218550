"""The recipe of AUIF (paper, §4.2)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Self, cast, get_args

from torch import Tensor

from imfuse.blocks.activations import ActivationName
from imfuse.errors import UsageError
from imfuse.networks.auif import AUIF
from imfuse.networks.two_scale import TwoScaleNetwork
from imfuse.train.autoencoder_config import AutoencoderConfig
from imfuse.train.config import check_activations

DEPTHS = range(1, 16)


@dataclass(frozen=True)
class AUIFConfig(AutoencoderConfig):
    """The paper's settings: 10 layers of 64 filters, 80 epochs of 32 crops of 128×128, μ = 5, 10⁻² then 10⁻³.

    The paper names no optimiser; its authors' code uses Adam, and so do we. Crops are random, without flips.
    """

    network = "auif"
    paper = (
        "Z. Zhao, S. Xu, C. Zhang, J. Liu, J. Zhang: Efficient and Interpretable Infrared and Visible Image Fusion via "
        "Algorithm Unrolling. arXiv:2005.05896"
    )
    sweeps = ("layers", "activation", "rule")

    epochs: int = 80
    batch: int = 32
    crop: int = 128
    learning_rate: float = 1e-2
    decay_epoch: int = 40
    settle_epochs: int = 0
    settle_batch: int = 32
    settle_rate: float = 1e-3
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
        check_activations([self.activation])

    def network_arguments(self) -> dict[str, Any]:
        """Constructor arguments of the network."""
        return {
            "layers": self.layers,
            "filters": self.filters,
            "activation_name": self.activation,
            "theta_base": self.theta_base,
            "theta_detail": self.theta_detail,
        }

    def construct(self) -> AUIF:
        """A fresh network."""
        return AUIF(**self.network_arguments())

    def finish(self, network: TwoScaleNetwork, pictures: Iterable[Tensor]) -> None:
        """Centre the maps: see :meth:`imfuse.networks.auif.AUIF.centre`."""
        cast(AUIF, network).centre(pictures)

    def candidates(self, kind: str) -> list[tuple[str, Self]]:
        """Labels and recipes of a sweep: ``layers`` 1–15, ``activation``, or ``rule`` (one training, three rules)."""
        match kind:
            case "layers":
                return [(str(depth), replace(self, layers=depth)) for depth in DEPTHS]
            case "activation":
                return [(name, replace(self, activation=name)) for name in get_args(ActivationName)]
            case _:
                return [("", self)]

    def rule_choices(self) -> list[tuple[str, str, str]]:
        """Label, base rule and detail rule of every candidate of the sweep of rules."""
        return [(rule.name, rule.name, rule.name) for rule in AUIF.rules]

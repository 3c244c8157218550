"""The recipe of CSC-IVFN (Deep CSC, Section IV-A)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, Self, cast, get_args

from torch import Tensor

from imfuse.blocks.activations import ActivationName
from imfuse.errors import UsageError
from imfuse.networks.csc_ivfn import CSCIVFN
from imfuse.networks.two_scale import TwoScaleNetwork
from imfuse.rules import ADDITION, AVERAGE, L1_NORM, SALIENCY_WEIGHTED
from imfuse.train.autoencoder_config import AutoencoderConfig
from imfuse.train.config import check_activations

UNITS = range(1, 11)


@dataclass(frozen=True)
class CSCIVFNConfig(AutoencoderConfig):
    """The paper's settings: 7 units, PReLU for base and SST for detail, 60 epochs, λ = 5, 10⁻² then 10⁻³ after 30.

    Silent in the paper and decided here: Adam (as in its two other networks), random crops of 64×64 without flips, and
    16 of them per step. Batches of 4 reconstruct markedly worse, since the batch normalisations take the mean of so few
    pictures away and with it how bright each is; crops of 128 cost four times as much per epoch.

    After the paper's 60 epochs, 80 more with the normalisations' statistics held. In training a normalisation divides
    by the spread of its batch, in inference by a running mean that is larger on average; over seven units in a row that
    took a sixth of the contrast of every reconstruction away (standard deviation 0.83 of the picture's, on training
    pictures). With the statistics held, the filters learn for what inference does, and a batch may be small: 4 crops
    per step, four times as many steps, gave the loss of 30 epochs of 16 crops in 7. Gradients are clipped to norm 1
    there, since a rate of 3·10⁻³ without it spoils the first epoch.
    """

    network = "csc_ivfn"
    paper = (
        "S. Xu, Z. Zhao, Y. Wang, C. Zhang, J. Liu, J. Zhang: Deep Convolutional Sparse Coding Networks for Image "
        "Fusion. arXiv:2005.08448"
    )
    sweeps = ("units", "activation", "rule")

    epochs: int = 60
    batch: int = 16
    crop: int = 64
    learning_rate: float = 1e-2
    decay_epoch: int = 30
    settle_epochs: int = 80
    settle_batch: int = 4
    settle_rate: float = 3e-3
    ssim_weight: float = 5.0
    seed: int = 0
    units: int = 7
    filters: int = 64
    base_activation: ActivationName = "prelu"
    detail_activation: ActivationName = "sst"

    def __post_init__(self) -> None:
        """Check the ranges."""
        super().__post_init__()
        if self.units < 1 or self.filters < 1:
            raise UsageError("units and filters must be at least 1")
        check_activations([self.base_activation, self.detail_activation])

    def network_arguments(self) -> dict[str, Any]:
        """Constructor arguments of the network."""
        return {
            "units": self.units,
            "filters": self.filters,
            "base_activation": self.base_activation,
            "detail_activation": self.detail_activation,
        }

    def construct(self) -> CSCIVFN:
        """A fresh network."""
        return CSCIVFN(**self.network_arguments())

    def finish(self, network: TwoScaleNetwork, pictures: Iterable[Tensor]) -> None:
        """Find the levels of the histograms: see :meth:`imfuse.networks.csc_ivfn.CSCIVFN.calibrate`."""
        cast(CSCIVFN, network).calibrate(pictures)

    def candidates(self, kind: str) -> list[tuple[str, Self]]:
        """Labels and recipes of a sweep: ``units`` 1–10, ``activation`` (base + detail), or ``rule`` (one training)."""
        match kind:
            case "units":
                return [(str(count), replace(self, units=count)) for count in UNITS]
            case "activation":
                pairs = product(get_args(ActivationName), repeat=2)
                return [(f"{b} + {d}", replace(self, base_activation=b, detail_activation=d)) for b, d in pairs]
            case _:
                return [("", self)]

    def rule_choices(self) -> list[tuple[str, str, str]]:
        """Label, base rule and detail rule of every candidate: the paper's rules, and addition as in AUIF."""
        pairs = [*product([AVERAGE.name, L1_NORM.name, SALIENCY_WEIGHTED.name], repeat=2), (ADDITION.name,) * 2]
        return [(f"{base} + {detail}", base, detail) for base, detail in pairs]

"""The last epochs of a training, in which the network settles: what is the same whatever is trained."""

from __future__ import annotations

from typing import Any, Protocol

import lightning.pytorch as pl
from torch import nn
from torch.optim import Optimizer


class SettlingConfig(Protocol):
    """The settings of a recipe whose network settles after its paper's epochs."""

    @property
    def epochs(self) -> int:
        """Epochs before that."""

    @property
    def settle_epochs(self) -> int:
        """Epochs of that."""

    def settled_rate(self, done: float) -> float:
        """The learning rate after this fraction of them."""


class SettlingModule(pl.LightningModule):
    """While it settles, the normalisations keep their statistics, the rate is set step by step, gradients are clipped.

    Args:
        network: what is trained.
        config: the recipe.
    """

    def __init__(self, network: nn.Module, config: SettlingConfig) -> None:
        super().__init__()
        self.network = network
        self.settling_config = config

    @property
    def settling(self) -> bool:
        """Whether this is one of the last epochs."""
        return self.current_epoch >= self.settling_config.epochs

    def on_train_epoch_start(self) -> None:
        """While settling, hold the statistics of the normalisations."""
        if self.settling:
            for module in self.network.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.eval()

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        """While settling, set the learning rate step by step."""
        if self.settling:
            config = self.settling_config
            epochs = self.current_epoch - config.epochs + batch_idx / self.trainer.num_training_batches
            for group in self.trainer.optimizers[0].param_groups:
                group["lr"] = config.settled_rate(epochs / config.settle_epochs)

    def configure_gradient_clipping(self, optimizer: Optimizer, *_: object, **__: object) -> None:
        """While settling, clip the gradient."""
        if self.settling:
            self.clip_gradients(optimizer, gradient_clip_val=1.0, gradient_clip_algorithm="norm")

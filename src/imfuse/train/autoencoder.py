"""The training loop of the autoencoders AUIF and CSC-IVFN."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader

from imfuse.losses.reconstruction import reconstruction_loss
from imfuse.networks.two_scale import TwoScaleNetwork
from imfuse.train.autoencoder_config import AutoencoderConfig
from imfuse.train.loop import check_loss, fit, starting_point
from imfuse.train.pictures import crop_loader, read_training_pictures
from imfuse.train.settling import SettlingModule


class Reconstruction(SettlingModule):
    """Reproduce single pictures: Adam, the reconstruction loss, and one drop of the learning rate to a tenth.

    In the last epochs, in which the network settles, the statistics of the normalisations are held.
    """

    network: TwoScaleNetwork

    def __init__(self, network: TwoScaleNetwork, config: AutoencoderConfig, pictures: list[NDArray[np.uint8]]) -> None:
        super().__init__(network, config)
        self.config = config
        self.pictures = pictures

    def train_dataloader(self) -> DataLoader[Tensor]:
        """The crops of the next epoch."""
        batch = self.config.settle_batch if self.settling else self.config.batch
        return crop_loader(self.pictures, batch, self.config.crop, self.config.seed)

    def training_step(self, batch: Tensor, _index: int) -> Tensor:
        """The loss of a batch (B, 1, crop, crop)."""
        loss = reconstruction_loss(self.network(batch), batch, self.config.ssim_weight)
        check_loss(loss)
        self.log("loss", loss, on_step=False, on_epoch=True, prog_bar=True, batch_size=len(batch))
        return loss

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """Adam, which the papers' code uses and the papers do not name."""
        optimiser = torch.optim.Adam(self.network.parameters(), lr=self.config.learning_rate)
        schedule = torch.optim.lr_scheduler.MultiStepLR(optimiser, [self.config.decay_epoch], gamma=0.1)
        return {"optimizer": optimiser, "lr_scheduler": schedule}


def train_autoencoder(
    config: AutoencoderConfig,
    data: Path,
    run: Path,
    *,
    resume: bool = False,
    progress: bool = True,
    stop_after: int | None = None,
) -> TwoScaleNetwork:
    """Train a network; leave configuration, checkpoints and curves in ``run``.

    Args:
        config: the recipe.
        data: folder with ``ir`` and ``vis``.
        run: folder of the run.
        resume: go on from the last finished epoch: see :func:`imfuse.train.loop.fit`.
        progress: show a progress bar.
        stop_after: end after this many epochs, to be resumed later.

    Returns:
        The network, trained, told what it needs to know of the training pictures, in evaluation mode.

    Raises:
        DataError: the data are not as needed, or there is nothing to resume.
        OutputError: ``run`` holds a training already, and ``resume`` is not set.
        UsageError: the training in ``run`` has other settings.
    """
    checkpoint = starting_point(config, run, resume)
    pictures = read_training_pictures(data, config.crop)
    module = Reconstruction(config.build(), config, pictures)
    fit(module, config, run, config.all_epochs if stop_after is None else stop_after, checkpoint, progress=progress)
    network = module.network.cpu().eval()
    config.finish(network, (torch.from_numpy(picture).float().div_(255)[None, None] for picture in pictures))
    return network

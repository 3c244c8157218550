"""The training loop of the autoencoders AUIF and CSC-IVFN."""

from __future__ import annotations

from pathlib import Path

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import ModelCheckpoint, RichProgressBar
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor, nn

from imfuse.errors import DataError
from imfuse.losses.reconstruction import reconstruction_loss
from imfuse.train.config import TrainingConfig
from imfuse.train.curves import Curves
from imfuse.train.pictures import crop_loader, read_training_pictures

CHECKPOINTS = "checkpoints"


class Reconstruction(pl.LightningModule):
    """Reproduce single pictures: Adam, the reconstruction loss, and one drop of the learning rate to a tenth."""

    def __init__(self, network: nn.Module, config: TrainingConfig) -> None:
        super().__init__()
        self.network = network
        self.config = config

    def training_step(self, batch: Tensor, _index: int) -> Tensor:
        """The loss of a batch (B, 1, crop, crop)."""
        loss = reconstruction_loss(self.network(batch), batch, self.config.ssim_weight)
        self.log("loss", loss, on_step=False, on_epoch=True, prog_bar=True, batch_size=len(batch))
        return loss

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """Adam, which the papers' code uses and the papers do not name."""
        optimiser = torch.optim.Adam(self.network.parameters(), lr=self.config.learning_rate)
        schedule = torch.optim.lr_scheduler.MultiStepLR(optimiser, [self.config.decay_epoch], gamma=0.1)
        return {"optimizer": optimiser, "lr_scheduler": schedule}


def train_autoencoder(
    network: nn.Module,
    config: TrainingConfig,
    data: Path,
    run: Path,
    *,
    resume: bool = False,
    progress: bool = True,
    stop_after: int | None = None,
) -> nn.Module:
    """Train a network and leave checkpoints and curves in ``run``.

    Args:
        network: reproduces pictures (B, 1, H, W); its first parameters must come from ``config.seed``.
        config: the recipe.
        data: folder with ``ir`` and ``vis``.
        run: folder of the run.
        resume: go on from the last finished epoch: bit for bit what an uninterrupted run gives on the same machine
            with the same number of threads.
        progress: show a progress bar.
        stop_after: end after this many epochs, to be resumed later.

    Returns:
        The network, trained, in evaluation mode.

    Raises:
        DataError: the data are not as needed, or there is nothing to resume.
    """
    checkpoint = last_checkpoint(run)
    if resume and not checkpoint.is_file():
        raise DataError(f"{checkpoint}: no checkpoint to resume from; start without --resume")
    run.mkdir(parents=True, exist_ok=True)
    pictures = read_training_pictures(data, config.crop)
    loader = crop_loader(pictures, config.batch, config.crop, config.seed)
    trainer = _trainer(config.epochs if stop_after is None else stop_after, run, progress)
    module = Reconstruction(network, config)
    trainer.fit(module, loader, ckpt_path=checkpoint if resume else None, weights_only=True if resume else None)
    return module.network.eval()


def last_checkpoint(run: Path) -> Path:
    """Where the state after the last finished epoch of a run lies."""
    return run / CHECKPOINTS / "last.ckpt"


def _trainer(epochs: int, run: Path, progress: bool) -> pl.Trainer:
    # save_last links to or copies the checkpoint of the epoch; the epoch's own file is replaced by the next one.
    keep = ModelCheckpoint(
        run / CHECKPOINTS, filename="epoch", save_last=True, save_on_train_epoch_end=True, enable_version_counter=False
    )
    callbacks: list[pl.Callback] = [keep, Curves(run)]
    if progress:
        callbacks.append(RichProgressBar())
    return pl.Trainer(
        max_epochs=epochs,
        accelerator="auto",
        devices=1,
        default_root_dir=run,
        logger=False,
        callbacks=callbacks,
        enable_progress_bar=progress,
        enable_model_summary=False,
        deterministic=True,
    )

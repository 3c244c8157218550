"""The training loop of the autoencoders AUIF and CSC-IVFN."""

from __future__ import annotations

from pathlib import Path
from pickle import UnpicklingError

import lightning.pytorch as pl
import numpy as np
import torch
from lightning.pytorch.callbacks import ModelCheckpoint, RichProgressBar
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils.data import DataLoader

from imfuse.errors import DataError, OutputError
from imfuse.losses.reconstruction import reconstruction_loss
from imfuse.networks.two_scale import TwoScaleNetwork
from imfuse.train.config import TrainingConfig, check_resumed, write_config
from imfuse.train.curves import Curves
from imfuse.train.pictures import crop_loader, read_training_pictures

CHECKPOINTS = "checkpoints"


class Reconstruction(pl.LightningModule):
    """Reproduce single pictures: Adam, the reconstruction loss, and one drop of the learning rate to a tenth.

    In the last epochs, in which the network settles, the statistics of the normalisations are held.
    """

    def __init__(self, network: TwoScaleNetwork, config: TrainingConfig, pictures: list[NDArray[np.uint8]]) -> None:
        super().__init__()
        self.network = network
        self.config = config
        self.pictures = pictures

    @property
    def settling(self) -> bool:
        """Whether this is one of the last epochs."""
        return self.current_epoch >= self.config.epochs

    def train_dataloader(self) -> DataLoader[Tensor]:
        """The crops of the next epoch."""
        batch = self.config.settle_batch if self.settling else self.config.batch
        return crop_loader(self.pictures, batch, self.config.crop, self.config.seed)

    def on_train_epoch_start(self) -> None:
        """While settling, hold the statistics of the normalisations."""
        if self.settling:
            for module in self.network.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.eval()

    def on_train_batch_start(self, batch: Tensor, batch_idx: int) -> None:
        """While settling, set the learning rate step by step."""
        if self.settling:
            epochs = self.current_epoch - self.config.epochs + batch_idx / self.trainer.num_training_batches
            for group in self.trainer.optimizers[0].param_groups:
                group["lr"] = self.config.settled_rate(epochs / self.config.settle_epochs)

    def configure_gradient_clipping(self, optimizer: Optimizer, *_: object, **__: object) -> None:
        """While settling, clip the gradient."""
        if self.settling:
            self.clip_gradients(optimizer, gradient_clip_val=1.0, gradient_clip_algorithm="norm")

    def training_step(self, batch: Tensor, _index: int) -> Tensor:
        """The loss of a batch (B, 1, crop, crop)."""
        loss = reconstruction_loss(self.network(batch), batch, self.config.ssim_weight)
        if not torch.isfinite(loss):
            raise DataError("the training diverged: the loss is no number; give a smaller --learning-rate")
        self.log("loss", loss, on_step=False, on_epoch=True, prog_bar=True, batch_size=len(batch))
        return loss

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """Adam, which the papers' code uses and the papers do not name."""
        optimiser = torch.optim.Adam(self.network.parameters(), lr=self.config.learning_rate)
        schedule = torch.optim.lr_scheduler.MultiStepLR(optimiser, [self.config.decay_epoch], gamma=0.1)
        return {"optimizer": optimiser, "lr_scheduler": schedule}


def train_autoencoder(
    config: TrainingConfig,
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
        resume: go on from the last finished epoch: bit for bit what an uninterrupted run gives on the same machine
            with the same number of threads.
        progress: show a progress bar.
        stop_after: end after this many epochs, to be resumed later.

    Returns:
        The network, trained, told what it needs to know of the training pictures, in evaluation mode.

    Raises:
        DataError: the data are not as needed, or there is nothing to resume.
        OutputError: ``run`` holds a training already, and ``resume`` is not set.
        UsageError: the training in ``run`` has other settings.
    """
    checkpoint = _starting_point(config, run, resume)
    pictures = read_training_pictures(data, config.crop)
    try:
        run.mkdir(parents=True, exist_ok=True)
        write_config(config, run)
    except OSError as error:
        raise OutputError(f"{run}: cannot hold a training ({error.strerror or error})") from error
    trainer = _trainer(config.all_epochs if stop_after is None else stop_after, run, progress)
    module = Reconstruction(config.build(), config, pictures)
    deterministic = torch.are_deterministic_algorithms_enabled()
    try:
        trainer.fit(module, ckpt_path=checkpoint, weights_only=True)
    except RuntimeError as error:
        if checkpoint is None or "state_dict" not in str(error):
            raise
        words = f"{checkpoint}: is of another version of the network and cannot be gone on with; start another --run"
        raise DataError(words) from error
    except SystemExit as error:
        # Lightning ends the program on Ctrl-C; here the caller decides.
        raise KeyboardInterrupt from error
    finally:
        torch.use_deterministic_algorithms(deterministic)
    network = module.network.cpu().eval()
    config.finish(network, (torch.from_numpy(picture).float().div_(255)[None, None] for picture in pictures))
    return network


def _starting_point(config: TrainingConfig, run: Path, resume: bool) -> Path | None:
    """The checkpoint to go on from, or None for a fresh run."""
    checkpoint = find_checkpoint(run)
    folder = run / CHECKPOINTS
    if resume:
        if checkpoint is None:
            raise DataError(f"{run}: no checkpoint to resume from; start without --resume")
        check_resumed(config, run)
    elif folder.is_dir() and any(folder.iterdir()):
        raise OutputError(f"{run}: holds a training already; --resume goes on with it, or choose another --run")
    return checkpoint


def find_checkpoint(run: Path) -> Path | None:
    """The state after the last finished epoch of a run, if there is one that can be read.

    It is written to two files, one after the other: of a run that was killed while writing, one of them is whole.
    """
    for name in ("last.ckpt", "epoch.ckpt"):
        path = run / CHECKPOINTS / name
        try:
            torch.load(path, map_location="cpu", weights_only=True)
        except (OSError, RuntimeError, EOFError, UnpicklingError):
            continue
        return path
    return None


def _trainer(epochs: int, run: Path, progress: bool) -> pl.Trainer:
    keep = ModelCheckpoint(
        run / CHECKPOINTS, filename="epoch", save_last=True, save_on_train_epoch_end=True, enable_version_counter=False
    )
    callbacks: list[pl.Callback] = [keep, Curves(run)]
    if progress:
        callbacks.append(RichProgressBar(console_kwargs={"stderr": True}))
    return pl.Trainer(
        max_epochs=epochs,
        accelerator="auto",
        devices=1,
        default_root_dir=run,
        logger=False,
        callbacks=callbacks,
        enable_progress_bar=progress,
        enable_model_summary=False,
        reload_dataloaders_every_n_epochs=1,  # batches are smaller while settling
        deterministic="warn",  # reflection padding has no deterministic gradient on CUDA
    )

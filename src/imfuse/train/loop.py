"""The training loop that all recipes share: checkpoints, resuming, curves, and what can go wrong on the way."""

from __future__ import annotations

from pathlib import Path
from pickle import UnpicklingError

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import ModelCheckpoint, RichProgressBar
from torch import Tensor

from imfuse.errors import DataError, OutputError
from imfuse.train.config import TrainingConfig, check_resumed, write_config
from imfuse.train.curves import Curves

CHECKPOINTS = "checkpoints"


def check_loss(loss: Tensor) -> None:
    """Refuse to go on with a loss that is no number.

    Raises:
        DataError: it is not.
    """
    if not torch.isfinite(loss):
        raise DataError("the training diverged: the loss is no number; give a smaller --learning-rate")


def starting_point(config: TrainingConfig, run: Path, resume: bool) -> Path | None:
    """The checkpoint to go on from, or None for a fresh run; to be asked for before the data are read.

    Raises:
        DataError: there is nothing to resume.
        OutputError: ``run`` holds a training already, and ``resume`` is not set.
        UsageError: the training in ``run`` has other settings.
    """
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


def fit(
    module: pl.LightningModule,
    config: TrainingConfig,
    run: Path,
    epochs: int,
    checkpoint: Path | None,
    *,
    progress: bool = True,
) -> None:
    """Train a module; leave configuration, checkpoints and curves in ``run``.

    Going on from a checkpoint gives bit for bit what an uninterrupted run gives on the same machine with the same
    number of threads, if the module's batches follow from the seed and the epoch alone.

    Args:
        module: logs ``loss`` for every epoch. Its data loader is asked for anew at every epoch.
        config: the recipe, noted in ``run``.
        run: folder of the run.
        epochs: end after this many, those before the checkpoint counted.
        checkpoint: to go on from: see :func:`starting_point`.
        progress: show a progress bar.

    Raises:
        DataError: the checkpoint is of another version of the network.
        OutputError: ``run`` cannot be written.
        KeyboardInterrupt: Ctrl-C; what is finished is kept.
    """
    try:
        run.mkdir(parents=True, exist_ok=True)
        write_config(config, run)
    except OSError as error:
        raise OutputError(f"{run}: cannot hold a training ({error.strerror or error})") from error
    deterministic = torch.are_deterministic_algorithms_enabled()
    try:
        _trainer(epochs, run, progress).fit(module, ckpt_path=checkpoint, weights_only=True)
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
        reload_dataloaders_every_n_epochs=1,  # a recipe may change its batches on the way
        deterministic="warn",  # reflection padding has no deterministic gradient on CUDA
    )

"""The recipe of CSC-MMFN (Deep CSC, Section IV-C)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast, get_args

import lightning.pytorch as pl
import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Adam
from torch.utils.data import DataLoader

from imfuse.data.wald import Example, WaldProtocol
from imfuse.errors import UsageError
from imfuse.losses.bands import BandsLoss, bands_loss
from imfuse.metrics import evaluate
from imfuse.networks.csc_mmfn import CSCMMFN, GuideTransfer
from imfuse.ops.resampling import Degradation
from imfuse.train.config import TrainingConfig
from imfuse.train.cubes import PackedScene, SceneCrops, example_loader, unpack
from imfuse.train.loop import check_loss, fit, starting_point
from imfuse.train.warm_start import start_words, take_weights

_FIRST_LOOK = 32
"""Crops on which the statistics of the normalisations are taken."""

_RISE = 0.1
"""The part of the training in which the learning rate rises."""


@dataclass(frozen=True)
class CSCMMFNConfig(TrainingConfig):
    """The paper's settings: 4 units of SST in each encoder, Adam, 100 epochs, the mean squared error, Wald's protocol.

    Silent in the paper and decided here: 32 random crops of 64×64 of every scene per epoch, turned and mirrored, 4 of
    them per step. For scale 8, crops of 96 or more: their coarse bands are 12 pixels wide.

    Other than in the paper:

    - The learning rate rises over the first tenth of the training to ``learning_rate``, which is the paper's, and
      falls as half a cosine to zero. 2·10⁻³ overshoots: after 60 steps 39.3 instead of 42.9 dB on validation crops.
    - The statistics of the normalisations are taken once, of the untrained network on the first crops, unit by unit,
      and held: see :func:`take_statistics`. With ``start``, they are those of the model that is started from.

    With ``loss="psnr"`` the first steps go much farther: 45.0 dB instead of 42.9 after those 60.

    Attributes:
        bands: L, of the scenes.
        guide_channels: of the guide.
        scale: how many pixels of the guide a pixel of the coarse bands is wide.
        epochs: times that ``crops`` of every scene are taken.
        crops: of every scene per epoch.
        batch: crops per step.
        crop: side of the crops in pixels of the guide; a multiple of the scale.
        learning_rate: of Adam, at its highest.
        loss: see :func:`imfuse.losses.bands.bands_loss`.
        validation_every: epochs from one scoring on validation scenes to the next.
        degradation: of the coarse bands; with ``gaussian``, ``consistent`` must be off.
        noise: of the coarse bands: see :class:`imfuse.data.wald.WaldProtocol`.
        start: weights file to start from, or empty: of the same bands, guide channels, units and filters; scale and
            guide transfer may be others.
        units, filters, radius, epsilon, residual, consistent, guide_transfer: of
            :class:`imfuse.networks.csc_mmfn.CSCMMFN`.
        guide_curved: likewise; of a pair, its guide's own.
    """

    network = "csc_mmfn"
    paper = (
        "S. Xu, Z. Zhao, Y. Wang, C. Zhang, J. Liu, J. Zhang: Deep Convolutional Sparse Coding Networks for Image "
        "Fusion. arXiv:2005.08448"
    )

    bands: int = 31
    guide_channels: int = 3
    scale: int = 4
    epochs: int = 100
    crops: int = 32
    batch: int = 4
    crop: int = 64
    learning_rate: float = 5e-4
    loss: BandsLoss = "mse"
    validation_every: int = 5
    degradation: Degradation = "area"
    noise: float = 0.0
    start: str = ""
    seed: int = 0
    units: int = 4
    filters: int = 64
    radius: int = 1
    epsilon: float = 1e-3
    residual: bool = True
    consistent: bool = True
    guide_transfer: GuideTransfer = "srgb"
    guide_curved: bool = True

    def __post_init__(self) -> None:
        """Check the ranges."""
        super().__post_init__()
        self.require(("bands", "guide_channels", "scale", "epochs", "crops", "batch", "crop", "validation_every"))
        self.require(("learning_rate", "units", "filters", "radius", "epsilon"))
        if self.loss not in get_args(BandsLoss):
            raise UsageError(f"unknown loss {self.loss!r}: choose one of {', '.join(get_args(BandsLoss))}")
        if self.guide_transfer not in get_args(GuideTransfer):
            raise UsageError(f"unknown --guide-transfer {self.guide_transfer!r}: choose srgb or linear")
        if self.crop % self.scale or self.crop < 2 * self.scale:
            raise UsageError(f"crop is {self.crop}: it must be a multiple of the scale {self.scale}, and two of them")
        if self.consistent and self.degradation != "area":
            raise UsageError("bands that are no averages of their area cannot be made consistent: add --no-consistent")
        self.protocol()

    def protocol(self) -> WaldProtocol:
        """How crops and validation scenes are made coarse."""
        return WaldProtocol(self.scale, self.degradation, self.noise, crop=True)

    def network_arguments(self) -> dict[str, Any]:
        """Constructor arguments of the network."""
        names = ("bands", "guide_channels", "scale", "units", "filters", "radius", "epsilon")
        return {
            name: getattr(self, name) for name in (*names, "residual", "consistent", "guide_transfer", "guide_curved")
        }

    def construct(self) -> CSCMMFN:
        """A fresh network."""
        return CSCMMFN(**self.network_arguments())

    def build(self) -> CSCMMFN:
        """A fresh network whose parameters follow from the seed, or the model that is started from."""
        network = cast(CSCMMFN, super().build())
        if self.start:
            take_weights(network, self.start)
        return network

    def told(self) -> dict[str, Any]:
        """The settings, with the name of the model that is started from instead of its place."""
        return {**self.to_dict(), "start": start_words(self.start)}

    def rate(self, done: float) -> float:
        """The learning rate after this fraction of the training."""
        if done < _RISE:
            return self.learning_rate * (done + 0.01) / (_RISE + 0.01)
        return self.learning_rate * (1 + math.cos(math.pi * (done - _RISE) / (1 - _RISE))) / 2


class Sharpening(pl.LightningModule):
    """Sharpen coarse bands by their guide: Adam, the loss of the bands, and a rate that is set step by step."""

    def __init__(
        self,
        network: CSCMMFN,
        config: CSCMMFNConfig,
        scenes: Sequence[PackedScene],
        validation: Sequence[PackedScene] = (),
    ) -> None:
        super().__init__()
        self.network = network
        self.config = config
        self.crops = SceneCrops(scenes, config.protocol(), config.crop, config.seed)
        self.validation = validation

    def train_dataloader(self) -> DataLoader[Example]:
        """The crops of the next epoch."""
        return example_loader(self.crops, self.config.crops, self.config.batch)

    def on_train_epoch_start(self) -> None:
        """Hold the statistics of the normalisations."""
        _hold(self.network)

    def on_train_batch_start(self, batch: Example, batch_idx: int) -> None:
        """Set the learning rate."""
        epochs = self.current_epoch + batch_idx / self.trainer.num_training_batches
        for group in self.trainer.optimizers[0].param_groups:
            group["lr"] = self.config.rate(epochs / self.config.epochs)

    def training_step(self, batch: Example, _index: int) -> Tensor:
        """The loss of a batch."""
        low, guide, truth = batch
        loss = bands_loss(self.network(low, guide), truth, self.config.loss)
        check_loss(loss)
        self.log("loss", loss, on_step=False, on_epoch=True, prog_bar=True, batch_size=len(low))
        return loss

    def configure_optimizers(self) -> Adam:
        """Adam, the paper's."""
        return Adam(self.network.parameters(), lr=self.config.learning_rate)

    def figures(self) -> dict[str, float]:
        """PSNR and spectral angle on the validation scenes, after every few epochs; NaN after the others."""
        if not self.validation:
            return {}
        due = (self.current_epoch + 1) % self.config.validation_every == 0
        scores = scene_scores(self.network, self.config.protocol(), self.validation) if due else []
        keys = ("psnr", "sam")
        return {
            f"validation.{key}": float(np.mean([score[key] for score in scores])) if due else math.nan for key in keys
        }


def take_statistics(network: CSCMMFN, crops: SceneCrops) -> None:
    """Take the statistics of the normalisations on the first crops; :class:`Sharpening` holds them from then on.

    A normalisation of the batch takes the brightness of its few crops away, which is what is to be reproduced, and
    inference would divide by other numbers than the training did. Held, it is a scale and a shift per map that start
    at variance 1 and are learned: the statistics are the first values of the parameters, as in the data-dependent
    initialisation of Salimans and Kingma ("Weight normalization", 2016).
    """
    normalisations = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in normalisations:
        norm.momentum = 1.0
    network.train()
    examples = [crops[0, number] for number in range(_FIRST_LOOK)]
    with torch.no_grad():
        network(*(torch.stack(parts) for parts in list(zip(*examples, strict=True))[:2]))


def _hold(network: CSCMMFN) -> None:
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()


def scene_scores(network: CSCMMFN, protocol: WaldProtocol, scenes: Sequence[PackedScene]) -> list[dict[str, float]]:
    """PSNR in dB over all pixels and bands, and mean spectral angle in degrees, of every scene; clamped to [0, 1].

    Of scenes that lack values, over the pixels that were measured.
    """
    scores = []
    training = network.training
    network.eval()
    for number, scene in enumerate(scenes):
        bands, guide = unpack(scene.bands)[None], unpack(scene.guide)[None]
        low, guide, truth = protocol.example(bands, guide, torch.Generator().manual_seed(number))
        with torch.inference_mode():
            fused = network.fuse([low, guide]).clamp(0, 1)
        if scene.valid is not None:  # a row of pixels: neither figure asks for their neighbours
            known = scene.valid[: truth.shape[-2], : truth.shape[-1]]
            fused, truth = (x[..., torch.from_numpy(known)][..., None, :] for x in (fused, truth))
        values = evaluate(fused, metrics=["psnr", "sam"], truth=truth)
        scores.append({key: float(value) for key, value in values.items()})
    network.train(training)
    return scores


def train_csc_mmfn(
    config: CSCMMFNConfig,
    scenes: Sequence[PackedScene],
    run: Path,
    *,
    validation: Sequence[PackedScene] = (),
    resume: bool = False,
    progress: bool = True,
    stop_after: int | None = None,
) -> CSCMMFN:
    """Train a network; leave configuration, checkpoints and curves in ``run``.

    Args:
        config: the recipe.
        scenes: to train on.
        run: folder of the run.
        validation: scored on the way, for the curves.
        resume: go on from the last finished epoch: see :func:`imfuse.train.loop.fit`.
        progress: show a progress bar.
        stop_after: end after this many epochs, to be resumed later.

    Returns:
        The network, trained, in evaluation mode.

    Raises:
        DataError: a scene is too small, or there is nothing to resume.
        OutputError: ``run`` holds a training already, and ``resume`` is not set.
        UsageError: the training in ``run`` has other settings.
    """
    checkpoint = starting_point(config, run, resume)
    network = config.build()
    module = Sharpening(network, config, scenes, validation)
    if checkpoint is None and not config.start:
        take_statistics(network, module.crops)
    fit(module, config, run, config.epochs if stop_after is None else stop_after, checkpoint, progress=progress)
    return module.network.cpu().eval()

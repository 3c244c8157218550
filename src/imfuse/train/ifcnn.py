"""The recipe of IFCNN (paper, §2.3 to §2.5)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast, get_args

import lightning.pytorch as pl
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader

from imfuse.blocks.wide_convolution import composed_kernel
from imfuse.data.focus_pairs import DepthScene, SigmaRule
from imfuse.errors import DataError, UsageError
from imfuse.losses.perceptual import PerceptualLoss, PerceptualName, perceptual_loss
from imfuse.networks.ifcnn import IFCNN
from imfuse.rules import MAXIMUM
from imfuse.train.config import TrainingConfig
from imfuse.train.focus_crops import FocusCrops, FocusDraws, Triple
from imfuse.train.loop import check_loss, fit, starting_point
from imfuse.train.warm_start import start_words, take_weights

OptimiserName = Literal["sgd", "adam"]

OPPONENTS = ((1.0, -1.0, 0.0), (0.5, 0.5, -1.0))
"""Red against green, and both against blue."""


@dataclass(frozen=True)
class IFCNNConfig(TrainingConfig):
    """The paper's settings: 5,000 steps of 64 crops with the basic loss, then 60,000 of 32 with the perceptual one too.

    In the first stage the momentum of the batch normalisations falls from 0.99 to 0 (in PyTorch's sense: the share of
    the newest batch); in the second they are frozen, and colours are changed at random. The learning rate falls in both
    from ``learning_rate`` to 0 by the poly policy (Eq. 9).

    Silent in the paper and decided here: stochastic gradient descent has a momentum of 0.9, as is usual with it (Adam,
    which gets further in a few thousand steps, is a choice: with 2·10⁻³ it was 1.9 dB ahead after 400 steps of 8 crops
    of 64); losses are of levels normalised with ImageNet's mean and deviation, as in its authors' code; the features of
    both sources are normalised as one batch; the loss counts where no feature depends on pixels beyond the crop, so
    that no border is learnt. CONV1, which the paper takes from ResNet-101 and holds, starts from cosines
    (:func:`analytic_filters`) and learns, unless ``conv1`` says ``resnet101``.

    Attributes:
        rule: how features are merged: ``maximum``, ``average`` or ``addition``.
        perceptual: network of the perceptual loss: ``squeezenet``, ``resnet101`` or ``none`` (the paper's BASELINE).
        pretrain_steps: steps of the first stage.
        pretrain_batch: pairs per step in it.
        steps: steps of the second stage.
        batch: pairs per step in it.
        crop: side of the crops in pixels that count.
        optimiser: ``sgd`` or ``adam``.
        learning_rate: the largest.
        momentum: of the gradient (SGD).
        power: of the poly policy.
        basic_weight: w₁ of Eq. 8.
        perceptual_weight: w₂ of Eq. 8.
        blur: how wide the blur of a radius is.
        conv1: where CONV1 starts: ``analytic``, or ``resnet101``, where it is held.
        start: weights file to start from, or empty.
        epoch_steps: steps after which checkpoint and curves are written.
    """

    network = "ifcnn"
    paper = (
        "Y. Zhang, Y. Liu, P. Sun, H. Yan, X. Zhao, L. Zhang: IFCNN: A general image fusion framework based on "
        "convolutional neural network. Information Fusion 54 (2020) 99-118"
    )

    rule: str = MAXIMUM.name
    perceptual: PerceptualName = "squeezenet"
    pretrain_steps: int = 5000
    pretrain_batch: int = 64
    steps: int = 60000
    batch: int = 32
    crop: int = 224
    optimiser: OptimiserName = "sgd"
    learning_rate: float = 0.01
    momentum: float = 0.9
    power: float = 0.9
    basic_weight: float = 1.0
    perceptual_weight: float = 1.0
    blur: SigmaRule = "wide"
    conv1: str = "analytic"
    start: str = ""
    epoch_steps: int = 100
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the ranges."""
        super().__post_init__()
        self.require(("pretrain_batch", "batch", "crop", "learning_rate", "power", "basic_weight", "epoch_steps"))
        self.require(("pretrain_steps", "steps", "momentum", "perceptual_weight"), zero=True)
        for name in ("pretrain_steps", "steps"):
            if getattr(self, name) % self.epoch_steps:
                raise UsageError(f"{name} is {getattr(self, name)}: give a multiple of {self.epoch_steps}")
        if self.optimiser not in get_args(OptimiserName):
            raise UsageError(f"unknown optimiser {self.optimiser!r}: choose one of sgd, adam")
        if self.conv1 not in ("analytic", "resnet101"):
            raise UsageError(f"unknown start of CONV1 {self.conv1!r}: choose one of analytic, resnet101")
        if self.perceptual != "none" and self.crop < 32:
            raise UsageError(f"crop is {self.crop}: the perceptual loss needs at least 32 pixels")

    @property
    def stages(self) -> tuple[int, int]:
        """Epochs of both stages."""
        return self.pretrain_steps // self.epoch_steps, self.steps // self.epoch_steps

    def network_arguments(self) -> dict[str, Any]:
        """Constructor arguments of the network."""
        return {"rule_name": self.rule}

    def told(self) -> dict[str, Any]:
        """The settings, with the name of the model that is started from instead of its place."""
        return {**self.to_dict(), "start": start_words(self.start)}

    def construct(self) -> IFCNN:
        """A network at its start."""
        network = IFCNN(**self.network_arguments())
        if self.start:
            take_weights(network, self.start)
            return network
        for module in (network.conv2.conv, network.conv3.conv, network.conv4):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        nn.init.zeros_(cast(Tensor, network.conv4.bias))
        with torch.no_grad():
            network.conv1.weight.copy_(_resnet_filters() if self.conv1 == "resnet101" else analytic_filters())
        network.conv1.weight.requires_grad_(self.conv1 == "analytic")
        return network


def analytic_filters() -> Tensor:
    """64 kernels (64, 3, 7, 7) for CONV1 to start from: what a layer trained for seeing has, without its training.

    The 49 cosines of 7×7 pixels on the sum of the channels, and the 15 lowest of them on opponent colours: eight of red
    against green, seven of both against blue. All of length 1.
    """
    cosines = _cosines(7)
    gray = cosines[:, None].expand(49, 3, 7, 7) / math.sqrt(3)
    bands = []
    for opponent, count in zip(OPPONENTS, (8, 7), strict=True):
        weights = torch.tensor(opponent)
        bands.append(cosines[:count, None] * (weights / weights.norm()).reshape(1, 3, 1, 1))
    return torch.cat([gray, *bands])


def _cosines(size: int) -> Tensor:
    """The two-dimensional cosines of the discrete transform of this size (size², size, size), low frequencies first."""
    place, frequency = torch.arange(size) + 0.5, torch.arange(size)
    rows = torch.cos(math.pi * frequency[:, None] * place / size)
    rows = rows / rows.norm(dim=1, keepdim=True)
    basis = torch.einsum("ai,bj->abij", rows, rows).reshape(-1, size, size)
    order = torch.argsort((frequency[:, None] + frequency).flatten(), stable=True)
    return basis[order]


def _resnet_filters() -> Tensor:
    """The first layer of ResNet-101, from torchvision."""
    from imfuse.losses.perceptual import ResNetFeatures

    weight: Tensor = ResNetFeatures().first.weight.detach()
    return weight


class FocusFusion(pl.LightningModule):
    """Fuse multi-focus pairs into what they were made of."""

    def __init__(
        self, network: IFCNN, config: IFCNNConfig, scenes: Sequence[DepthScene], perceptual: PerceptualLoss | None
    ) -> None:
        super().__init__()
        self.network = network
        self.config = config
        self.perceptual = perceptual
        self.crops = FocusCrops(list(scenes), config.crop + 2 * network.halo, config.blur)

    @property
    def fine(self) -> bool:
        """Whether this is the second stage."""
        return self.current_epoch >= self.config.stages[0]

    def train_dataloader(self) -> DataLoader[Triple]:
        """The pairs of the next epoch."""
        batch = self.config.batch if self.fine else self.config.pretrain_batch
        draws = FocusDraws(len(self.crops), batch * self.config.epoch_steps, self.config.seed, colours=self.fine)
        return DataLoader(self.crops, batch_size=batch, sampler=draws)

    def on_train_epoch_start(self) -> None:
        """In the second stage the normalisations are frozen."""
        for module in self.network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.train(not self.fine)
                module.requires_grad_(not self.fine)

    def on_train_batch_start(self, batch: Triple, batch_idx: int) -> None:
        """Set learning rate and momentum of the normalisations for this step."""
        pretraining, _ = self.config.stages
        epoch = self.current_epoch - (pretraining if self.fine else 0)
        done = (epoch + batch_idx / self.config.epoch_steps) / self.config.stages[self.fine]
        for group in self.trainer.optimizers[0].param_groups:
            group["lr"] = self.config.learning_rate * (1 - done) ** self.config.power
        for block in (self.network.conv2, self.network.conv3):
            block.bn.momentum = 0.99 * (1 - done)

    def training_step(self, batch: Triple, _index: int) -> Tensor:
        """The loss of a batch of triples (B, 3, S, S)."""
        near, far, truth = batch
        halo = self.network.halo
        truth = truth[..., halo:-halo, halo:-halo]
        fused = fused_inside(self.network, near, far)
        mean, deviation = self.network.mean, self.network.deviation
        basic = F.mse_loss(fused, (truth - mean) / deviation)
        loss = self.config.basic_weight * basic
        if self.fine and self.perceptual is not None:
            perceptual = self.perceptual(fused * deviation + mean, truth)
            loss = loss + self.config.perceptual_weight * perceptual
        check_loss(loss)
        self.log("basic", basic, on_step=False, on_epoch=True, batch_size=len(near))
        self.log("loss", loss, on_step=False, on_epoch=True, prog_bar=True, batch_size=len(near))
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Stochastic gradient descent, or Adam."""
        parameters = [p for name, p in self.network.named_parameters() if p.requires_grad or ".bn." in name]
        if self.config.optimiser == "adam":
            return torch.optim.Adam(parameters, lr=self.config.learning_rate)
        return torch.optim.SGD(parameters, lr=self.config.learning_rate, momentum=self.config.momentum)


def fused_inside(network: IFCNN, near: Tensor, far: Tensor) -> Tensor:
    """Fuse two crops (B, 3, S, S) in [0, 1] into normalised levels (B, 3, S − 2h, S − 2h), h being the halo.

    Without the border there is nothing to replicate, and CONV1 and CONV2 are exactly one convolution; gradients go to
    the kernels of both.
    """
    sources = (torch.cat([near, far]) - network.mean) / network.deviation
    kernel = composed_kernel(network.conv1.weight, network.conv2.conv.weight)
    features = F.relu(network.conv2.bn(F.conv2d(sources, kernel)))
    merged = network.rule(features.chunk(2))
    merged = F.relu(network.conv3.bn(F.conv2d(merged, network.conv3.conv.weight)))
    result: Tensor = network.conv4(merged)
    return result


def train_ifcnn(
    config: IFCNNConfig,
    scenes: Sequence[DepthScene],
    run: Path,
    *,
    perceptual_weights: Path | None = None,
    resume: bool = False,
    progress: bool = True,
    stop_after: int | None = None,
) -> IFCNN:
    """Train a network; leave configuration, checkpoints and curves in ``run``.

    Args:
        config: the recipe.
        scenes: pictures with depth at the paper's size.
        run: folder of the run.
        perceptual_weights: file of SqueezeNet's weights, where it is the perceptual network.
        resume: go on from the last finished epoch: see :func:`imfuse.train.loop.fit`.
        progress: show a progress bar.
        stop_after: end after this many epochs, to be resumed later.

    Returns:
        The network, trained and levelled (:meth:`imfuse.networks.ifcnn.IFCNN.level`), in evaluation mode.

    Raises:
        DataError: there are no scenes, or there is nothing to resume.
        OutputError: ``run`` holds a training already, and ``resume`` is not set.
        UsageError: the training in ``run`` has other settings, or a setting needs what is not there.
    """
    checkpoint = starting_point(config, run, resume)
    if not scenes:
        raise DataError("no scenes to train on")
    perceptual = perceptual_loss(config.perceptual, perceptual_weights) if config.steps else None
    module = FocusFusion(cast(IFCNN, config.build()), config, scenes, perceptual)
    fit(module, config, run, sum(config.stages) if stop_after is None else stop_after, checkpoint, progress=progress)
    network = module.network.cpu().eval().requires_grad_(False)
    network.level()
    return network

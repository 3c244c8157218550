"""The recipe of CSC-MEFN (Deep CSC, Section IV-B)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast, get_args

import torch
from torch import Tensor
from torch.optim import Optimizer
from torch.utils.data import DataLoader

from imfuse.errors import UsageError
from imfuse.losses.halo import halo_loss, halo_weight
from imfuse.losses.mef_similarity import mef_ssim_loss
from imfuse.networks.csc_mefn import CSCMEFN
from imfuse.ops.exposure_similarity import GRAY_WINDOW
from imfuse.train.brackets import Bracket, BracketCrops, BracketDraws, Crops
from imfuse.train.config import TrainingConfig
from imfuse.train.loop import check_loss, fit, starting_point
from imfuse.train.settling import SettlingModule
from imfuse.train.warm_start import start_words, take_filters

HaloCount = Literal["steps", "epochs"]


@dataclass(frozen=True)
class CSCMEFNConfig(TrainingConfig):
    """The paper's settings: 3 units of soft thresholds, Adam with 5·10⁻⁴, 50 epochs, λ = min(0.25 (i − 1), 10).

    Silent in the paper and decided here: an epoch is ``repeats`` crops of every scene, half of them from the scene at
    half its size, flipped and transposed at random, with 2 to ``most`` of its exposures from dark to bright. Scores are
    taken in windows inside the crop, with the brightness of the whole exposures. After the paper's epochs come
    ``settle_epochs`` in which the statistics of the normalisations are held, as inference does, gradients are clipped
    to norm 1, and the learning rate falls to zero.

    Attributes:
        units: N, number of DCUs.
        filters: q, channels of a code.
        size: s, side of the filters in taps.
        spacings: of every unit, from the first on, the pixels from one tap of its filters to the next.
        whole: whether the mean of an exposure as a whole counts: see :class:`imfuse.networks.csc_mefn.CSCMEFN`.
        guided: whether codes are smoothed along the edges of their exposures: see there.
        epochs: of the paper.
        settle_epochs: after them.
        repeats: crops of every scene per epoch.
        batch: scenes per step.
        crop: side of the crops in pixels.
        most: exposures of a scene at most.
        complete: share of the crops with all exposures of their scene, or ``most`` of them where it has more.
        fast: whether codes are made of means over 4×4 pixels, which takes a tenth of the time; a network so
            trained serves at full resolution, too, or can be gone on from with ``start``.
        start: weights file to start from, or empty: of the same units and size, as many filters or fewer, and any
            spacings: see :func:`imfuse.train.warm_start.take_filters`.
        learning_rate: of Adam.
        halo_weight: the largest λ; 0 trains without the halo loss.
        halo_rise: by which λ rises.
        halo_count: what i counts: ``steps`` or ``epochs``.
    """

    network = "csc_mefn"
    paper = (
        "S. Xu, Z. Zhao, Y. Wang, C. Zhang, J. Liu, J. Zhang: Deep Convolutional Sparse Coding Networks for Image "
        "Fusion. arXiv:2005.08448"
    )

    units: int = 3
    filters: int = 48
    size: int = 3
    spacings: tuple[int, ...] = (4, 12, 36)
    whole: bool = True
    guided: bool = True
    epochs: int = 50
    settle_epochs: int = 10
    repeats: int = 8
    batch: int = 1
    crop: int = 320
    most: int = 12
    complete: float = 0.8
    fast: bool = False
    start: str = ""
    learning_rate: float = 5e-4
    halo_weight: float = 10.0
    halo_rise: float = 0.25
    halo_count: HaloCount = "steps"
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the ranges."""
        super().__post_init__()
        self.require(("units", "filters", "epochs", "repeats", "batch", "crop", "learning_rate"))
        self.require(("settle_epochs", "halo_weight", "halo_rise"), zero=True)
        if self.size % 2 == 0 or self.size < 1:
            raise UsageError(f"size is {self.size}: filters have an odd number of taps")
        if len(self.spacings) != self.units or min(self.spacings) < 1:
            given = ",".join(map(str, self.spacings))
            raise UsageError(f"spacings are {given}: give {self.units} positive numbers, one per unit")
        if self.most < 2:
            raise UsageError(f"most is {self.most}: a bracket has at least 2 exposures")
        if self.fast and not self.guided:
            raise UsageError("coarse codes are brought up by guided filters: leave out either fast or no-guided")
        if not 0 <= self.complete <= 1:
            raise UsageError(f"complete is {self.complete}: give a share between 0 and 1")
        if self.crop < GRAY_WINDOW:
            raise UsageError(f"crop is {self.crop}: MEF-SSIM needs at least {GRAY_WINDOW} pixels")
        if self.halo_count not in get_args(HaloCount):
            raise UsageError(f"unknown count {self.halo_count!r}: λ counts steps or epochs")

    @property
    def all_epochs(self) -> int:
        """Epochs altogether."""
        return self.epochs + self.settle_epochs

    def network_arguments(self) -> dict[str, Any]:
        """Constructor arguments of the network."""
        names = ("units", "filters", "size", "whole", "guided")
        return {name: getattr(self, name) for name in names} | {"spacings": list(self.spacings)}

    def construct(self) -> CSCMEFN:
        """A fresh network, or the one that is started from."""
        network = CSCMEFN(**self.network_arguments())
        if self.start:
            take_filters(network, self.start)
        return network

    def told(self) -> dict[str, Any]:
        """The settings, with the name of the model that is started from instead of its place."""
        return {**self.to_dict(), "start": start_words(self.start)}

    def settled_rate(self, done: float) -> float:
        """The learning rate after this fraction of the settling: half a cosine."""
        return self.learning_rate * (1 + math.cos(math.pi * done)) / 2


class BracketFusion(SettlingModule):
    """Fuse brackets so that MEF-SSIM is high and gradients are small."""

    network: CSCMEFN

    def __init__(self, network: CSCMEFN, config: CSCMEFNConfig, brackets: Sequence[Bracket]) -> None:
        super().__init__(network, config)
        self.config = config
        self.crops = BracketCrops(brackets, config.crop)
        network.use_coarse(network.blocks if config.fast else None)

    def train_dataloader(self) -> DataLoader[Crops]:
        """The batches of the next epoch."""
        config, available = self.config, [len(bracket.lumas) for bracket in self.crops.brackets]
        draws = BracketDraws(available, config.repeats, config.batch, config.most, config.complete, config.seed)
        return DataLoader(self.crops, batch_size=None, sampler=draws)

    def training_step(self, batch: Crops, _index: int) -> Tensor:
        """Eq. 8 for a batch."""
        done = self.global_step if self.config.halo_count == "steps" else self.current_epoch
        weight = halo_weight(done + 1, self.config.halo_rise, self.config.halo_weight)
        similarity, halo = bracket_losses(self.network, batch)
        loss = similarity + weight * halo
        check_loss(loss)
        for name, value in (("loss", loss), ("similarity", similarity), ("halo", halo)):
            self.log(name, value, on_step=False, on_epoch=True, prog_bar=True, batch_size=len(batch.counts))
        return loss

    def configure_optimizers(self) -> Optimizer:
        """Adam."""
        return torch.optim.Adam(self.network.parameters(), lr=self.config.learning_rate)


def bracket_losses(network: CSCMEFN, batch: Crops) -> tuple[Tensor, Tensor]:
    """MEF-SSIM loss and halo loss, means over the scenes of a batch. All exposures are coded together."""
    logits = network.logit(batch.lumas.unsqueeze(1)).squeeze(1) + network.preference(batch.means)[:, None, None]
    similarities, halos = [], []
    parts = zip(*(torch.split(part, batch.counts) for part in (logits, batch.lumas, batch.means)), strict=True)
    for logit, lumas, means in parts:
        fused = (logit.softmax(0) * lumas).sum(0)[None, None]
        similarities.append(mef_ssim_loss(fused, lumas[None], means[None]))
        halos.append(halo_loss(fused))
    return torch.stack(similarities).mean(), torch.stack(halos).mean()


def train_csc_mefn(
    config: CSCMEFNConfig,
    brackets: Sequence[Bracket],
    run: Path,
    *,
    resume: bool = False,
    progress: bool = True,
    stop_after: int | None = None,
) -> CSCMEFN:
    """Train a network; leave configuration, checkpoints and curves in ``run``.

    Args:
        config: the recipe.
        brackets: training scenes.
        run: folder of the run.
        resume: go on from the last finished epoch: see :func:`imfuse.train.loop.fit`.
        progress: show a progress bar.
        stop_after: end after this many epochs, to be resumed later.

    Returns:
        The network, trained, in evaluation mode.

    Raises:
        DataError: there is nothing to resume.
        OutputError: ``run`` holds a training already, and ``resume`` is not set.
        UsageError: the training in ``run`` has other settings.
    """
    checkpoint = starting_point(config, run, resume)
    module = BracketFusion(cast(CSCMEFN, config.build()), config, brackets)
    fit(module, config, run, config.all_epochs if stop_after is None else stop_after, checkpoint, progress=progress)
    module.network.use_coarse(None)
    return module.network.cpu().eval()

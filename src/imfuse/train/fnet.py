"""The recipe of FNet (paper, §III-D and §IV-A)."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, cast, get_args

import lightning.pytorch as pl
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from imfuse.errors import UsageError
from imfuse.losses.fnet import fusion_loss, inverse_fusion_loss
from imfuse.networks.fnet import BlockName, FNet
from imfuse.networks.ifnet import InvertibleFNet
from imfuse.train.config import TrainingConfig
from imfuse.train.loop import check_loss, fit, starting_point
from imfuse.train.optimisers import soap
from imfuse.train.pair_crops import Pair, PairCrops, PairDraws
from imfuse.train.warm_start import arguments_of, network_of, start_words, take_weights

ScheduleName = Literal["constant", "cosine"]
OptimiserName = Literal["adam", "soap"]
PrecisionName = Literal["float32", "bfloat16"]

_CHOICES = {"block": BlockName, "schedule": ScheduleName, "optimiser": OptimiserName, "precision": PrecisionName}

_RISE = 0.05
"""Part of a stage in which the cosine schedule's rate rises."""


@dataclass(frozen=True)
class FNetConfig(TrainingConfig):
    """The paper's settings: two stages of 20,000 steps, each of 16 crops of 128×128, Adam with 10⁻⁴, flips.

    Silent in the paper and taken from its authors' code: what is kept is an exponential moving average of the
    parameters, with 0.999. Decided here: in the first steps of a stage it is one of fewer (the decay is (1 + n) /
    (10 + n) after n steps, where that is smaller), so that a short stage forgets its start; the second stage goes on
    from the average of the first, with a fresh optimiser. On a CPU the paper's schedule takes days; ``cosine``, which
    rises to the learning rate and falls to zero in each stage, is for shorter ones.

    Kernels start by Xavier's uniform rule, as in that code; ``start`` shrinks them. At 1, an iterate at the start
    amplifies what it is to code: on 40 steps of two crops of 48×48 the loss of the second stage fell from 21.5 to 8.5,
    with 0.5 from 13.9 to 6.7 (means of eight steps). At a rate of 4·10⁻⁴ it ended at 84.6 with 0.5 and
    at 18.0 with 1.

    Attributes:
        block: ``lzsc``, or ``lcsc`` for the ablation.
        inverse: whether there is a first stage, with the inverse fusion; without it is the paper's "w/o IFNet".
        inverse_steps: steps of the first stage.
        steps: steps of the second stage.
        batch: pairs per step.
        crop: side of the crops in pixels.
        learning_rate: of the optimiser, the largest; SOAP takes about six times Adam's.
        optimiser: ``adam``, as in the paper, or ``soap``: see :func:`imfuse.train.optimisers.soap`.
        precision: of the products in the convolutions: ``bfloat16`` is faster where the processor has it.
        schedule: ``constant``, as in the paper, or ``cosine``.
        start: factor of the kernels at the start.
        weights: a weights file of FNet to go on from, or empty; with one there is no first stage. Or one of FNet with
            IFNet, from which the first stage goes on.
        tones: how far the tones of every second crop are changed, each picture's by itself (gamma and contrast by a
            factor of up to 2 with 1, brightness by up to a quarter): for other cameras than those of the training.
        margin: pixels at the sides of a crop whose loss is not counted in the second stage, and pixels that the
            network then reflects around its sources: so the zeros outside have no part in what is learned.
        average: decay of the moving average.
        intensity_weight: β₁ of Eq. 26.
        gradient_weight: β₂.
        ssim_weight: β₃.
        epoch_steps: steps after which checkpoint and curves are written.
    """

    network = "fnet"
    paper = (
        "G. Panda, S. Kundu, S. Bhattacharya, A. Routray: ℓ0-Regularized Sparse Coding-based Interpretable Network for "
        "Multi-Modal Image Fusion. arXiv:2411.04519"
    )

    block: BlockName = "lzsc"
    features: int = 64
    size: int = 9
    modules: int = 4
    inverse: bool = True
    inverse_steps: int = 20000
    steps: int = 20000
    batch: int = 16
    crop: int = 128
    learning_rate: float = 1e-4
    optimiser: OptimiserName = "adam"
    precision: PrecisionName = "float32"
    schedule: ScheduleName = "constant"
    start: float = 1.0
    weights: str = ""
    tones: float = 0.0
    margin: int = 0
    average: float = 0.999
    intensity_weight: float = 20.0
    gradient_weight: float = 20.0
    ssim_weight: float = 15.0
    epoch_steps: int = 100
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the ranges."""
        super().__post_init__()
        self.require(("features", "size", "modules", "steps", "batch", "crop", "learning_rate", "start", "epoch_steps"))
        weights = ("intensity_weight", "gradient_weight", "ssim_weight")
        self.require(("inverse_steps", "tones", "margin", "average", *weights), zero=True)
        for name in ("inverse_steps", "steps"):
            if getattr(self, name) % self.epoch_steps:
                words = f"a checkpoint comes after every {self.epoch_steps}; give a multiple, or smaller epoch_steps"
                raise UsageError(f"{name} is {getattr(self, name)}: {words}")
        if self.average >= 1:
            raise UsageError(f"average is {self.average}: give a number below 1")
        if self.crop - 2 * self.margin < 11:
            without = f" without its margin of {self.margin}" if self.margin else ""
            raise UsageError(f"crop is {self.crop}: SSIM needs at least 11 pixels{without}")
        for name, known in _CHOICES.items():
            if getattr(self, name) not in get_args(known):
                choices = ", ".join(get_args(known))
                raise UsageError(f"unknown {name} {getattr(self, name)!r}: choose one of {choices}")

    @property
    def stages(self) -> tuple[int, int]:
        """Epochs of both stages."""
        first = self.inverse_steps if self.inverse and (not self.weights or self.from_inverse) else 0
        return first // self.epoch_steps, self.steps // self.epoch_steps

    @property
    def from_inverse(self) -> bool:
        """Whether the weights that are gone on from are those of FNet and IFNet."""
        return bool(self.weights) and network_of(str(Path(self.weights).resolve())) == "fnet_inverse"

    def rate(self, done: float) -> float:
        """The learning rate after this fraction of a stage."""
        if self.schedule == "constant":
            return self.learning_rate
        if done < _RISE:
            return self.learning_rate * (done + 0.01) / (_RISE + 0.01)
        return self.learning_rate * (1 + math.cos(math.pi * (done - _RISE) / (1 - _RISE))) / 2

    def network_arguments(self) -> dict[str, Any]:
        """Constructor arguments of the network in training."""
        return {"features": self.features, "size": self.size, "modules": self.modules, "block": self.block}

    def fusing_arguments(self) -> dict[str, Any]:
        """Constructor arguments of the FNet that is left."""
        return self.network_arguments() | ({"margin": self.margin} if self.margin else {})

    def construct(self) -> InvertibleFNet:
        """A fresh network, with its inverse; or the one that is gone on from, with a fresh inverse."""
        network = InvertibleFNet(**self.network_arguments())
        if self.from_inverse:
            take_weights(network, self.weights)
            return network
        if self.weights:
            margin = arguments_of(self.weights).get("margin", 0)
            if margin and not self.margin:
                raise UsageError(f"{self.weights}: reflects {margin} pixels around its sources; give --margin {margin}")
            fusing = FNet(**self.fusing_arguments())
            take_weights(fusing, self.weights)
            network.load_state_dict(fusing.state_dict(), strict=False)
            return network
        with torch.no_grad():
            for parameter in network.parameters():
                if parameter.ndim == 4:
                    parameter.mul_(self.start)
        return network

    def told(self) -> dict[str, Any]:
        """The settings, with the name of the model that is gone on from instead of its place."""
        return {**self.to_dict(), "weights": start_words(self.weights)}


class Trained(NamedTuple):
    """What a training leaves: the network that fuses, and the one of the first stage, with its inverse."""

    network: FNet
    invertible: InvertibleFNet | None


class PairFusion(pl.LightningModule):
    """First fuse pairs so that they can be had back, then so that the fused picture has the most of both."""

    def __init__(self, network: InvertibleFNet, config: FNetConfig, pairs: Sequence[Pair]) -> None:
        super().__init__()
        self.network = network
        self.averaged = copy.deepcopy(network).requires_grad_(False)
        self.of_first_stage = copy.deepcopy(self.averaged)
        self.config = config
        self.crops = PairCrops(pairs, config.crop, config.tones)

    @property
    def fusing(self) -> bool:
        """Whether this is the second stage."""
        return self.current_epoch >= self.config.stages[0]

    def _steps_of_stage(self, batch_idx: int) -> int:
        """Steps of this stage before this one."""
        epoch = self.current_epoch - (self.config.stages[0] if self.fusing else 0)
        return epoch * self.config.epoch_steps + batch_idx

    def train_dataloader(self) -> DataLoader[Tensor]:
        """The crops of the next epoch."""
        draws = PairDraws(len(self.crops), self.config.batch * self.config.epoch_steps, self.config.seed)
        return DataLoader(self.crops, batch_size=self.config.batch, sampler=draws)

    def on_train_epoch_start(self) -> None:
        """Between the stages, keep what the first one has come to and go on from it."""
        if self.current_epoch == self.config.stages[0] > 0:
            self.of_first_stage.load_state_dict(self.averaged.state_dict())
            self.network.load_state_dict(self.averaged.state_dict())
            for optimiser in self.trainer.optimizers:
                optimiser.state.clear()
                for group in optimiser.param_groups:
                    group.pop("step", None)  # SOAP counts its steps there
        if self.fusing:
            self.network.inverse.requires_grad_(False)

    def on_train_batch_start(self, batch: Tensor, batch_idx: int) -> None:
        """Set the learning rate for this step."""
        done = self._steps_of_stage(batch_idx) / (self.config.stages[self.fusing] * self.config.epoch_steps)
        for group in self.trainer.optimizers[0].param_groups:
            group["lr"] = self.config.rate(done) * group.get("share", 1)

    def training_step(self, batch: Tensor, _index: int) -> Tensor:
        """The loss of a batch of pairs (B, 2, 1, S, S)."""
        loss = self._fusion_loss(batch) if self.fusing else self._inverse_fusion_loss(batch)
        check_loss(loss)
        self.log("loss", loss, on_step=False, on_epoch=True, prog_bar=True, batch_size=len(batch))
        return loss

    def _fusion_loss(self, batch: Tensor) -> Tensor:
        config = self.config
        with self._products(batch):
            fused = self.network(batch[:, 0], batch[:, 1])
        fused, first, second = (_inside(image, config.margin) for image in (fused, batch[:, 0], batch[:, 1]))
        return fusion_loss(fused, (first, second), config.intensity_weight, config.gradient_weight, config.ssim_weight)

    def _inverse_fusion_loss(self, batch: Tensor) -> Tensor:
        sources = batch[:, 0], batch[:, 1]
        with self._products(batch):
            reconstructions = self.network.round_trip(*sources)
        return inverse_fusion_loss(reconstructions, sources)

    def _products(self, batch: Tensor) -> torch.autocast:
        """The precision of the network's convolutions; losses always have 32 bits."""
        return torch.autocast(batch.device.type, torch.bfloat16, enabled=self.config.precision == "bfloat16")

    def on_train_batch_end(self, outputs: Any, batch: Tensor, batch_idx: int) -> None:
        """Take the parameters into the moving average."""
        steps = self._steps_of_stage(batch_idx)
        decay = min(self.config.average, (1 + steps) / (10 + steps))
        with torch.no_grad():
            for kept, parameter in zip(self.averaged.parameters(), self.network.parameters(), strict=True):
                kept.lerp_(parameter, 1 - decay)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Adam or SOAP."""
        if self.config.optimiser == "soap":
            return soap(self.network, self.config.learning_rate)
        return torch.optim.Adam(self.network.parameters(), lr=self.config.learning_rate)


def _inside(image: Tensor, margin: int) -> Tensor:
    """An image (…, H, W) without so many pixels at every side."""
    return image[..., margin : image.shape[-2] - margin, margin : image.shape[-1] - margin]


def train_fnet(
    config: FNetConfig,
    pairs: Sequence[Pair],
    run: Path,
    *,
    resume: bool = False,
    progress: bool = True,
    stop_after: int | None = None,
) -> Trained:
    """Train a network; leave configuration, checkpoints and curves in ``run``.

    Args:
        config: the recipe.
        pairs: infrared and visible, each pair (2, H, W).
        run: folder of the run.
        resume: go on from the last finished epoch: see :func:`imfuse.train.loop.fit`.
        progress: show a progress bar.
        stop_after: end after this many epochs, to be resumed later.

    Returns:
        The averaged networks, in evaluation mode.

    Raises:
        DataError: there is nothing to resume.
        OutputError: ``run`` holds a training already, and ``resume`` is not set.
        UsageError: the training in ``run`` has other settings.
    """
    checkpoint = starting_point(config, run, resume)
    module = PairFusion(cast(InvertibleFNet, config.build()), config, pairs)
    fit(module, config, run, sum(config.stages) if stop_after is None else stop_after, checkpoint, progress=progress)
    network = FNet(**config.fusing_arguments())
    state = module.averaged.cpu().state_dict()
    network.load_state_dict({name: value for name, value in state.items() if not name.startswith("inverse.")})
    first = module.of_first_stage.cpu().eval() if config.stages[0] else None
    return Trained(network.eval().requires_grad_(False), first)

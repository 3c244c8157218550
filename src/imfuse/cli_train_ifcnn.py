"""The command line of IFCNN's training."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

# Typer reads Optional.
Depth = Annotated[
    Optional[list[Path]],  # noqa: UP045
    typer.Option(help="Folder with rgb/ and depth/, paired by the numbers in the names. May be given again."),
]
Pictures = Annotated[
    Optional[list[Path]],  # noqa: UP045
    typer.Option(help="Folder of sharp colour pictures, which get a made-up depth. May be given again."),
]
Validation = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option(help="Folder with rgb/ and depth/ to score on; of a folder named middlebury the committed split."),
]
PerceptualWeights = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option(help="SqueezeNet 1.0 as a NumPy archive with torchvision's names.", metavar="FILE"),
]


def train_ifcnn(
    depth: Depth = None,
    pictures: Pictures = None,
    built_in: Annotated[int, typer.Option(min=0, help="Arrangements of each of the built-in scenes.")] = 8,
    run: Annotated[Path, typer.Option("--run", help="Folder for checkpoints, curves, weights and card.")] = Path(
        "runs/ifcnn"
    ),
    validation: Validation = None,
    rule: Annotated[str, typer.Option(help="How features are merged: maximum, average or addition.")] = "maximum",
    perceptual: Annotated[
        str, typer.Option(help="Network of the perceptual loss: squeezenet, resnet101 (needs torchvision) or none.")
    ] = "squeezenet",
    perceptual_weights: PerceptualWeights = None,
    pretrain_steps: Annotated[int, typer.Option(min=0, help="Steps of the first stage, basic loss only.")] = 5000,
    pretrain_batch: Annotated[int, typer.Option(min=1, help="Pairs per step in it.")] = 64,
    steps: Annotated[int, typer.Option(min=0, help="Steps of the second stage, with the perceptual loss.")] = 60000,
    batch: Annotated[int, typer.Option(min=1, help="Pairs per step in it.")] = 32,
    crop: Annotated[int, typer.Option(min=1, help="Side of the crops in pixels.")] = 224,
    optimiser: Annotated[str, typer.Option(help="sgd (the paper's) or adam.")] = "sgd",
    learning_rate: Annotated[float, typer.Option(help="At the start of both stages; falls to 0.")] = 1e-2,
    basic_weight: Annotated[float, typer.Option(help="w₁ of Eq. 8.")] = 1.0,
    perceptual_weight: Annotated[float, typer.Option(help="w₂ of Eq. 8.")] = 1.0,
    blur: Annotated[str, typer.Option(help="How wide a blur's radius is: wide (as a lens) or opencv.")] = "wide",
    conv1: Annotated[
        str, typer.Option(help="CONV1: analytic (learned), or resnet101 (held; needs torchvision).")
    ] = "analytic",
    start: Annotated[str, typer.Option(help="Weights (.safetensors) to start from.", metavar="FILE")] = "",
    epoch_steps: Annotated[int, typer.Option(min=1, help="Steps after which a checkpoint is written.")] = 100,
    seed: Annotated[int, typer.Option(help="Of the start and of all that is drawn.")] = 0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint of the run.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="No progress bar.")] = False,
) -> None:
    """Train IFCNN with the paper's recipe (the defaults) on multi-focus pairs that are made on the fly.

    Pairs come from pictures with depth, from the built-in scenes and from any sharp pictures with a made-up depth: what
    is nearer than a random depth is blurred in one, the rest in the other, and the picture itself is the truth.

    Writes config.json, curves.csv, curves.png, checkpoints/ and ifcnn-max.safetensors (-mean, -sum, by the rule) with
    its card; use them with [bold]imfuse fuse --task focus --model FILE[/bold]. Stopped at any time, --resume goes on
    from the last checkpoint, bit for bit as without the interruption.

    [bold]Examples[/bold]

      imfuse train ifcnn --perceptual none --steps 2000 --batch 8 --crop 64

      imfuse train ifcnn --depth depth/middlebury --depth depth/kitchen --perceptual-weights squeezenet.npz

      imfuse train ifcnn --pictures photos/ --rule average --start ifcnn-max.safetensors --pretrain-steps 0
    """
    from imfuse.commands.train_ifcnn import run_train_ifcnn

    settings = {
        "rule": rule,
        "perceptual": perceptual,
        "pretrain_steps": pretrain_steps,
        "pretrain_batch": pretrain_batch,
        "steps": steps,
        "batch": batch,
        "crop": crop,
        "optimiser": optimiser,
        "learning_rate": learning_rate,
        "basic_weight": basic_weight,
        "perceptual_weight": perceptual_weight,
        "blur": blur,
        "conv1": conv1,
        "start": start,
        "epoch_steps": epoch_steps,
        "seed": seed,
    }
    run_train_ifcnn(
        settings,
        depth or [],
        pictures or [],
        built_in,
        run,
        validation=validation,
        perceptual_weights=perceptual_weights,
        resume=resume,
        progress=not quiet,
    )

"""The command line of the trainings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from imfuse.cli_train_csc_mmfn import train_csc_mmfn
from imfuse.cli_train_fnet import train_fnet
from imfuse.cli_train_ifcnn import train_ifcnn

train_app = typer.Typer(no_args_is_help=True, rich_markup_mode="rich", help="Train a network with its paper's recipe.")


# Options that every training has. Typer reads Optional.
Data = Annotated[Path, typer.Option(help="Folder with ir/ and vis/: the training pairs.", show_default=False)]
Run = Annotated[Path, typer.Option("--run", help="Folder for checkpoints, curves, weights and card.")]
Validation = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option(
        help="Folder with ir/ and vis/ to score on and to choose between seeds. Of a folder named msrs361 the "
        "committed validation split is taken."
    ),
]
Epochs = Annotated[int, typer.Option(min=1, help="Passes over the training pictures.")]
Batch = Annotated[int, typer.Option(min=1, help="Pictures per step.")]
Crop = Annotated[int, typer.Option(min=11, help="Side of the random crops in pixels.")]
LearningRate = Annotated[float, typer.Option(help="Of Adam, until --decay-epoch.")]
DecayEpoch = Annotated[int, typer.Option(help="From this epoch on a tenth of the learning rate.")]
Activation = Annotated[str, typer.Option(help="relu, prelu or sst (soft threshold).")]
Seed = Annotated[int, typer.Option(help="The first seed.")]
Seeds = Annotated[int, typer.Option(min=1, help="How many seeds to train; the best on --validation is kept.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint of the run.")]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="No progress bar.")]


@train_app.command("auif")
def train_auif(
    data: Data,
    run: Run = Path("runs/auif"),
    validation: Validation = None,
    epochs: Epochs = 80,
    batch: Batch = 32,
    crop: Crop = 128,
    learning_rate: LearningRate = 1e-2,
    decay_epoch: DecayEpoch = 40,
    ssim_weight: Annotated[float, typer.Option(help="μ of the loss, Eq. 7.")] = 5.0,
    layers: Annotated[int, typer.Option(min=1, help="N: base layers, and as many detail layers.")] = 10,
    filters: Annotated[int, typer.Option(min=1, help="C: kernels in a layer's first convolution.")] = 64,
    activation: Activation = "prelu",
    seed: Seed = 0,
    seeds: Seeds = 1,
    resume: Resume = False,
    sweep: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="Instead of one network: layers (1–15), activation or rule, scored on --validation."),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Train AUIF with the paper's recipe (the defaults) on pairs of pictures.

    Writes config.json, curves.csv, curves.png, checkpoints/ and auif.safetensors with its card auif.json; use them with
    [bold]imfuse fuse --model runs/auif/auif.safetensors[/bold]. Stopped at any time, --resume goes on from the last
    finished epoch, bit for bit as without the interruption.

    [bold]Examples[/bold]

      imfuse train auif --data infrared/flir_train

      imfuse train auif --data infrared/flir_train --validation infrared/msrs361 --seeds 5

      imfuse train auif --data infrared/flir_train --validation infrared/msrs361 --sweep layers --epochs 20
    """
    from imfuse.commands.train import run_train

    settings = {
        "epochs": epochs,
        "batch": batch,
        "crop": crop,
        "learning_rate": learning_rate,
        "decay_epoch": decay_epoch,
        "ssim_weight": ssim_weight,
        "layers": layers,
        "filters": filters,
        "activation": activation,
        "seed": seed,
    }
    run_train("auif", settings, data, run, validation, seeds=seeds, resume=resume, sweep_kind=sweep, progress=not quiet)


@train_app.command("csc-ivfn")
def train_csc_ivfn(
    data: Data,
    run: Run = Path("runs/csc-ivfn"),
    validation: Validation = None,
    epochs: Epochs = 60,
    batch: Batch = 16,
    crop: Crop = 64,
    learning_rate: LearningRate = 1e-2,
    decay_epoch: DecayEpoch = 30,
    ssim_weight: Annotated[float, typer.Option(help="λ of the loss, Eq. 4.")] = 5.0,
    settle_epochs: Annotated[
        int, typer.Option(min=0, help="Passes after that, with the normalisations as in inference.")
    ] = 80,
    settle_batch: Annotated[int, typer.Option(min=1, help="Crops per step in these.")] = 4,
    settle_rate: Annotated[float, typer.Option(help="Largest learning rate in these; it falls to zero.")] = 3e-3,
    units: Annotated[int, typer.Option(min=1, help="N: DCUs of the base encoder, and as many of the detail one.")] = 7,
    filters: Annotated[int, typer.Option(min=1, help="q: channels of a code.")] = 64,
    base_activation: Activation = "prelu",
    detail_activation: Activation = "sst",
    seed: Seed = 0,
    seeds: Seeds = 1,
    resume: Resume = False,
    sweep: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="Instead of one network: units (1–10), activation or rule, scored on --validation."),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Train CSC-IVFN with the paper's recipe (the defaults) on pairs of pictures.

    Writes config.json, curves.csv, curves.png, checkpoints/ and csc-ivfn.safetensors with its card csc-ivfn.json; use
    them with [bold]imfuse fuse --model runs/csc-ivfn/csc-ivfn.safetensors[/bold]. Stopped at any time, --resume goes on
    from the last finished epoch, bit for bit as without the interruption.

    [bold]Examples[/bold]

      imfuse train csc-ivfn --data infrared/flir_train

      imfuse train csc-ivfn --data infrared/flir_train --validation infrared/msrs361 --sweep units --epochs 20
    """
    from imfuse.commands.train import run_train

    settings = {
        "epochs": epochs,
        "batch": batch,
        "crop": crop,
        "learning_rate": learning_rate,
        "decay_epoch": decay_epoch,
        "settle_epochs": settle_epochs,
        "settle_batch": settle_batch,
        "settle_rate": settle_rate,
        "ssim_weight": ssim_weight,
        "units": units,
        "filters": filters,
        "base_activation": base_activation,
        "detail_activation": detail_activation,
        "seed": seed,
    }
    run_train(
        "csc-ivfn", settings, data, run, validation, seeds=seeds, resume=resume, sweep_kind=sweep, progress=not quiet
    )


train_app.command("ifcnn")(train_ifcnn)
train_app.command("csc-mmfn")(train_csc_mmfn)
train_app.command("fnet")(train_fnet)

"""The command line of FNet's training."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

# Typer reads Optional.
Data = Annotated[
    list[Path],
    typer.Option(
        help="Folder with ir/ and vis/; of one named msrs361 the committed training part. May be given again.",
        show_default=False,
    ),
]
Without = Annotated[
    Optional[list[Path]],  # noqa: UP045
    typer.Option(help="Folder with ir/ and vis/ whose scenes are left out of the training. May be given again."),
]
Validation = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option(help="Folder with ir/ and vis/ to score on; of one named msrs361 the committed validation part."),
]


def train_fnet(
    data: Data,
    run: Annotated[Path, typer.Option("--run", help="Folder for checkpoints, curves, weights and cards.")] = Path(
        "runs/fnet"
    ),
    without: Without = None,
    validation: Validation = None,
    block: Annotated[str, typer.Option(help="Sparse coding block: lzsc, or lcsc for the ablation.")] = "lzsc",
    inverse: Annotated[
        bool, typer.Option("--inverse/--no-inverse", help="Train with IFNet first; without, stage II alone.")
    ] = True,
    inverse_steps: Annotated[int, typer.Option(min=0, help="Steps of stage I, with the inverse fusion.")] = 20000,
    steps: Annotated[int, typer.Option(min=1, help="Steps of stage II.")] = 20000,
    batch: Annotated[int, typer.Option(min=1, help="Pairs per step.")] = 16,
    crop: Annotated[int, typer.Option(min=11, help="Side of the crops in pixels.")] = 128,
    learning_rate: Annotated[
        float, typer.Option(help="Of the optimiser; with the cosine schedule the largest. SOAP takes 6e-4.")
    ] = 1e-4,
    optimiser: Annotated[str, typer.Option(help="adam, or soap, which learns fine detail in fewer steps.")] = "adam",
    precision: Annotated[
        str, typer.Option(help="Of the convolutions: float32, or bfloat16, faster where the processor has it.")
    ] = "float32",
    schedule: Annotated[str, typer.Option(help="Learning rate in each stage: constant, or cosine.")] = "constant",
    start: Annotated[float, typer.Option(help="Factor of the kernels at the start; 0.5 for short trainings.")] = 1.0,
    weights: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(
            metavar="FILE", help="Weights to go on from: FNet's, without stage I, or fnet-inverse's, with it."
        ),
    ] = None,
    tones: Annotated[
        float, typer.Option(min=0, help="Change the tones of every second crop, as other cameras would; 1 is much.")
    ] = 0.0,
    margin: Annotated[
        int, typer.Option(min=0, help="Pixels at a crop's sides left out of the loss; fnet then reflects as many.")
    ] = 0,
    average: Annotated[float, typer.Option(help="Decay of the moving average of the weights.")] = 0.999,
    intensity_weight: Annotated[float, typer.Option(help="β₁ of Eq. 26.")] = 20.0,
    gradient_weight: Annotated[float, typer.Option(help="β₂ of Eq. 26.")] = 20.0,
    ssim_weight: Annotated[float, typer.Option(help="β₃ of Eq. 26.")] = 15.0,
    epoch_steps: Annotated[int, typer.Option(min=1, help="Steps after which a checkpoint is written.")] = 100,
    seed: Annotated[int, typer.Option(help="Of the start and of all that is drawn.")] = 0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint of the run.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="No progress bar.")] = False,
) -> None:
    """Train FNet with the paper's recipe (the defaults) on pairs of infrared and visible pictures.

    Stage I fuses so that IFNet can give both sources back, stage II for the fused picture itself. Writes config.json,
    curves.csv, curves.png, checkpoints/, fnet.safetensors with its card, and fnet-inverse.safetensors, FNet and IFNet
    as stage I leaves them; use them with [bold]imfuse fuse --model FILE[/bold] and [bold]imfuse explain --model
    FILE[/bold]. Stopped at any time, --resume goes on from the last checkpoint, bit for bit as without the
    interruption. The defaults are for a GPU.

    [bold]Examples[/bold]

      imfuse train fnet --data infrared/msrs361 --validation infrared/msrs361

      imfuse train fnet --data infrared/msrs361 --data infrared/flir_train --without infrared/roadscene50

      imfuse train fnet --data infrared/msrs361 --inverse-steps 1500 --steps 5000 --batch 4 --crop 64 --schedule cosine
      --start 0.5

      imfuse train fnet --data infrared/msrs361 --data mine/ --weights runs/fnet/fnet.safetensors --run runs/fnet-2

      imfuse train fnet --data infrared/msrs361 --block lcsc --run runs/fnet-lcsc
    """
    from imfuse.commands.train_fnet import run_train_fnet

    settings = {
        "block": block,
        "inverse": inverse,
        "inverse_steps": inverse_steps,
        "steps": steps,
        "batch": batch,
        "crop": crop,
        "learning_rate": learning_rate,
        "optimiser": optimiser,
        "precision": precision,
        "schedule": schedule,
        "start": start,
        "weights": "" if weights is None else str(weights),
        "tones": tones,
        "margin": margin,
        "average": average,
        "intensity_weight": intensity_weight,
        "gradient_weight": gradient_weight,
        "ssim_weight": ssim_weight,
        "epoch_steps": epoch_steps,
        "seed": seed,
    }
    run_train_fnet(settings, data, run, without=without or [], validation=validation, resume=resume, progress=not quiet)

"""The command line of CSC-MEFN's training."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

# Typer reads Optional.
Data = Annotated[
    list[Path],
    typer.Option(help="Folder with a folder of exposures per scene. May be given again.", show_default=False),
]
Skip = Annotated[
    Optional[list[str]],  # noqa: UP045
    typer.Option(
        help="Scene to leave out, as SET/SCENE: one that is not aligned. May be given again. misaligned: those known "
        "to be so of deepfuse46, pmef33 and pmef15.",
    ),
]
Validation = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option(help="Folder of scenes to score on and to choose between seeds."),
]


def train_csc_mefn(
    data: Data,
    skip: Skip = None,
    run: Annotated[Path, typer.Option("--run", help="Folder for checkpoints, curves, weights and card.")] = Path(
        "runs/csc-mefn"
    ),
    validation: Validation = None,
    units: Annotated[int, typer.Option(min=1, help="N: DCUs.")] = 3,
    filters: Annotated[int, typer.Option(min=1, help="q: channels of a code; the time grows with them.")] = 48,
    size: Annotated[int, typer.Option(min=1, help="s: taps on a side of the filters.")] = 3,
    spacings: Annotated[
        str, typer.Option(help="Pixels from tap to tap, of every unit: wider filters at no cost.", metavar="N,N,…")
    ] = "4,12,36",
    whole: Annotated[bool, typer.Option(help="Let the mean of an exposure as a whole count, too.")] = True,
    guided: Annotated[bool, typer.Option(help="Smooth the codes along the edges of their exposures.")] = True,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the scenes with the paper's settings.")] = 50,
    settle_epochs: Annotated[
        int, typer.Option(min=0, help="Passes after that, with the normalisations as in inference.")
    ] = 10,
    repeats: Annotated[int, typer.Option(min=1, help="Crops of every scene in a pass.")] = 8,
    batch: Annotated[int, typer.Option(min=1, help="Scenes per step.")] = 1,
    crop: Annotated[int, typer.Option(min=11, help="Side of the random crops in pixels.")] = 320,
    most: Annotated[int, typer.Option(min=2, help="Exposures of a scene in a step at most.")] = 12,
    complete: Annotated[
        float, typer.Option(min=0, max=1, help="Share of the crops with all exposures of their scene.")
    ] = 0.8,
    fast: Annotated[bool, typer.Option("--fast", help="Train the fast mode: in a tenth of the time.")] = False,
    start: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(metavar="FILE", help="Weights (.safetensors) to start from, of any spacings."),
    ] = None,
    learning_rate: Annotated[float, typer.Option(help="Of Adam; it falls to zero while settling.")] = 5e-4,
    halo_weight: Annotated[float, typer.Option(help="The largest λ of Eq. 8; 0 trains without the halo loss.")] = 10.0,
    halo_rise: Annotated[float, typer.Option(help="By which λ rises per count.")] = 0.25,
    halo_count: Annotated[str, typer.Option(help="What λ counts: steps or epochs.")] = "steps",
    seed: Annotated[int, typer.Option(help="The first seed.")] = 0,
    seeds: Annotated[int, typer.Option(min=1, help="How many seeds to train; the best on --validation is kept.")] = 1,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint of the run.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="No progress bar.")] = False,
) -> None:
    """Train CSC-MEFN with the paper's recipe (the defaults) on exposure brackets.

    Writes config.json, curves.csv, curves.png, checkpoints/ and csc-mefn.safetensors (csc-mefn-no-halo with
    --halo-weight 0) with its card; use them with [bold]imfuse fuse --task exposure --model FILE[/bold]. Stopped at any
    time, --resume goes on from the last finished epoch, bit for bit as without the interruption.

    [bold]Examples[/bold]

      imfuse train csc-mefn --data exposure/deepfuse46 --data exposure/pmef33 --data exposure/pmef15 --skip misaligned

      imfuse train csc-mefn --data brackets/ --validation exposure/tci24 --seeds 3

      imfuse train csc-mefn --data brackets/ --halo-weight 0 --run runs/csc-mefn-no-halo

      imfuse train csc-mefn --data brackets/ --fast --epochs 1 --settle-epochs 27 --learning-rate 4e-3 --halo-weight 0
    """
    from imfuse.commands.train_csc_mefn import run_train_csc_mefn

    settings = {
        "units": units,
        "filters": filters,
        "size": size,
        "spacings": spacings,
        "whole": whole,
        "guided": guided,
        "epochs": epochs,
        "settle_epochs": settle_epochs,
        "repeats": repeats,
        "batch": batch,
        "crop": crop,
        "most": most,
        "complete": complete,
        "fast": fast,
        "start": "" if start is None else str(start),
        "learning_rate": learning_rate,
        "halo_weight": halo_weight,
        "halo_rise": halo_rise,
        "halo_count": halo_count,
        "seed": seed,
    }
    run_train_csc_mefn(settings, data, skip or [], run, validation, seeds=seeds, resume=resume, progress=not quiet)

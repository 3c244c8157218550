"""The command line of CSC-MMFN's training."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

# Typer reads Optional.
Data = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option(help="Folder of training scenes in CAVE's form: NAME.tif with NAME.rgb.png, or as distributed."),
]
Pair = Annotated[
    Optional[tuple[Path, Path]],  # noqa: UP045
    typer.Option(
        metavar="LR GUIDE",
        help="Train on these bands (GeoTIFF, TIFF, ENVI, .npy) and their guide (likewise, or a picture), then fuse.",
    ),
]
Validation = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option(help="Folder of scenes to score on and to choose between seeds."),
]


def train_csc_mmfn(
    data: Data = None,
    pair: Pair = None,
    run: Annotated[Path, typer.Option("--run", help="Folder for checkpoints, curves, weights and card.")] = Path(
        "runs/csc-mmfn"
    ),
    validation: Validation = None,
    bands: Annotated[int, typer.Option(min=1, help="L of the scenes; of a pair, its own.")] = 31,
    guide_channels: Annotated[int, typer.Option(min=1, help="Of the guide; of a pair, its own.")] = 3,
    scale: Annotated[
        int, typer.Option(min=2, help="Pixels of the guide that a band's is wide; of a pair, its own.")
    ] = 4,
    guide_transfer: Annotated[
        str,
        typer.Option(help="The curve under which the network sees the guide: srgb (as stored) or linear (decoded)."),
    ] = "srgb",
    degradation: Annotated[
        str, typer.Option(help="How bands are made coarse: area (means) or gaussian (with --no-consistent).")
    ] = "area",
    noise: Annotated[float, typer.Option(help="Its deviation in the coarse bands, from 0 to 1.")] = 0.0,
    epochs: Annotated[int, typer.Option(min=1, help="Times that --crops of every scene are taken.")] = 100,
    crops: Annotated[int, typer.Option(min=1, help="Crops of every scene per epoch.")] = 32,
    batch: Annotated[int, typer.Option(min=1, help="Crops per step.")] = 4,
    crop: Annotated[int, typer.Option(min=2, help="Side of the crops in pixels of the guide.")] = 64,
    learning_rate: Annotated[float, typer.Option(help="Of Adam at its highest; it rises, and falls to zero.")] = 5e-4,
    loss: Annotated[str, typer.Option(help="mse, the paper's, or psnr, the mean of its logarithms.")] = "mse",
    units: Annotated[int, typer.Option(min=1, help="N: DCUs of each encoder.")] = 4,
    filters: Annotated[int, typer.Option(min=1, help="q: channels of a code.")] = 64,
    radius: Annotated[int, typer.Option(min=1, help="Of the guided filter, in pixels of the bands.")] = 1,
    epsilon: Annotated[float, typer.Option(help="Of the guided filter.")] = 1e-3,
    residual: Annotated[bool, typer.Option(help="Decode what the bicubic bands lack, or the bands themselves.")] = True,
    consistent: Annotated[bool, typer.Option(help="Make the averages those that were measured, exactly.")] = True,
    validation_every: Annotated[int, typer.Option(min=1, help="Epochs between scorings on --validation.")] = 5,
    seed: Annotated[int, typer.Option(help="The first seed.")] = 0,
    seeds: Annotated[int, typer.Option(min=1, help="How many seeds to train; the best on --validation is kept.")] = 1,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint of the run.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="No progress bar.")] = False,
) -> None:
    """Train CSC-MMFN on scenes of bands and guides, or on the very pair to be fused (Wald's protocol).

    Writes config.json, curves.csv, curves.png, checkpoints/ and csc-mmfn-xSCALE.safetensors with its card; with --pair
    also the sharpened bands, as fused.tif (or .npy, .img) in LR's format, type and place. Stopped at any time,
    --resume goes on from the last finished epoch, bit for bit as without the interruption.

    [bold]Examples[/bold]

      imfuse train csc-mmfn --data spectral/cave/train --validation spectral/cave/val

      imfuse train csc-mmfn --data spectral/cave/train --scale 8 --crop 96 --batch 2 --run runs/csc-mmfn-x8

      imfuse train csc-mmfn --pair bands.tif pan.tif --crops 200 --epochs 20
    """
    from imfuse.commands.train_csc_mmfn import run_train_csc_mmfn

    settings = {
        "bands": bands,
        "guide_channels": guide_channels,
        "scale": scale,
        "guide_transfer": guide_transfer,
        "degradation": degradation,
        "noise": noise,
        "epochs": epochs,
        "crops": crops,
        "batch": batch,
        "crop": crop,
        "learning_rate": learning_rate,
        "loss": loss,
        "units": units,
        "filters": filters,
        "radius": radius,
        "epsilon": epsilon,
        "residual": residual,
        "consistent": consistent,
        "validation_every": validation_every,
        "seed": seed,
    }
    run_train_csc_mmfn(settings, data, pair, run, validation, seeds=seeds, resume=resume, progress=not quiet)

"""The command line of the converter."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer


def convert(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="All files of one published checkpoint, in any order.", metavar="FILE...", show_default=False
        ),
    ],
    output: Annotated[
        Path,
        typer.Option("-o", "--output", help="The .safetensors file; its stem is the model's name.", show_default=False),
    ],
    rule: Annotated[
        Optional[str],  # noqa: UP045 - Typer 0.12 reads this form
        typer.Option(
            help="Fusion rule that the model gets: for IFCNN maximum, average or addition, by default what the file's "
            "name says; for AUIF addition, average or l1_norm, by default addition. FNet has none."
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace weights and card that exist.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Show errors only.")] = False,
) -> None:
    """Make weights with a card of a checkpoint that the authors of a paper published.

    Known are IFCNN (IFCNN-MAX.pth, IFCNN-MEAN.pth, IFCNN-SUM.pth), FNet (FNet.pth) and AUIF
    (TCSVT_Encoder_Base.model, TCSVT_Encoder_Detail.model, TCSVT_Decoder.model, all three at once), by what is in
    them and not by their names. Nothing in the files is run. The weights stay their authors'.

    [bold]Examples[/bold]

      imfuse convert IFCNN-MAX.pth -o ifcnn-max-published.safetensors

      imfuse convert TCSVT_*.model -o auif-published.safetensors

      imfuse fuse near.jpg far.jpg --task focus --model ifcnn-max-published.safetensors
    """
    from imfuse.commands.convert import run_convert

    run_convert(files, output, rule, overwrite=overwrite, quiet=quiet)

"""The command line of the evaluation."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer
from typer.core import TyperCommand

from imfuse.interruption import INTERRUPTED

if TYPE_CHECKING:
    from collections.abc import Iterable


def one_value_each(arguments: Iterable[str], option: str) -> list[str]:
    """``--sources a b c`` as ``--sources a --sources b --sources c``: the parser knows one value per option only.

    The values end at the next word that begins with a dash; after ``--`` nothing is an option.
    """
    words: list[str] = []
    taking = literal = False
    for word in arguments:
        if literal:
            words.append(word)
        elif word == option:
            taking = True
        elif word.startswith("-"):
            taking, literal = word.startswith(f"{option}="), word == "--"
            words.append(word)
        else:
            words += [option, word] if taking else [word]
    return words


class SourcesCommand(TyperCommand):
    """A command whose ``--sources`` takes any number of values."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse after the values of ``--sources`` were told apart."""
        return super().parse_args(ctx, one_value_each(args, "--sources"))


def evaluate(
    fused: Annotated[
        Optional[list[Path]],  # noqa: UP045 - Typer 0.12 reads this form
        typer.Argument(help="Folders of fused pictures, one per method; or files.", show_default=False),
    ] = None,
    sources: Annotated[
        Optional[list[Path]],  # noqa: UP045
        typer.Option(
            help="What was fused: a folder per source, a data set's folder, or files for a fused file.",
            metavar="DIR DIR…",
            show_default=False,
        ),
    ] = None,
    truth: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(help="Folder of the pictures that fusion should have given, or a file.", show_default=False),
    ] = None,
    metrics: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="Keys with commas; --list shows all. Default: the usual ones of the task.", metavar="KEYS"),
    ] = None,
    task: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            help="infrared, medical, focus, exposure or spectral: whose usual metrics are taken. Default: told by the "
            "names of the source folders, else infrared.",
        ),
    ] = None,
    format_: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--format", help="table, csv, json or md. Default: by the ending of -o, else table."),
    ] = None,
    output: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("-o", "--output", help="File (.txt .csv .json .md) instead of standard output."),
    ] = None,
    means: Annotated[bool, typer.Option("--means", help="Table and md: mean ± deviation only.")] = False,
    skip_orphans: Annotated[
        bool,
        typer.Option("--skip-orphans", help="Leave out pictures without a partner, and what not all methods fused."),
    ] = False,
    jobs: Annotated[int, typer.Option(help="Pictures at once.", min=1)] = 1,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an output that exists.")] = False,
    list_: Annotated[bool, typer.Option("--list", help="Show all metrics and their definitions, and exit.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Show results and errors only.")] = False,
) -> None:
    """Measure fused pictures: every metric of every picture, and mean ± deviation.

    Pictures pair by stem: dusk.png or dusk.fused-auif.png was fused from
    ir/dusk.jpg and vis/dusk.png. A data set's folder holds ir/ and vis/, or a
    folder per scene (exposure brackets). FUSED stands before --sources.

    Metrics see pictures upright and without alpha, 8 bits as they are, 16 bits
    at their full range, never stretched; of RGB pictures they take the luma
    (BT.601), unless they are defined on colour. CSV and JSON hold all digits,
    JSON the definitions too. Pictures that cannot be measured are named at the
    end; the exit status is then 1.

    [bold]Examples[/bold]

      imfuse evaluate fused/ --sources ir/ vis/

      imfuse evaluate ours/ theirs/ --sources ir/ vis/ -o compared.csv

      imfuse evaluate fused/ --sources tno40/ --metrics en,sd,vif --means

      imfuse evaluate dusk.fused-auif.png --sources ir/dusk.png vis/dusk.png

      imfuse evaluate fused/ --sources brackets/ --task exposure --jobs 2

      imfuse evaluate fused/ --sources a/ b/ c/ --truth sharp/ --format json

      imfuse evaluate --list
    """
    from imfuse.commands.evaluate import EvaluateRequest, run_evaluate, run_list

    if list_:
        run_list(format_)
        return
    request = EvaluateRequest(
        fused=tuple(fused or ()),
        sources=tuple(sources or ()),
        truth=truth,
        metrics=metrics,
        task=task,
        format=format_,
        output=output,
        means_only=means,
        skip_orphans=skip_orphans,
        jobs=jobs,
        overwrite=overwrite,
        quiet=quiet,
    )
    status = run_evaluate(request)
    if status == INTERRUPTED:
        sys.exit(status)  # it has said so
    raise typer.Exit(status)

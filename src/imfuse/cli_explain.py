"""``imfuse explain`` on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from imfuse.cli_options import (
    Align,
    BaseRule,
    DetailRule,
    Device,
    ModelName,
    Motion,
    Quiet,
    ResizeTo,
    RuleName,
    TaskName,
)


def explain(
    sources: Annotated[list[Path], typer.Argument(help="Pictures of one scene in the task's order.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for the pictures.")] = Path("parts"),
    task: TaskName = "infrared",
    model: ModelName = None,
    rule: RuleName = None,
    base_rule: BaseRule = None,
    detail_rule: DetailRule = None,
    range_: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--range", metavar="NAME|ROLE=NAME,…", help="As for [bold]imfuse fuse[/bold]."),
    ] = None,
    resize_to: ResizeTo = None,
    align: Align = False,
    motion: Motion = None,
    memory: Annotated[str, typer.Option(help="What it may take beyond the pictures and parts themselves.")] = "1GiB",
    values: Annotated[
        bool, typer.Option("--values", help="Write every part's own values too, as 32-bit float TIFF.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace pictures that exist.")] = False,
    device: Device = "cpu",
    quiet: Quiet = False,
) -> None:
    """Show what each source gave: its weight, and base and detail, or features, before and after the fusion.

    Writes sheet.png, where all parts stand side by side with their names, and every part as a picture of its own.
    In weight maps black is 0 and white is 1. Base and detail maps are shown on one scale for all sources and the
    result, with detail's 0 in the middle gray; the sheet names the values of black and white. So are features, of
    which those that vary the most are shown.
    A model that has no such parts says so.

    [bold]Examples[/bold]

      imfuse explain thermal.png visible.png -o parts/

      imfuse explain thermal.png visible.png -o parts/ --model csc-ivfn --values

      imfuse explain near.jpg far.jpg --task focus -o parts/
    """
    from imfuse.commands.explain import run_explain
    from imfuse.levels import parse_range

    run_explain(
        sources,
        output,
        task,
        model,
        {"rule": rule, "base_rule": base_rule, "detail_rule": detail_rule},
        device,
        {"range": parse_range(range_), "resize_to": resize_to, "align": motion or align or None, "memory": memory},
        values=values,
        overwrite=overwrite,
        quiet=quiet,
    )

"""``imfuse explain`` on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from imfuse.cli_options import (
    Align,
    AskedWindows,
    BaseRule,
    ColourMap,
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
    sources: Annotated[
        list[Path],
        typer.Argument(help="Pictures of one scene in the task's order. Medical: also DICOM, folders of DICOM, NIfTI."),
    ],
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
    window: AskedWindows = None,
    colour_map: ColourMap = None,
    slice_: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option("--slice", metavar="N", help="DICOM, NIfTI: explain this slice, from 1. Default: the middle one."),
    ] = None,
    resize_to: ResizeTo = None,
    align: Align = False,
    motion: Motion = None,
    memory: Annotated[str, typer.Option(help="What it may take beyond the pictures and parts themselves.")] = "1GiB",
    values: Annotated[
        bool, typer.Option("--values", help="Write every part's own values too, as 32-bit float TIFF.")
    ] = False,
    truth: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(help="Spectral: what the result should be, bands as large as the guide; errors are then shown."),
    ] = None,
    band: Annotated[
        Optional[list[int]],  # noqa: UP045
        typer.Option(help="Spectral: show this band alone too, from 1. May be given several times.", metavar="N"),
    ] = None,
    gain: Annotated[
        Optional[float],  # noqa: UP045
        typer.Option(help="Spectral: how many times errors are amplified. Default: 10."),
    ] = None,
    pixel: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option(
            help="Spectral: draw the spectra at this column and row of the guide, from 0. May be given several times.",
            metavar="X,Y",
        ),
    ] = None,
    composite: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            help="Spectral: the bands shown as red, green and blue, from 1. Default: by the wavelengths.",
            metavar="R,G,B",
        ),
    ] = None,
    guide_encoding: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="Spectral: as for [bold]imfuse fuse[/bold].", metavar="auto|srgb|linear"),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace pictures that exist.")] = False,
    device: Device = "cpu",
    quiet: Quiet = False,
) -> None:
    """Show what each source gave: its weight, and base and detail, or features, before and after the fusion.

    Writes sheet.png, where all parts stand side by side with their names, and every part as a picture of its own.
    In weight maps black is 0 and white is 1. Base and detail maps are shown on one scale for all sources and the
    result, with detail's 0 in the middle gray; the sheet names the values of black and white. So are features, of
    which those that vary the most are shown; FNet's, of which those that weigh most in the result, each on its own.
    Of FNet: what is unique to each source and what is common, which sum to the result.
    A model that has no such parts says so.

    Of sharpened bands (--task spectral): the guide, the bicubic bands, the result and the truth, if it is given, in
    colour; single bands, and what the guide gave them; errors and angles between spectra; spectra at pixels.

    [bold]Examples[/bold]

      imfuse explain thermal.png visible.png -o parts/

      imfuse explain thermal.png visible.png -o parts/ --model csc-ivfn --values

      imfuse explain near.jpg far.jpg --task focus -o parts/

      imfuse explain ct.nii.gz mri.nii.gz --task medical --model fnet --window brain --slice 40 -o parts/

      imfuse explain lr.tif guide.png --task spectral --truth truth.tif --band 3 --gain 10 --pixel 120,80
    """
    from imfuse.commands.explain_spectral import SpectralRequest, run_explain_spectral
    from imfuse.levels import parse_range
    from imfuse.medical.scene import refuse_for_pictures
    from imfuse.medical.windows import parse_windows
    from imfuse.tasks import task as find_task

    spectral = SpectralRequest(truth, band or (), gain, pixel or (), composite, guide_encoding)
    rules = {"rule": rule, "base_rule": base_rule, "detail_rule": detail_rule}
    options = {
        "range": parse_range(range_),
        "resize_to": resize_to,
        "align": motion or align or None,
        "memory": memory,
    }
    of_volumes: dict[str, Any] = {"window": parse_windows(window), "colour_map": colour_map, "slice": slice_}
    if find_task(task).of_bands:
        refuse_for_pictures(**of_volumes)
        settings = {**rules, "device": device}
        ending = {"values": values, "overwrite": overwrite, "quiet": quiet}
        run_explain_spectral(sources, output, model, spectral, settings, options, **ending)
        return
    spectral.check_absent(task)
    from imfuse.commands.explain import run_explain

    run_explain(
        sources,
        output,
        task,
        model,
        rules,
        device,
        options | of_volumes,
        values=values,
        overwrite=overwrite,
        quiet=quiet,
    )

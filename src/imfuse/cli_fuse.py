"""``imfuse fuse`` on the command line."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Optional

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
from imfuse.interruption import INTERRUPTED


def fuse(
    sources: Annotated[
        list[Path],
        typer.Argument(help="Pictures in the task's order, a folder for each of them, or one folder with a stack."),
    ],
    output: Annotated[
        Optional[Path],  # noqa: UP045 - Typer 0.12 reads this form
        typer.Option(
            "-o",
            "--output",
            help="File (.png .jpg .tif .bmp .webp .dcm .nii .nii.gz; of bands .tif .npy .img), or folder for folders.",
            show_default=False,
        ),
    ] = None,
    task: TaskName = "infrared",
    model: ModelName = None,
    rule: RuleName = None,
    base_rule: BaseRule = None,
    detail_rule: DetailRule = None,
    fast: Annotated[bool, typer.Option("--fast", help="Faster and a little less exact, with csc-mefn.")] = False,
    range_: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            "--range",
            metavar="NAME|ROLE=NAME,…",
            help="What becomes black and white: full, minmax or percentile, of the infrared picture, of the medical "
            "ones, or of a whole stack at once; by role: infrared=minmax,visible=percentile. Default: full; raw counts "
            "of thermal cameras and scanners of more than 8 bits by percentile. Spectral: full or minmax, for both or "
            "by role, bands=full,guide=minmax; default: 8 bits full, others from 0 to their largest value.",
        ),
    ] = None,
    window: AskedWindows = None,
    colour_map: ColourMap = None,
    resize_to: ResizeTo = None,
    depth: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            help="Depth of the result: 8, 16 or float. Default: that of visible, MRI, first picture or bands."
        ),
    ] = None,
    align: Align = False,
    motion: Motion = None,
    memory: Annotated[
        str, typer.Option(help="What fusing may take beyond the pictures themselves; spectral: in all.")
    ] = "1GiB",
    stretch: Annotated[
        Optional[bool],  # noqa: UP045
        typer.Option(
            "--stretch/--no-stretch",
            help="Exposure: whether the result's percentiles 0.5 and 99.5, of all channels together, become black and "
            "white as the last step. Default: the model's.",
            show_default=False,
        ),
    ] = None,
    group_by: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            metavar="exif|count=N|gap[=SECONDS]",
            help="Several brackets or stacks in one folder (or list of pictures): where one ends and the next begins, "
            "by the exposures that EXIF tells, every N pictures by name, or after SECONDS (default 5) without a "
            "picture. Results go into a folder, each named after the first picture of its group.",
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace outputs that exist.")] = False,
    skip_orphans: Annotated[
        bool, typer.Option("--skip-orphans", help="Folders, --group-by: leave pictures without partners out.")
    ] = False,
    jobs: Annotated[int, typer.Option(help="Folders: pictures at once.", min=1)] = 1,
    quality: Annotated[int, typer.Option(help="Quality of JPEG.", min=1, max=100)] = 95,
    device: Device = "cpu",
    report: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(help="JSON report of the run, for programs; see run-report.md in docs.", metavar="FILE"),
    ] = None,
    save_map: Annotated[
        bool,
        typer.Option(
            "--save-map", help="Show which source won where: NAME.map.png beside the result; folders: in maps/."
        ),
    ] = False,
    save_weights: Annotated[
        bool,
        typer.Option(
            "--save-weights",
            help="The weight map of every source, black 0, white 1: in NAME.weights/; folders: in weights/.",
        ),
    ] = False,
    anonymise: Annotated[
        bool, typer.Option("--anonymise", help="DICOM: leave patient and study out of the result; see docs/medical.md.")
    ] = False,
    guide_encoding: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            metavar="auto|srgb|linear",
            help="Spectral, classical methods: whether the guide's values are under the sRGB curve or proportional to "
            "light. Default: 8-bit RGB is srgb, all else linear.",
        ),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Fuse pictures of one scene into one, or folders of them.

    Whatever was stretched, resized, clipped or converted is told. Finished pictures of a folder run are not made again.

    [bold]Tasks[/bold], what they take and what becomes of colour and depth:

      infrared  infrared, then visible: chroma and depth of the visible picture

      medical   CT, PET or SPECT, then MRI: chroma of the first, depth of the MRI

      focus     two or more pictures: all colours fused, depth of the first

      exposure  two or more: chroma where it is strong, depth of the first, EXIF of the middle exposure

      spectral  low-resolution bands (GeoTIFF, TIFF, ENVI, .npy), then a guide of the same area and a whole number of \
times their resolution: bands, type, units, nodata and georeference of the first, of any size

    [bold]Examples[/bold]

      imfuse fuse thermal.png visible.jpg

      imfuse fuse thermal.tif visible.tif -o fused.tif --range minmax

      imfuse fuse thermal/ visible/ -o fused/ --jobs 2 --skip-orphans

      imfuse fuse pet.png mri.png --task medical

      imfuse fuse pet.nii.gz mri.nii.gz -o fused.nii.gz --task medical

      imfuse fuse ct/ mri/ -o fused/ --task medical --window brain [dim]two DICOM series[/dim]

      imfuse fuse near.jpg middle.jpg far.jpg --task focus -o sharp.png

      imfuse fuse stack/ --task focus --save-map      [dim]and which picture is sharp where[/dim]
      imfuse fuse handheld/ --task focus --align      [dim]when things have shifted[/dim]

      imfuse fuse near/ far/ --task focus -o sharp/   [dim]one of each, by name[/dim]

      imfuse fuse bracket/ --task exposure            [dim]all pictures in it[/dim]

      imfuse fuse brackets/ --task exposure -o fused/ [dim]a folder of such folders[/dim]

      imfuse fuse bracket/*.jpg --task exposure -o hdr.png --stretch

      imfuse fuse card/ --task exposure --group-by exif -o fused/ [dim]all brackets of a memory card[/dim]

      imfuse fuse lr.tif guide.tif -o sharp.tif --task spectral

      imfuse fuse lr.tif pan.tif -o sharp.tif --task spectral --model gsa --memory 4GiB
    """
    from imfuse.commands.fuse import FuseRequest, run_fuse
    from imfuse.levels import parse_range
    from imfuse.medical.windows import parse_windows

    request = FuseRequest(
        sources=tuple(sources),
        output=output,
        task=task,
        model=model,
        rules=(("rule", rule), ("base_rule", base_rule), ("detail_rule", detail_rule), ("fast", fast)),
        options=(
            ("range", parse_range(range_)),
            ("resize_to", resize_to),
            ("depth", depth),
            ("memory", memory),
            ("align", motion or align or None),
            ("stretch", stretch),
            ("window", parse_windows(window)),
            ("colour_map", colour_map),
        ),
        overwrite=overwrite,
        skip_orphans=skip_orphans,
        jobs=jobs,
        quality=quality,
        device=device,
        quiet=quiet,
        report=report,
        group_by=group_by,
        save_map=save_map,
        save_weights=save_weights,
        anonymise=anonymise,
        guide_encoding=guide_encoding,
    )
    status = run_fuse(request)
    if status == INTERRUPTED:
        sys.exit(status)  # it has told what is made and how to go on
    raise typer.Exit(status)

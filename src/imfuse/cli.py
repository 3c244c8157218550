"""The command line: every command calls one public function and shows what it gives back."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, NoReturn, Optional

import typer

from imfuse import __version__
from imfuse.cli_bench import bench
from imfuse.cli_evaluate import SourcesCommand, evaluate
from imfuse.cli_train import train_app
from imfuse.errors import ImfuseError
from imfuse.interruption import INTERRUPTED

app = typer.Typer(
    name="imfuse",
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Fuse pictures of one scene from different sensors into one that keeps what each alone shows.\n\n"
    "[bold]Start here:[/bold] imfuse demo · imfuse fuse thermal.png visible.png · imfuse models",
)
app.add_typer(train_app, name="train")


# Options that several commands have. Typer 0.12 reads Optional.
TaskName = Annotated[str, typer.Option(help="What is fused: infrared, medical, focus or exposure.")]
ModelName = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(help="Model name, or path of a .safetensors file with its card. Default: the task's."),
]
RuleName = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        help="Fusion rule of base and detail: addition, average, l1_norm or (CSC-IVFN) saliency_weighted. "
        "Default: the model's."
    ),
]
BaseRule = Annotated[Optional[str], typer.Option(help="Fusion rule of the base alone, as for --rule.")]  # noqa: UP045
DetailRule = Annotated[Optional[str], typer.Option(help="Fusion rule of the detail alone, as for --rule.")]  # noqa: UP045
ResizeTo = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(help="For sources of different size: the size of the first or of the largest."),
]
Device = Annotated[str, typer.Option(help="Where to compute: cpu, cuda, mps.")]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="Show errors only.")]


def main() -> None:
    """Run the command line; errors with a cause outside the program end in one line and exit status 2."""
    # What tifffile says of damaged files is in the error's one line already.
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    status = _status()
    if status == INTERRUPTED:
        _end_now(status)
    sys.exit(status)


def _end_now(status: int) -> NoReturn:
    """End with this status, which Python itself does not always do after Ctrl-C.

    Where the interruption came upon code that is run from a string, as dataclasses do while modules are imported,
    CPython ends by the signal although the exception was caught (``exit_sigint``), and there is no way to tell it so.
    """
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(status)


def _status() -> int:
    """Run the command; the exit status."""
    try:
        status = int(app(standalone_mode=False) or 0)
    except (KeyboardInterrupt, typer.Abort):
        status = INTERRUPTED
    except BrokenPipeError:
        return 1
    except Exception as error:
        message = _told(error)
        if message is None:
            raise
        _complain(message)
        return 2
    # Some versions of Typer give Ctrl-C as this status instead of an exception.
    if status == INTERRUPTED:
        _complain("interrupted; what is finished is kept, and the same command goes on (a training with --resume)")
    return status


def _told(error: Exception) -> str | None:
    """One line for an error with a cause outside the program; None for a fault of the program itself."""
    from imfuse.batch import out_of_memory

    if isinstance(error, ImfuseError):
        return str(error)
    if out_of_memory(error):
        return "not enough memory; give a smaller --memory, or smaller pictures"
    if isinstance(error, OSError):
        return f"{error.filename or 'output'}: {error.strerror or error}"
    # Wrong options and arguments, in the words of the command line's parser.
    parser_words = getattr(error, "format_message", None)
    return f"{parser_words()} (--help explains)" if callable(parser_words) else None


def _complain(message: str) -> None:
    one_line = " ".join(message.split())
    print(f"imfuse: {one_line}", file=sys.stderr)  # noqa: T201 - the one place where errors are shown


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"imfuse {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Take the options that stand before a command."""


@app.command()
def fuse(
    sources: Annotated[
        list[Path],
        typer.Argument(help="Pictures in the task's order, a folder for each of them, or one folder with a stack."),
    ],
    output: Annotated[
        Optional[Path],  # noqa: UP045 - Typer 0.12 reads this form
        typer.Option(
            "-o", "--output", help="File (.png .jpg .tif .bmp .webp), or folder for folders.", show_default=False
        ),
    ] = None,
    task: TaskName = "infrared",
    model: ModelName = None,
    rule: RuleName = None,
    base_rule: BaseRule = None,
    detail_rule: DetailRule = None,
    range_: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            "--range",
            metavar="NAME|ROLE=NAME,…",
            help="What becomes black and white: full, minmax or percentile, of the infrared picture, of the medical "
            "ones, or of a whole stack at once; by role: infrared=minmax,visible=percentile. Default: full; raw counts "
            "of thermal cameras and scanners of more than 8 bits by percentile.",
        ),
    ] = None,
    resize_to: ResizeTo = None,
    depth: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="Depth of the result: 8, 16 or float. Default: that of visible, MRI or first picture."),
    ] = None,
    memory: Annotated[str, typer.Option(help="What fusing may take beyond the pictures themselves.")] = "1GiB",
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
        typer.Option(help="File for a JSON report of the run, for programs; see docs/run-report.md.", metavar="FILE"),
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
    quiet: Quiet = False,
) -> None:
    """Fuse pictures of one scene into one, or folders of them.

    Whatever was stretched, resized, clipped or converted is told. Finished pictures of a folder run are not made again.

    [bold]Tasks[/bold], what they take and what becomes of colour and depth:

      infrared  infrared, then visible: chroma and depth of the visible picture

      medical   CT, PET or SPECT, then MRI: chroma of the first, depth of the MRI

      focus     two or more pictures: all colours fused, depth of the first

      exposure  two or more: chroma where it is strong, depth of the first, EXIF of the middle exposure

    [bold]Examples[/bold]

      imfuse fuse thermal.png visible.jpg

      imfuse fuse thermal.tif visible.tif -o fused.tif --range minmax

      imfuse fuse thermal/ visible/ -o fused/ --jobs 2 --skip-orphans

      imfuse fuse pet.png mri.png --task medical

      imfuse fuse near.jpg middle.jpg far.jpg --task focus -o sharp.png

      imfuse fuse stack/ --task focus --save-map      [dim]and which picture is sharp where[/dim]

      imfuse fuse near/ far/ --task focus -o sharp/   [dim]one of each, by name[/dim]

      imfuse fuse bracket/ --task exposure            [dim]all pictures in it[/dim]

      imfuse fuse brackets/ --task exposure -o fused/ [dim]a folder of such folders[/dim]

      imfuse fuse bracket/*.jpg --task exposure -o hdr.png --stretch

      imfuse fuse card/ --task exposure --group-by exif -o fused/ [dim]all brackets of a memory card[/dim]
    """
    from imfuse.commands.fuse import FuseRequest, run_fuse
    from imfuse.levels import parse_range

    request = FuseRequest(
        sources=tuple(sources),
        output=output,
        task=task,
        model=model,
        rules=(("rule", rule), ("base_rule", base_rule), ("detail_rule", detail_rule)),
        options=(
            ("range", parse_range(range_)),
            ("resize_to", resize_to),
            ("depth", depth),
            ("memory", memory),
            ("stretch", stretch),
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
    )
    status = run_fuse(request)
    if status == INTERRUPTED:
        sys.exit(status)  # it has told what is made and how to go on
    raise typer.Exit(status)


@app.command()
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
        {"range": parse_range(range_), "resize_to": resize_to, "memory": memory},
        values=values,
        overwrite=overwrite,
        quiet=quiet,
    )


app.command(cls=SourcesCommand)(evaluate)
app.command()(bench)


@app.command()
def demo(
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for the pictures.")] = Path("demo"),
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace pictures that exist.")] = False,
    seed: Annotated[int, typer.Option(help="Seed of the scenes' noise and texture.")] = 0,
) -> None:
    """Fuse the built-in sample scenes and write sources, results and a side-by-side sheet.

    [bold]Example[/bold]

      imfuse demo -o demo/
    """
    from imfuse.commands.demo import run_demo

    run_demo(output, overwrite=overwrite, seed=seed)


@app.command()
def models(
    task: Annotated[Optional[str], typer.Option(help="Only models of this task.")] = None,  # noqa: UP045
    as_json: Annotated[bool, typer.Option("--json", help="The whole cards, for programs.")] = False,
) -> None:
    """Show the models, trained and classical: tasks, paper, parameters, licence of the training data.

    [bold]Examples[/bold]

      imfuse models

      imfuse models --task infrared --json
    """
    from imfuse.commands.models import show_models

    show_models(task, as_json=as_json)


@app.command()
def doctor() -> None:
    """Show versions, devices, threads and extras: what to say when you report a problem."""
    from imfuse.commands.doctor import run_doctor

    raise typer.Exit(run_doctor())


if __name__ == "__main__":
    main()

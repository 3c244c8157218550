"""The command line: every command calls one public function and shows what it gives back."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, NoReturn, Optional

import typer

from imfuse import __version__
from imfuse.cli_bench import bench
from imfuse.cli_convert import convert
from imfuse.cli_evaluate import SourcesCommand, evaluate
from imfuse.cli_explain import explain
from imfuse.cli_fuse import fuse
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


def main() -> None:
    """Run the command line; errors with a cause outside the program end in one line and exit status 2."""
    # What tifffile says of damaged files is in the error's one line already.
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        status = _status()
    except KeyboardInterrupt:  # once more, before it could be ignored
        status = INTERRUPTED
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
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # it was heard: one that comes later must not change how it ends
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


app.command()(fuse)
app.command()(explain)
app.command(cls=SourcesCommand)(evaluate)
app.command()(bench)
app.command()(convert)


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

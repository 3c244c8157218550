"""``imfuse explain``: what each source gave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from imfuse import load
from imfuse.batch import Job, check_sources
from imfuse.commands.progress import bar
from imfuse.errors import OutputError, SourceError
from imfuse.explanation import Explanation, part_paths
from imfuse.io import check_output
from imfuse.io.naming import shown
from imfuse.tasks import task as find_task


def run_explain(
    sources: Sequence[Path],
    folder: Path,
    task: str,
    model: str | None,
    rules: Mapping[str, Any],
    device: str,
    options: Mapping[str, Any],
    *,
    values: bool,
    overwrite: bool,
    quiet: bool,
) -> None:
    """Write the parts of one fusion into a folder and say where the sheet lies."""
    for source in sources:
        if source.is_dir() and task != "medical":
            raise SourceError(
                f"{shown(source)}: is a folder; explain takes the pictures of one scene; "
                "a folder of DICOM with --task medical"
            )
    chosen = model or find_task(task).default_model
    fuser = load(chosen, task=task, device=device, **rules)
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{shown(folder)}: is a file; give the name of a folder")
    check_sources(Job(tuple(sources), folder))
    for path in part_paths(folder, fuser.part_names(len(sources), sources), values=True):
        check_sources(Job(tuple(sources), path))
        if folder.exists():
            check_output(path, overwrite or (not values and path.suffix == ".tif"))
    console = Console(stderr=True, quiet=quiet)
    with bar(console, "explaining", 1.0, count=False) as advance:
        explanation = fuser.explain(list(sources), progress=advance, **options)
    written = explanation.save(folder, overwrite=overwrite, values=values)
    tell_explanation(explanation, written, console)


def tell_explanation(explanation: Explanation, written: Sequence[Path], console: Console) -> None:
    """Say where the sheet lies, and what was done to the sources before."""
    words = f"{shown(written[0])}: the sheet; {len(written) - 1} files of single parts beside it"
    console.print(words, markup=False, highlight=False, soft_wrap=True)
    for note in explanation.notes:
        console.print(f"  · {note}", markup=False, highlight=False, soft_wrap=True)

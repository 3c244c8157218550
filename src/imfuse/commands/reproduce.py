"""``imfuse bench --reproduce``: a paper's table beside what is measured here."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from imfuse.bench.published_tables import at_scale, published_table
from imfuse.bench.reproduce import as_markdown, as_plain
from imfuse.bench.reproduction import plan_reproduction, reproduced
from imfuse.bench.spectral import SCALE
from imfuse.bench.store import write_text
from imfuse.commands.bench import list_bench, run_shown, run_spectral_shown, tell_failures
from imfuse.commands.summary import say
from imfuse.errors import UsageError
from imfuse.interruption import INTERRUPTED
from imfuse.io.naming import shown
from imfuse.outputs import make_folder


def show_reproduction(
    name: str,
    roots: Sequence[Path],
    folder: Path,
    *,
    models: Sequence[str],
    images: int | None,
    scale: int | None,
    device: str,
    command: str,
    list_only: bool,
    overwrite: bool,
    quiet: bool,
) -> int:
    """Measure, print the table as Markdown and write it into the folder; 0, 1 or 130 as for a benchmark."""
    table = published_table(name)
    if table.task != "spectral" and scale is not None:
        raise UsageError(f"{name}: its pictures have one resolution; leave --scale away")
    scale = scale or SCALE
    table = at_scale(table, scale)
    plan = plan_reproduction(
        table, roots, models, folder=folder, device=device, command=command, images=images, scale=scale
    )
    if list_only:
        if plan is not None:
            list_bench(plan)
        else:
            say(Console(), f"{name}: nothing of it can be measured; without --list it is written as printed")
        return 0
    console = Console(stderr=True, quiet=quiet)
    results = None
    if plan is not None:
        spectral = table.task == "spectral"  # its results are no pictures: no report, and nothing is kept to go on with
        results = (
            run_spectral_shown(plan, console, scale) if spectral else run_shown(plan, console, overwrite=overwrite)
        )
        if results is None:
            return INTERRUPTED
    parts = reproduced(table, results)
    text = as_markdown(table, parts)
    make_folder(folder)
    stem = name if scale == SCALE else f"{name}-x{scale}"
    write_text(folder / f"{stem}.md", text)
    write_text(folder / f"{stem}.json", json.dumps(as_plain(table, parts), indent=1, ensure_ascii=False) + "\n")
    Console().out(text, highlight=False)
    say(console, f"{shown(folder / stem)}.md and .json hold this table")
    return 0 if results is None else tell_failures(results)

"""``imfuse bench --reproduce``: a paper's table beside what is measured here."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from imfuse.bench.published_tables import published_table
from imfuse.bench.reproduce import as_markdown, as_plain
from imfuse.bench.reproduction import plan_reproduction, reproduced
from imfuse.bench.store import write_text
from imfuse.commands.bench import list_bench, run_shown, run_spectral_shown, tell_failures
from imfuse.commands.summary import say
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
    device: str,
    command: str,
    list_only: bool,
    overwrite: bool,
    quiet: bool,
) -> int:
    """Measure, print the table as Markdown and write it into the folder; 0, 1 or 130 as for a benchmark."""
    table = published_table(name)
    plan = plan_reproduction(table, roots, models, folder=folder, device=device, command=command, images=images)
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
        results = run_spectral_shown(plan, console) if spectral else run_shown(plan, console, overwrite=overwrite)
        if results is None:
            return INTERRUPTED
    parts = reproduced(table, results)
    text = as_markdown(table, parts)
    make_folder(folder)
    write_text(folder / f"{name}.md", text)
    write_text(folder / f"{name}.json", json.dumps(as_plain(table, parts), indent=1, ensure_ascii=False) + "\n")
    Console().out(text, highlight=False)
    say(console, f"{shown(folder / name)}.md and .json hold this table")
    return 0 if results is None else tell_failures(results)

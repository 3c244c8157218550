"""``imfuse bench --task spectral``: scenes of bands made coarse and sharpened again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from imfuse.bench.spectral import SPECTRAL_NAME, plan_spectral
from imfuse.bench.spectral_summary import SPECTRAL_SUMMARY, spectral_markdown
from imfuse.bench.store import write_text
from imfuse.commands.bench import list_bench, run_spectral_shown, tell_failures
from imfuse.commands.summary import say
from imfuse.errors import UsageError
from imfuse.interruption import INTERRUPTED
from imfuse.io.naming import shown


def show_spectral(
    places: Sequence[Path],
    folder: Path,
    *,
    models: Sequence[str],
    images: int | None,
    scenes: Sequence[str],
    scale: int,
    device: str,
    command: str,
    list_only: bool,
    quiet: bool,
) -> int:
    """Measure a folder of scenes, write rows and summary, say where they lie; 0, 1 or 130 as for a benchmark."""
    if len(places) > 1:
        raise UsageError(f"{len(places)} folders of spectral scenes: compare on one after the other")
    plan = plan_spectral(
        places[0], models, folder=folder, device=device, command=command, images=images, scenes=scenes, scale=scale
    )
    if list_only:
        list_bench(plan)
        return 0
    console = Console(stderr=True, quiet=quiet)
    results = run_spectral_shown(plan, console, scale)
    if results is None:
        return INTERRUPTED
    write_text(folder / SPECTRAL_SUMMARY, spectral_markdown(results, scale))
    failed = len(results.failures)
    say(
        console, f"{shown(folder)}: {len(results.rows) - failed} results scored" + (f", {failed} failed" * bool(failed))
    )
    say(console, f"  · {SPECTRAL_SUMMARY}, {SPECTRAL_NAME}")
    return tell_failures(results)

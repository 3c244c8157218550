"""``imfuse convert``: published checkpoints."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from imfuse.convert import convert_checkpoint
from imfuse.io.naming import shown


def run_convert(files: Sequence[Path], output: Path, rule: str | None, *, overwrite: bool, quiet: bool) -> None:
    """Convert, and say what it is and how it is used."""
    conversion = convert_checkpoint(files, output, rule=rule, overwrite=overwrite)
    if quiet:
        return
    card, console = conversion.card, Console()
    weights = shown(card.weights_path)
    lines = [
        f"{conversion.released.name}, {card.parameters:,} parameters, for {', '.join(card.tasks)}",
        *(f"note: {note}" for note in conversion.notes),
        f"{weights}, with its card {shown(card.weights_path.with_suffix('.json'))}",
        f"to use it: --model {weights}",
    ]
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)

"""``imfuse train csc-mefn``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from imfuse.commands.train import set_up
from imfuse.errors import UsageError
from imfuse.io.naming import shown


def run_train_csc_mefn(
    settings: Mapping[str, Any],
    data: Sequence[Path],
    skip: Sequence[str],
    run: Path,
    validation: Path | None,
    *,
    seeds: int,
    resume: bool,
    progress: bool,
) -> None:
    """Train CSC-MEFN; say where the results lie."""
    set_up(progress)
    from imfuse.data.splits import MISALIGNED, misaligned_brackets
    from imfuse.train.bracket_runs import BracketData, train_bracket_seeds
    from imfuse.train.csc_mefn import CSCMEFNConfig

    settings = {**settings, "spacings": _numbers(settings["spacings"])}
    left_out = {name for name in skip if name != MISALIGNED}
    if MISALIGNED in skip:
        left_out |= set(misaligned_brackets(folder.name for folder in data))
    brackets = BracketData(data, left_out, validation)
    card = train_bracket_seeds(CSCMEFNConfig(**settings), brackets, run, seeds, resume=resume, progress=progress)
    console = Console(stderr=True, quiet=not progress)
    console.print(f"{card.weights_path}: {card.parameters} parameters", markup=False, soft_wrap=True)


def _numbers(text: str) -> tuple[int, ...]:
    """``1,3,9`` as numbers.

    Raises:
        UsageError: it is something else.
    """
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"spacings are {shown(text)}: write numbers with commas between, such as 1,3,9") from None

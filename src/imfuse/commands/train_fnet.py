"""``imfuse train fnet``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from imfuse.commands.train import set_up


def run_train_fnet(
    settings: Mapping[str, Any],
    data: Sequence[Path],
    run: Path,
    *,
    without: Sequence[Path],
    validation: Path | None,
    resume: bool,
    progress: bool,
) -> None:
    """Train FNet; say where the results lie."""
    set_up(progress)
    from imfuse.train.fnet import FNetConfig
    from imfuse.train.fnet_runs import train_pairs

    config = FNetConfig(**settings)
    card = train_pairs(config, data, run, without=without, validation=validation, resume=resume, progress=progress)
    console = Console(stderr=True, quiet=not progress)
    console.print(f"{card.weights_path}: {card.parameters} parameters", markup=False, soft_wrap=True)

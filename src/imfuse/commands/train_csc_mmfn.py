"""``imfuse train csc-mmfn``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

from imfuse.commands.train import set_up
from imfuse.errors import UsageError


def run_train_csc_mmfn(
    settings: Mapping[str, Any],
    data: Path | None,
    pair: tuple[Path, Path] | None,
    run: Path,
    validation: Path | None,
    *,
    seeds: int,
    resume: bool,
    progress: bool,
) -> None:
    """Train CSC-MMFN on a folder of scenes, or on a pair and fuse it; say where the results lie."""
    if (data is None) == (pair is None):
        raise UsageError("give the training scenes with --data FOLDER, or the pair to be fused with --pair LR GUIDE")
    set_up(progress)
    from imfuse.train.csc_mmfn import CSCMMFNConfig
    from imfuse.train.spectral_runs import train_on_pair, train_on_scenes

    config = CSCMMFNConfig(**settings)
    console = Console(stderr=True, quiet=not progress)
    if data is not None:
        card = train_on_scenes(config, data, run, seeds, validation, resume=resume, progress=progress)
    elif pair is not None:
        if seeds > 1 or validation is not None:
            raise UsageError("a pair is trained on by itself: leave --seeds and --validation away")
        card, fused = train_on_pair(config, *pair, run, resume=resume, progress=progress)
        console.print(str(fused), markup=False, soft_wrap=True)
    console.print(f"{card.weights_path}: {card.parameters} parameters", markup=False, soft_wrap=True)

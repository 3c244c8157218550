"""``imfuse train ifcnn``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from imfuse.commands.train import set_up


def run_train_ifcnn(
    settings: Mapping[str, Any],
    depth: Sequence[Path],
    pictures: Sequence[Path],
    built_in: int,
    run: Path,
    *,
    validation: Path | None,
    perceptual_weights: Path | None,
    resume: bool,
    progress: bool,
) -> None:
    """Train IFCNN; say where the results lie."""
    set_up(progress)
    from imfuse.train.focus_runs import FocusData, train_focus
    from imfuse.train.ifcnn import IFCNNConfig

    card = train_focus(
        IFCNNConfig(**settings),
        FocusData(depth, pictures, built_in),
        run,
        validation=validation,
        perceptual_weights=perceptual_weights,
        resume=resume,
        progress=progress,
    )
    console = Console(stderr=True, quiet=not progress)
    console.print(f"{card.weights_path}: {card.parameters} parameters", markup=False, soft_wrap=True)

"""``imfuse train``: recipes from the command line."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from rich.console import Console

from imfuse.errors import DataError, MissingExtraError, UsageError

RECIPES = {"auif": "imfuse.train.auif:AUIFConfig", "csc-ivfn": "imfuse.train.csc_ivfn:CSCIVFNConfig"}
"""Names of models → module and class of their recipe."""


def run_train(
    model: str,
    settings: Mapping[str, Any],
    data: Path,
    run: Path,
    validation: Path | None,
    *,
    seeds: int,
    resume: bool,
    sweep_kind: str | None,
    progress: bool,
) -> None:
    """Train a network or sweep one of its settings; say where the results lie."""
    set_up(progress)
    module, _, name = RECIPES[model].partition(":")
    config = getattr(import_module(module), name)(**settings)
    console = Console(stderr=True, quiet=not progress)
    if sweep_kind is None:
        from imfuse.train.runs import train_seeds

        card = train_seeds(config, data, run, seeds, validation, resume=resume, progress=progress)
        console.print(f"{card.weights_path}: {card.parameters} parameters", markup=False, soft_wrap=True)
        return
    if seeds > 1:
        raise UsageError("--sweep trains one seed per candidate: leave --seeds away, or sweep with another --seed")
    _run_sweep(sweep_kind, config, data, run, validation, progress, console)


def _run_sweep(
    kind: str, config: Any, data: Path, run: Path, validation: Path | None, progress: bool, console: Console
) -> None:
    from imfuse.train.runs import validation_pairs
    from imfuse.train.sweep import sweep

    if kind not in config.sweeps:
        raise UsageError(f"unknown sweep {kind!r}: choose one of {', '.join(config.sweeps)}")
    if validation is None:
        raise DataError("a sweep is scored on validation pairs: give --validation FOLDER")
    sweep(kind, config, data, validation_pairs(validation), run, progress=progress)
    console.print((run / f"{kind}.md").read_text(encoding="utf-8"), markup=False)


def set_up(progress: bool) -> None:
    """Show what is trained; keep Lightning's notes on hardware and tips out of the way. Warnings stay.

    Raises:
        MissingExtraError: a library that trainings need is not installed.
    """
    try:
        import lightning  # noqa: F401
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("training", "train") from error
    # Of Lightning's own making, and of a folder that --resume goes on in.
    warnings.filterwarnings("ignore", "`isinstance\\(treespec", module="lightning")
    warnings.filterwarnings("ignore", "Checkpoint directory .* exists and is not empty", module="lightning")
    logging.basicConfig(format="%(message)s")
    logging.getLogger("imfuse").setLevel(logging.INFO if progress else logging.WARNING)
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)

"""From a trained network to weights with a card."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imfuse.registry import ModelCard, file_hash, write_card

if TYPE_CHECKING:
    from imfuse.networks.protocol import FusionNetwork

LICENCE = "Apache-2.0 for the weights as far as their training data allow: research use"


def current_commit() -> str:
    """The commit of the code in use, with ``+`` where it has changes; ``unknown`` outside a git checkout."""
    folder = Path(__file__).parent.parent
    try:
        # In another project's repository the package is not tracked, and this fails.
        _git(folder, "ls-files", "--error-unmatch", "__init__.py")
        commit = _git(folder, "rev-parse", "--short=12", "HEAD")
        return commit + ("+" if _git(folder, "status", "--porcelain", "--", "*.py") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def save_model(
    model: FusionNetwork,
    weights: Path,
    *,
    network: str,
    arguments: Mapping[str, Any],
    tasks: tuple[str, ...],
    paper: str,
    data: Mapping[str, str],
    recipe: Mapping[str, Any],
    selection: str,
    figures: Mapping[str, Any],
    inverse: str = "",
) -> ModelCard:
    """Write the weights as safetensors, and the card beside them.

    Args:
        model: the trained network.
        weights: path of the safetensors file; its stem is the model's name.
        network: its key in the registry.
        arguments: its constructor arguments.
        tasks: tasks that it serves.
        paper: reference.
        data: training data, name → origin and licence.
        recipe: settings of the training.
        selection: how this run was chosen.
        figures: measured figures.
        inverse: stem of the weights beside it that give the sources back.
    """
    from safetensors.torch import save

    weights.write_bytes(save({name: value.contiguous() for name, value in model.state_dict().items()}))
    card = ModelCard(
        name=weights.stem,
        network=network,
        arguments=arguments,
        tasks=tasks,
        paper=paper,
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        licence=LICENCE,
        data=data,
        recipe=recipe,
        commit=current_commit(),
        selection=selection,
        figures=figures,
        sha256=file_hash(weights),
        inverse=inverse,
        path=weights.with_suffix(".json"),
    )
    write_card(card, weights.with_suffix(".json"))
    return card

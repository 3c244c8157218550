"""Trainings that start from the weights of another one."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from imfuse.errors import UsageError
from imfuse.registry import load_network, read_card


def take_weights(network: nn.Module, file: str) -> None:
    """Give a network the weights of a model.

    Args:
        network: of the same parameters.
        file: its ``.safetensors``, with its card beside it.

    Raises:
        UsageError: the model has other parameters.
        WeightsError: it cannot be read.
    """
    path = Path(file)
    state = load_network(read_card(path.with_suffix(".json"))).state_dict()
    own = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    given = {name: tuple(value.shape) for name, value in state.items()}
    if own != given:
        differing = sorted(name for name in own.keys() | given.keys() if own.get(name) != given.get(name))
        raise UsageError(
            f"{path}: cannot be started from, its parameters are not those of this recipe ({', '.join(differing[:3])}"
            f"{', …' if len(differing) > 3 else ''}); train with its settings, or choose another --start"
        )
    network.load_state_dict(state)


def start_words(file: str) -> str:
    """The weights that a training started from, for a card, without where they lay; empty without any."""
    if not file:
        return ""
    card = read_card(Path(file).with_suffix(".json"))
    return f"{card.name}, SHA-256 {card.sha256[:12]}"

"""Trainings that start from the weights of another one."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from imfuse.errors import UsageError
from imfuse.networks.csc_mefn import CSCMEFN
from imfuse.registry import ModelCard, load_network, read_card


def take_weights(network: nn.Module, file: str) -> None:
    """Give a network the weights of a model.

    Args:
        network: of the same parameters.
        file: its ``.safetensors``, with its card beside it.

    Raises:
        UsageError: the model has other parameters.
        WeightsError: it cannot be read.
    """
    state = _given(file)
    _check(network, state, file)
    network.load_state_dict(state)


def take_filters(network: CSCMEFN, file: str) -> None:
    """Give CSC-MEFN the weights of one with as many filters or fewer.

    The filters beyond those are fresh in what they analyse, and count for nothing as yet in the dictionaries and in the
    head: so the network gives the pictures of the other one, and learns from there.

    Args:
        network: fresh.
        file: the ``.safetensors`` of the other one, with its card beside it.

    Raises:
        UsageError: the model has more filters, or is otherwise another network.
        WeightsError: it cannot be read.
    """
    given = _given(file)
    grown = {}
    for name, fresh in network.state_dict().items():
        old = given.get(name)
        if old is None or old.ndim != fresh.ndim or old.shape[2:] != fresh.shape[2:]:
            break
        if any(one > other for one, other in zip(old.shape, fresh.shape, strict=True)):
            break
        grown[name] = torch.zeros_like(fresh) if name.endswith(("conv0.weight", "head.weight")) else fresh.clone()
        grown[name][tuple(slice(length) for length in old.shape)] = old
    _check(network, grown if grown.keys() == given.keys() else given, file)
    network.load_state_dict(grown)


def _card(file: str) -> ModelCard:
    if not Path(file).is_file():
        raise UsageError(f"{file}: no such file; give the .safetensors of a model to start from")
    return read_card(Path(file).with_suffix(".json"))


def _given(file: str) -> dict[str, Tensor]:
    return load_network(_card(file)).state_dict()


def _check(network: nn.Module, state: Mapping[str, Tensor], file: str) -> None:
    """Refuse weights that are not those of this network.

    Raises:
        UsageError: names or shapes differ.
    """
    own = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    given = {name: tuple(value.shape) for name, value in state.items()}
    if own != given:
        differing = sorted(name for name in own.keys() | given.keys() if own.get(name) != given.get(name))
        some = ", ".join(differing[:3]) + (", …" if len(differing) > 3 else "")
        raise UsageError(
            f"{Path(file)}: cannot be started from, its parameters are not those of this recipe ({some}); train "
            "with its settings, or start from other weights"
        )


@cache
def network_of(file: str) -> str:
    """Which network the weights of a file are of.

    Raises:
        WeightsError: its card cannot be read.
    """
    return _card(file).network


def arguments_of(file: str) -> Mapping[str, Any]:
    """The constructor arguments of the network whose weights a file holds.

    Raises:
        WeightsError: its card cannot be read.
    """
    return _card(file).arguments


def start_words(file: str) -> str:
    """The weights that a training started from, for a card, without where they lay; empty without any."""
    if not file:
        return ""
    card = _card(file)
    return f"{card.name}, SHA-256 {card.sha256[:12]}"

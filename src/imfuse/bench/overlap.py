"""Whether a data set lies in what a model was trained on: such figures are marked, since they are no honest ones."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from importlib.resources import files

from imfuse.registry import ModelCard


def training_overlap(card: ModelCard | None, data_set: str) -> str | None:
    """What a data set shares with the training data that a card names, in words; None if nothing is known.

    Args:
        card: of the model; None for pictures that came from elsewhere.
        data_set: name of the data set that is measured. Only names are compared: pictures that lie in a set of
            another name are found only where ``published/overlaps.toml`` says so.
    """
    if card is None:
        return None
    for trained_on, words in card.data.items():
        if trained_on == data_set:
            return f"{card.name} was trained on it"
        shared = _overlaps().get(data_set, {}).get(trained_on)
        if shared is not None and data_set not in without(words):
            return f"{shared} lie in {trained_on}, on which {card.name} was trained"
    return None


def without(words: str) -> list[str]:
    """The data sets whose scenes were left out of a training, as its card says: ``…; without the scenes of A, B``."""
    _, said, names = words.partition("without the scenes of ")
    return names.partition(";")[0].split(", ") if said else []


@lru_cache(maxsize=1)
def _overlaps() -> dict[str, dict[str, str]]:
    text = (files("imfuse.bench") / "published" / "overlaps.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)

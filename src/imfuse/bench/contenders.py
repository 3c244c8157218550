"""What is compared: learned models, classical methods, and pictures that other programs made."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from imfuse.data.pairs import pictures_by_stem
from imfuse.data.sets import DataSet
from imfuse.errors import UsageError
from imfuse.registry import ModelCard, find_card, list_models

Kind = Literal["learned", "classical", "pictures"]
GROUPS: dict[str, Kind | None] = {"all": None, "learned": "learned", "classical": "classical"}
"""Names that stand for several models → their kind; None for all."""

MODES: dict[str, dict[str, bool]] = {
    "fast": {"fast": True},
    "stretch": {"stretch": True},
    "no-stretch": {"stretch": False},
}
"""How a model for brackets may be told to work, behind its name and a ``+`` → fields of :class:`Contender`."""

_MODES_OF = "exposure"
_FOLDER_NAME = re.compile(r'[^.\s/\\:*?"<>|][^/\\:*?"<>|]{0,80}')


@dataclass(frozen=True)
class Contender:
    """One column of the comparison.

    Attributes:
        name: what tables call it; unique within a benchmark.
        card: of a model or method of imfuse; None for pictures of another program.
        reference: by what ``imfuse.load`` finds the model.
        folder: of the other program's pictures.
        fast: whether the model works in its fast mode.
        stretch: whether results of brackets are stretched; None as the model has it.
    """

    name: str
    card: ModelCard | None = None
    reference: str = ""
    folder: Path | None = None
    fast: bool = False
    stretch: bool | None = None

    @property
    def kind(self) -> Kind:
        """``learned``, ``classical``, or ``pictures`` made by another program."""
        if self.card is None:
            return "pictures"
        return "learned" if self.card.learned else "classical"

    @property
    def modes(self) -> dict[str, bool]:
        """How it is told to work, where that is not as the model has it."""
        asked = {"fast": self.fast or None, "stretch": self.stretch}
        return {name: value for name, value in asked.items() if value is not None}

    def serves(self, data_set: DataSet) -> bool:
        """Whether it can give pictures for a data set."""
        if self.card is not None:
            return data_set.task in self.card.tasks and (not self.modes or data_set.task == _MODES_OF)
        given = self.pictures(data_set)
        return any(scene.name in given for scene in data_set.scenes)

    def pictures(self, data_set: DataSet) -> dict[str, Path]:
        """The other program's pictures of a data set by stem: those in ``FOLDER/SET``, or else those in ``FOLDER``."""
        if self.folder is None:
            return {}
        own = self.folder / data_set.name
        return pictures_by_stem(own if own.is_dir() else self.folder)


def check_name(name: str, what: str) -> str:
    """Refuse a name that cannot be that of a folder on every system.

    Raises:
        UsageError: it cannot.
    """
    if not _FOLDER_NAME.fullmatch(name) or not name.isprintable() or name != name.rstrip(". "):
        raise UsageError(
            f"{what} {name!r}: its pictures go into a folder of that name; take letters, digits and . + - _ alone"
        )
    return name


def find_contenders(models: Sequence[str], fused: Sequence[str], tasks: Iterable[str]) -> tuple[Contender, ...]:
    """Models and folders of pictures by what the user calls them.

    Args:
        models: names, paths of ``.safetensors`` files, ``NAME=PATH`` to call one otherwise, or ``all``, ``learned`` and
            ``classical`` for all built-in ones of the tasks. Behind a name or path may stand how the model fuses
            brackets, see :data:`MODES`: ``csc-mefn+fast+no-stretch``.
        fused: ``NAME=FOLDER`` each.
        tasks: names of tasks.

    Raises:
        UsageError: an unknown model, two contenders of one name, or a name that is none.
        WeightsError: a model's card is missing or damaged.
    """
    found: dict[str, Contender] = {}
    for word in models:
        for contender in _named(word, tuple(tasks)):
            before = found.setdefault(contender.name, contender)
            if (before.reference, before.modes) != (contender.reference, contender.modes):
                raise UsageError(
                    f"two models are called {contender.name!r}: {before.reference} and {contender.reference}; call "
                    f"one of them otherwise: NAME={contender.reference}"
                )
    for word in fused:
        contender = _folder(word)
        if contender.name in found:
            raise UsageError(f"--fused {word}: {contender.name!r} is taken; give these pictures another name")
        found[contender.name] = contender
    if not found:
        raise UsageError("nothing to compare: give --models (all, for all built-in ones) or --fused NAME=FOLDER")
    return tuple(found.values())


def _named(word: str, tasks: Sequence[str]) -> list[Contender]:
    if word in GROUPS:
        kind = GROUPS[word]
        cards = [
            card
            for card in list_models()
            if any(task in card.tasks for task in tasks) and kind in (None, "learned" if card.learned else "classical")
        ]
        if not cards:
            kinds = f"{kind} models" if kind else "models"
            raise UsageError(f"there are no {kinds} for {', '.join(tasks)} yet; imfuse models shows which there are")
        return [Contender(card.name, card, card.name) for card in cards]
    name, equals, path = word.partition("=")
    given = path if equals else word
    reference, modes = _told(given)
    card = find_card(reference)
    written = name if equals else card.name + given.removeprefix(reference)
    if modes and not (_MODES_OF in tasks and _MODES_OF in card.tasks):
        raise UsageError(
            f"model {given!r}: {', '.join(MODES)} are for models and data sets of task {_MODES_OF!r} alone"
        )
    fast, stretch = modes.get("fast", False), modes.get("stretch")
    return [Contender(check_name(written, "model"), card, reference, fast=fast, stretch=stretch)]


def _told(word: str) -> tuple[str, dict[str, bool]]:
    """A model's name or path without the modes behind it, and what these say."""
    modes: dict[str, bool] = {}
    while (parts := word.rpartition("+"))[1] and parts[2] in MODES:
        word, modes = parts[0], MODES[parts[2]] | modes
    return word, modes


def _folder(word: str) -> Contender:
    name, equals, path = word.partition("=")
    if not equals or not path:
        raise UsageError(f"--fused {word}: give a name and the folder of the pictures, NAME=FOLDER")
    folder = Path(path)
    if not folder.is_dir():
        raise UsageError(f"--fused {word}: {folder} is not a folder")
    return Contender(check_name(name, "--fused"), folder=folder)

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

_FOLDER_NAME = re.compile(r'[^.\s/\\:*?"<>|][^/\\:*?"<>|]{0,80}')


@dataclass(frozen=True)
class Contender:
    """One column of the comparison.

    Attributes:
        name: what tables call it; unique within a benchmark.
        card: of a model or method of imfuse; None for pictures of another program.
        reference: by what ``imfuse.load`` finds the model.
        folder: of the other program's pictures.
    """

    name: str
    card: ModelCard | None = None
    reference: str = ""
    folder: Path | None = None

    @property
    def kind(self) -> Kind:
        """``learned``, ``classical``, or ``pictures`` made by another program."""
        if self.card is None:
            return "pictures"
        return "learned" if self.card.learned else "classical"

    def serves(self, data_set: DataSet) -> bool:
        """Whether it can give pictures for a data set."""
        if self.card is not None:
            return data_set.task in self.card.tasks
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
            ``classical`` for all built-in ones of the tasks.
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
            if before.reference != contender.reference:
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
    card = find_card(path if equals else word)
    return [Contender(check_name(name if equals else card.name, "model"), card, path if equals else word)]


def _folder(word: str) -> Contender:
    name, equals, path = word.partition("=")
    if not equals or not path:
        raise UsageError(f"--fused {word}: give a name and the folder of the pictures, NAME=FOLDER")
    folder = Path(path)
    if not folder.is_dir():
        raise UsageError(f"--fused {word}: {folder} is not a folder")
    return Contender(check_name(name, "--fused"), folder=folder)

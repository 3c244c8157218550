"""Model cards: what a trained model is, or a method without weights, and how its network is built.

A card of a trained model is a JSON file beside a safetensors file of the same stem. Reading cards needs no torch.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal

from imfuse.errors import WeightsError

ModelKind = Literal["learned", "classical"]

MODEL_NAME = re.compile(r"[\w][\w.+-]{0,80}")
"""What a model may be called."""


@dataclass(frozen=True)
class ModelCard:
    """What there is to know of a trained model, or of a classical method, whose last entries are empty.

    Attributes:
        name: the name that users choose it by.
        network: key of :data:`NETWORKS`.
        arguments: constructor arguments of the network.
        tasks: names of the tasks that it serves.
        paper: full reference.
        parameters: number of learned parameters.
        licence: licence of the weights, or of a classical method's code.
        data: training data, name → words on origin and licence.
        recipe: settings of the training, seed included.
        commit: commit of the code that trained it.
        selection: the criterion by which this run was chosen, on which data.
        figures: measured figures, each with its data and the metrics' definitions.
        sha256: of the weights file; empty for a classical method, which has none.
        inverse: stem of the weights beside it that give the sources back from a fused picture; empty without.
        path: where the card was read from; not part of the file.
    """

    name: str
    network: str
    arguments: Mapping[str, Any]
    tasks: tuple[str, ...]
    paper: str
    parameters: int
    licence: str
    data: Mapping[str, str]
    recipe: Mapping[str, Any]
    commit: str
    selection: str
    figures: Mapping[str, Any]
    sha256: str
    inverse: str = ""
    path: Path | None = field(default=None, compare=False)

    @property
    def learned(self) -> bool:
        """Whether it is a trained model; a classical method is not."""
        return bool(self.sha256)

    @property
    def weights_path(self) -> Path:
        """The safetensors file beside the card."""
        if self.path is None:
            raise WeightsError(f"model card {self.name!r} was not read from a file and has no weights")
        return self.path.with_suffix(".safetensors")


def read_card(path: Path) -> ModelCard:
    """Read a card from its JSON file.

    Raises:
        WeightsError: missing, damaged or incomplete.
    """
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        optional = {"path", "inverse"}
        names = {f.name for f in fields(ModelCard)} - optional
        given = {name: entries[name] for name in names}
        card = ModelCard(**given, inverse=entries.get("inverse", ""), path=path)
        _check_card(card)
        return replace(card, tasks=tuple(card.tasks))
    except FileNotFoundError:
        raise WeightsError(f"{path}: no such model card; it belongs beside the weights, with the same stem") from None
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise WeightsError(f"{path}: not a model card ({type(error).__name__}: {error})") from error


def _check_card(card: ModelCard) -> None:
    """Refuse values that are not of their kind: cards also come from strangers.

    Raises:
        ValueError: the name of the value.
    """
    text = (card.name, card.network, card.paper, card.licence, card.commit, card.selection, card.sha256)
    if not all(isinstance(value, str) and value.isprintable() for value in text):
        raise ValueError("a text is missing or not printable")
    if card.inverse != "" and not (isinstance(card.inverse, str) and MODEL_NAME.fullmatch(card.inverse)):
        raise ValueError(f"inverse {card.inverse!r}")
    if not MODEL_NAME.fullmatch(card.name):
        raise ValueError(f"name {card.name!r}")
    if not re.fullmatch(r"[0-9a-f]{64}", card.sha256):
        raise ValueError("sha256")
    if not isinstance(card.tasks, list) or not card.tasks or not all(isinstance(task, str) for task in card.tasks):
        raise ValueError("tasks")
    for name in ("arguments", "data", "recipe", "figures"):
        if not isinstance(getattr(card, name), dict):
            raise ValueError(name)


def write_card(card: ModelCard, path: Path) -> None:
    """Write a card as JSON."""
    left_out = {"path"} if card.inverse else {"path", "inverse"}
    entries = {name: value for name, value in asdict(card).items() if name not in left_out}
    path.write_text(json.dumps(entries, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

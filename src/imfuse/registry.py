"""Model cards: what a trained model is, where its weights lie, and how its network is built from them.

A card is a JSON file beside a safetensors file of the same stem. Reading cards needs no torch.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from imfuse.errors import UsageError, WeightsError

if TYPE_CHECKING:
    from imfuse.networks.protocol import FusionNetwork

WEIGHTS_FOLDER = Path(__file__).parent / "weights"

NETWORKS: dict[str, str] = {
    "auif": "imfuse.networks.auif:AUIF",
    "csc_ivfn": "imfuse.networks.csc_ivfn:CSCIVFN",
    "ifcnn": "imfuse.networks.ifcnn:IFCNN",
}
"""Network names of cards → module and class."""

ModelKind = Literal["learned", "classical"]


@dataclass(frozen=True)
class ModelCard:
    """What there is to know of a trained model.

    Attributes:
        name: the name that users choose it by.
        network: key of :data:`NETWORKS`.
        arguments: constructor arguments of the network.
        tasks: names of the tasks that it serves.
        paper: full reference.
        parameters: number of learned parameters.
        licence: licence of the weights.
        data: training data, name → words on origin and licence.
        recipe: settings of the training, seed included.
        commit: commit of the code that trained it.
        selection: the criterion by which this run was chosen, on which data.
        figures: measured figures, each with its data and the metrics' definitions.
        sha256: of the weights file; empty for a classical method, which has none.
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


CLASSICAL: tuple[ModelCard, ...] = ()
"""Methods without weights."""


def read_card(path: Path) -> ModelCard:
    """Read a card from its JSON file.

    Raises:
        WeightsError: missing, damaged or incomplete.
    """
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        names = {f.name for f in fields(ModelCard)} - {"path"}
        card = ModelCard(**{name: entries[name] for name in names}, path=path)
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
    if not re.fullmatch(r"[\w][\w.+-]{0,80}", card.name):
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
    entries = {name: value for name, value in asdict(card).items() if name != "path"}
    path.write_text(json.dumps(entries, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def list_models(task: str | None = None, kind: ModelKind | None = None) -> list[ModelCard]:
    """The built-in models by name, trained ones first.

    Args:
        task: only those that serve this task.
        kind: only those with weights in the package (``learned``), or only methods without weights (``classical``).
    """
    cards = [read_card(path) for path in sorted(WEIGHTS_FOLDER.glob("*.json"))] if kind != "classical" else []
    cards += CLASSICAL if kind != "learned" else ()
    return [card for card in cards if task is None or task in card.tasks]


def find_card(name_or_path: str | Path) -> ModelCard:
    """The card of a built-in model or method, or of a ``.safetensors`` or ``.json`` file.

    Raises:
        UsageError: no built-in model has this name.
        WeightsError: the file's card is missing or damaged.
    """
    path = Path(str(name_or_path))
    if path.suffix in {".safetensors", ".json"}:
        return read_card(path.with_suffix(".json"))
    cards = {card.name: card for card in list_models()}
    if str(name_or_path) in cards:
        return cards[str(name_or_path)]
    names = ", ".join(cards)
    raise UsageError(f"unknown model {str(name_or_path)!r}: choose one of {names}, or give a .safetensors file")


def file_hash(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def build_network(network: str, arguments: Mapping[str, Any]) -> FusionNetwork:
    """A network with fresh parameters.

    Raises:
        WeightsError: the network's name or an argument is unknown.
    """
    try:
        module, _, name = NETWORKS[network].partition(":")
        built: FusionNetwork = getattr(import_module(module), name)(**arguments)
    except (KeyError, TypeError, ValueError, RuntimeError, UsageError) as error:
        reason = str(error).splitlines()[0][:120]
        raise WeightsError(f"cannot build the network {network!r} with the card's arguments ({reason})") from error
    return built


def load_network(card: ModelCard) -> FusionNetwork:
    """The card's network with its weights, if it has any, in evaluation mode.

    Raises:
        WeightsError: the weights are missing, damaged, or not the card's.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if not card.learned:
        return build_network(card.network, card.arguments).eval()
    path = card.weights_path
    try:
        network = build_network(card.network, card.arguments)
        if file_hash(path) != card.sha256:
            raise WeightsError(f"{path}: not the weights that its card describes (SHA-256 differs); get both again")
        state = load_file(path)
        if not all(bool(value.isfinite().all()) for value in state.values()):
            raise WeightsError(f"{path}: holds values that are not numbers; train it again or get it again")
        network.load_state_dict(state)
    except FileNotFoundError:
        raise WeightsError(f"{path}: no such weights file; it belongs beside its card") from None
    except WeightsError as error:
        raise error if str(path) in str(error) else WeightsError(f"{path}: {error}") from error
    except (OSError, SafetensorError, RuntimeError) as error:
        reason = str(error).splitlines()[0][:120]
        raise WeightsError(f"{path}: cannot be loaded into {card.network} ({reason})") from error
    return network.eval().requires_grad_(False)

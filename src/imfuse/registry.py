"""The models that there are: trained ones with their weights in the package, and methods without weights."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from imfuse.classical.cards import CARDS
from imfuse.classical.spectral.cards import SPECTRAL, SPECTRAL_NETWORKS
from imfuse.errors import UsageError, WeightsError
from imfuse.model_card import ModelCard, ModelKind, read_card, write_card

if TYPE_CHECKING:
    from imfuse.networks.protocol import FusionNetwork

__all__ = [
    "CLASSICAL",
    "NETWORKS",
    "WEIGHTS_FOLDER",
    "ModelCard",
    "ModelKind",
    "build_network",
    "file_hash",
    "find_card",
    "list_models",
    "load_network",
    "read_card",
    "write_card",
]

WEIGHTS_FOLDER = Path(__file__).parent / "weights"

NETWORKS: dict[str, str] = {
    "auif": "imfuse.networks.auif:AUIF",
    "csc_ivfn": "imfuse.networks.csc_ivfn:CSCIVFN",
    "csc_mefn": "imfuse.networks.csc_mefn:CSCMEFN",
    "csc_mmfn": "imfuse.networks.csc_mmfn:CSCMMFN",
    "ifcnn": "imfuse.networks.ifcnn:IFCNN",
    "fnet": "imfuse.networks.fnet:FNet",
    "fnet_inverse": "imfuse.networks.ifnet:InvertibleFNet",
    "average": "imfuse.classical.average:AverageFusion",
    "maximum": "imfuse.classical.maximum:MaximumFusion",
    "pca": "imfuse.classical.pca:PCAFusion",
    "laplacian_pyramid": "imfuse.classical.laplacian_pyramid:LaplacianPyramidFusion",
    "guided_filter": "imfuse.classical.guided_filter:GuidedFilterFusion",
    "two_scale_saliency": "imfuse.classical.two_scale_saliency:TwoScaleSaliencyFusion",
    "adf": "imfuse.classical.adf:ADF",
    "exposure_fusion": "imfuse.classical.exposure_fusion:ExposureFusion",
    **SPECTRAL_NETWORKS,
}
"""Network names of cards → module and class."""

CLASSICAL: tuple[ModelCard, ...] = (*CARDS, *SPECTRAL)
"""Methods without weights."""


def list_models(task: str | None = None, kind: ModelKind | None = None) -> list[ModelCard]:
    """The built-in models by name, trained ones first.

    Args:
        task: only those that serve this task.
        kind: only those with weights in the package (``learned``), or only methods without weights (``classical``).

    Raises:
        UsageError: no model serves a task of this name, or there is no such kind.
    """
    shipped = [read_card(path) for path in sorted(WEIGHTS_FOLDER.glob("*.json"))]
    beside = {card.inverse for card in shipped}  # parts of other models
    cards = [*(card for card in shipped if card.name not in beside), *CLASSICAL]
    tasks = dict.fromkeys(name for card in cards for name in card.tasks)
    for given, known in ((task, tasks), (kind, get_args(ModelKind))):
        if given is not None and given not in known:
            raise UsageError(f"no models for {given!r}: choose one of {', '.join(known)}")
    return [
        card
        for card in cards
        if (task is None or task in card.tasks) and (kind is None or card.learned == (kind == "learned"))
    ]


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
    parts = {path.stem: path for path in WEIGHTS_FOLDER.glob("*.json")}  # those of other models among them
    if str(name_or_path) in parts:
        return read_card(parts[str(name_or_path)])
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

    Where the card names an inverse and that lies beside it, the network has it, too.

    Raises:
        WeightsError: the weights are missing, damaged, or not the card's.
    """
    if not card.learned:
        return build_network(card.network, card.arguments).eval()
    network = _load_weights(card)
    beside = card.weights_path.with_name(f"{card.inverse}.json")
    if card.inverse and beside.is_file():
        try:
            network.take_inverse(_load_weights(read_card(beside)))
        except UsageError as error:
            raise WeightsError(f"{card.weights_path}: {error}") from error
    return network


def _load_weights(card: ModelCard) -> FusionNetwork:
    """A trained network as it is in the files of its card."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

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

"""From published checkpoints to weights with a card."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from imfuse import __version__
from imfuse.convert.auif import AUIF_RELEASED
from imfuse.convert.checkpoints import Checkpoint, State, read_checkpoint
from imfuse.convert.fnet import FNET_RELEASED
from imfuse.convert.ifcnn import IFCNN_RELEASED
from imfuse.convert.released import Released, Translation
from imfuse.errors import OutputError, UsageError, WeightsError
from imfuse.io.atomic import atomic_path, check_output
from imfuse.io.naming import shown
from imfuse.model_card import MODEL_NAME, ModelCard, write_card
from imfuse.registry import build_network, file_hash

RELEASED: tuple[Released, ...] = (IFCNN_RELEASED, AUIF_RELEASED, FNET_RELEASED)
"""The published models that can be converted."""

LICENCE = "published by its authors, whom the weights belong to; not part of imfuse, and not under its licence"


@dataclass(frozen=True)
class Conversion:
    """What was converted.

    Attributes:
        released: which published model it is.
        card: of the weights, where they lie now.
        notes: what was decided and is not in the files.
    """

    released: Released
    card: ModelCard
    notes: tuple[str, ...]


def convert_checkpoint(
    files: Sequence[str | Path], output: str | Path, *, rule: str | None = None, overwrite: bool = False
) -> Conversion:
    """Convert a checkpoint that the authors of a paper published, so that imfuse fuses with it.

    What it is, is known by its entries and their shapes, not by the names of the files. They are read as tensors
    alone: nothing in them is run.

    Args:
        files: all files of one model, in any order: one of IFCNN or FNet, three of AUIF.
        output: the ``.safetensors`` file; its stem becomes the model's name, and the card goes beside it (``.json``).
        rule: the fusion rule of the model; by default its authors', which IFCNN's files tell by their names alone.
        overwrite: replace an output that exists.

    Returns:
        The card, whose ``weights_path`` :func:`imfuse.load` takes, and notes on what was decided.

    Raises:
        WeightsError: a file cannot be read, is none that is known, is missing, or has other shapes.
        UsageError: the output is no ``.safetensors`` file, or the model takes no such rule.
        OutputError: the output exists, or cannot be written.

    Example:
        >>> from imfuse.convert import convert_checkpoint
        >>> convert_checkpoint(["IFCNN-MAX.pth"], "ifcnn-max-published.safetensors")  # doctest: +SKIP
        >>> imfuse.load("ifcnn-max-published.safetensors", task="focus")  # doctest: +SKIP
    """
    target = _checked_output(Path(output), [Path(file) for file in files], overwrite)
    checkpoints = [read_checkpoint(Path(file)) for file in files]
    released, ordered = _recognised(checkpoints)
    translation = released.translate(ordered, rule)
    state = _checked_state(released, translation, ordered)
    card = _write(released, translation, state, ordered, target, overwrite)
    return Conversion(released, card, translation.notes)


def _checked_output(output: Path, files: Sequence[Path], overwrite: bool) -> Path:
    """The output, refused before anything is read where it cannot be made."""
    if output.suffix != ".safetensors":
        raise UsageError(f"{shown(output)}: give the name of a .safetensors file")
    if not MODEL_NAME.fullmatch(output.stem):
        raise UsageError(
            f"{shown(output)}: its stem becomes the model's name: letters, digits and . _ + - alone, 81 at most"
        )
    for path in (output, output.with_suffix(".json")):
        check_output(path, overwrite)
        if any(path.exists() and file.exists() and path.samefile(file) for file in files):
            raise OutputError(f"{shown(path)}: is one of the files to convert; choose another name")
    return output


def _recognised(checkpoints: Sequence[Checkpoint]) -> tuple[Released, list[Checkpoint]]:
    """The published model that the files are, and the files in the order of its parts.

    Raises:
        WeightsError: none is known, they are of several, or one is missing or there twice.
    """
    if not checkpoints:
        raise UsageError("give the files of a published checkpoint")
    found: dict[int, Checkpoint] = {}
    model, first = _part_of(checkpoints[0])[0], checkpoints[0]
    for checkpoint in checkpoints:
        released, index = _part_of(checkpoint)
        if released is not model:
            raise WeightsError(
                f"{shown(first.path)} is of {model.name} and {shown(checkpoint.path)} of {released.name}: give the "
                "files of one model"
            )
        if index in found:
            raise WeightsError(
                f"{shown(found[index].path)} and {shown(checkpoint.path)} both hold {model.parts[index].name} of "
                f"{model.name}: give one of them"
            )
        found[index] = checkpoint
    missing = [part.name for index, part in enumerate(model.parts) if index not in found]
    if missing:
        raise WeightsError(f"{shown(first.path)}: {model.name} needs {' and '.join(missing)} too; give all its files")
    return model, [found[index] for index in range(len(model.parts))]


def _part_of(checkpoint: Checkpoint) -> tuple[Released, int]:
    for released in RELEASED:
        for index, part in enumerate(released.parts):
            if part.known_in(checkpoint.state):
                return released, index
    names = ", ".join(list(checkpoint.state)[:3])[:100]
    known = "; ".join(f"{released.name}: {', '.join(part.name for part in released.parts)}" for released in RELEASED)
    raise WeightsError(
        f"{shown(checkpoint.path)}: no checkpoint that imfuse knows (its entries: {names} …); known are {known}"
    )


def _checked_state(released: Released, translation: Translation, files: Sequence[Checkpoint]) -> State:
    """The entries of the network, each of its shape.

    Raises:
        WeightsError: entries are missing, unknown, or of other shapes.
    """
    where = " and ".join(shown(file.path) for file in files)
    expected: dict[str, Tensor] = build_network(released.network, translation.arguments).state_dict()
    # Older versions of PyTorch did not count batches, and inference does not need it.
    counters = {name: value for name, value in expected.items() if name.endswith("num_batches_tracked")}
    state = counters | translation.state
    for words, names in (("lacks", expected.keys() - state.keys()), ("has beyond it", state.keys() - expected.keys())):
        if names:
            raise WeightsError(f"{where}: not {released.name} as published: {words} {', '.join(sorted(names)[:3])}")
    for name, value in expected.items():
        if state[name].shape != value.shape:
            raise WeightsError(
                f"{where}: not {released.name} as published: {name} is {tuple(state[name].shape)} and should be "
                f"{tuple(value.shape)}"
            )
    return {name: state[name].to(value.dtype) for name, value in expected.items()}


def _write(
    released: Released,
    translation: Translation,
    state: State,
    files: Sequence[Checkpoint],
    output: Path,
    overwrite: bool,
) -> ModelCard:
    from safetensors.torch import save

    network = build_network(released.network, translation.arguments)
    card_path = output.with_suffix(".json")
    with atomic_path(output, overwrite) as weights, atomic_path(card_path, overwrite) as beside:
        weights.write_bytes(save({name: value.contiguous() for name, value in state.items()}))
        card = ModelCard(
            name=output.stem,
            network=released.network,
            arguments=translation.arguments,
            tasks=translation.tasks,
            paper=released.paper,
            parameters=sum(parameter.numel() for parameter in network.parameters()),
            licence=LICENCE,
            data={"as published": "see the paper; as published by its authors"},
            recipe={
                "converted": {file.path.name.encode(errors="replace").decode(): file.sha256 for file in files},
                "converter": f"imfuse {__version__}",
            },
            commit="published",
            selection="by its authors",
            figures={},
            sha256=file_hash(weights),
            path=card_path,
        )
        write_card(card, beside)
    return card

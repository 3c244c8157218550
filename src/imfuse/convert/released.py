"""What a converter says of a published model: by what its files are known, and what becomes of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from imfuse.convert.checkpoints import Checkpoint, State
from imfuse.errors import WeightsError
from imfuse.io.naming import shown

MOST_FILTERS = 1024


@dataclass(frozen=True)
class Part:
    """One file of a published model.

    Attributes:
        name: what it is, and what its authors call the file.
        marks: entries by which it is known, whatever the file is called.
    """

    name: str
    marks: frozenset[str]

    def known_in(self, state: State) -> bool:
        """Whether a checkpoint is this file."""
        return self.marks <= state.keys()


@dataclass(frozen=True)
class Translation:
    """A published model in imfuse's terms.

    Attributes:
        arguments: constructor arguments of the network.
        state: its tensors under the network's names; counters of batches may be left out.
        tasks: names of the tasks that it serves, its own first.
        notes: what was decided on the way and is not in the files.
    """

    arguments: Mapping[str, Any]
    state: State
    tasks: tuple[str, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Released:
    """A published model that can be converted.

    Attributes:
        name: what it is called.
        network: key of :data:`imfuse.registry.NETWORKS`.
        paper: reference.
        parts: its files, all of which are needed.
        translate: from the files, in the order of ``parts``, and the rule asked for, if any.
    """

    name: str
    network: str
    paper: str
    parts: tuple[Part, ...]
    translate: Callable[[Sequence[Checkpoint], str | None], Translation]


def filters(file: Checkpoint, name: str, shape: tuple[int, ...]) -> int:
    """The number of kernels in an entry of the form (filters, *shape).

    Raises:
        WeightsError: it has another shape, or more kernels than any published network.
    """
    found = tuple(file.state[name].shape)
    if found[1:] != shape or not 1 <= found[0] <= MOST_FILTERS:
        wanted = ", ".join(["filters", *map(str, shape)])
        raise WeightsError(f"{shown(file.path)}: {name} is {found} and should be ({wanted}); give the authors' file")
    return found[0]

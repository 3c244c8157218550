"""What every network and every classical method has in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, Self, runtime_checkable

from torch import Tensor, nn

from imfuse.errors import UsageError

if TYPE_CHECKING:
    from imfuse.io.window import Window

Core = tuple[slice, slice]
"""Rows and columns of a window that are its own and not its halo."""

Kind = Literal["picture", "map", "signed", "weight"]


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that an algorithm saw on its way to the result.

    Attributes:
        image: (B, 1, H, W).
        kind: ``picture`` (black 0, white 1), ``weight`` (0…1), ``map`` (any values) or ``signed`` (any values, of
            which 0 is nothing).
        title: in words.
        row: whose part it is: a source's name, or ``fused``.
        column: which part; parts of one column are comparable.
    """

    image: Tensor
    kind: Kind
    title: str
    row: str
    column: str


class Survey(Protocol):
    """What a network needs to know of whole pictures, gathered window by window."""

    def merged(self, other: Self) -> Self:
        """The survey of both windows together."""


@runtime_checkable
class Placed(Protocol):
    """Windows of the sources of a scene that say where they lie."""

    @property
    def place(self) -> Window:
        """The rows and columns of the whole pictures that the windows, halo included, cover."""


def place_of(sources: Iterable[Tensor]) -> Window:
    """Where the windows of a scene lie, for a network that pieces whole pictures together in its survey.

    Raises:
        UsageError: they do not say.
    """
    if not isinstance(sources, Placed):
        raise UsageError("the windows do not say where in the picture they lie: give the whole pictures at once")
    return sources.place


class FusionNetwork(nn.Module, ABC):
    """A pure module that fuses the pictures of one scene: no files, no choice of device, no colour conversion.

    Where what it does at a pixel depends on the whole picture (``surveyed``), that dependence is gathered before, over
    windows that cover the picture, by :meth:`survey`, merged, and handed to :meth:`fuse`.
    """

    bytes_per_pixel: int
    """Working memory per pixel of a window, in bytes, at the peak of :meth:`fuse` and :meth:`survey`, of sources of
    the most channels that it takes, these themselves not counted; a test measures it."""

    bytes_per_pixel_per_source: int = 0
    """What every source adds to it, of a network that holds something of each: 4 for a list of lumas, 12 of RGB. One
    that folds its sources, one in memory at a time, adds nothing."""

    takes_colour: bool = False
    """Whether it wants the pictures of an exposure bracket in RGB; otherwise it gets their lumas."""

    alignment: int = 1
    """The first row and column of every window are multiples of this: pyramids thin out from there."""

    source_order: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    """For a task's name the names of its roles in the order in which the network wants the sources, where the order
    changes the result and the paper's is not the task's."""

    explain_bytes_per_pixel: int = 0
    """The same of :meth:`explain`."""

    @property
    @abstractmethod
    def halo(self) -> int:
        """How many pixels around a window its result depends on, beside the survey."""

    @property
    def rule_name(self) -> str | None:
        """Name of the fusion rule in use, or None where there is no choice."""
        return None

    @abstractmethod
    def fuse(self, sources: Iterable[Tensor], survey: Any = None) -> Tensor:
        """Fuse sources, each (B, C, H, W) in [0, 1], into (B, C, H, W). They are taken one after the other.

        Args:
            sources: windows of the pictures, or whole pictures; two or more, in the task's order or the network's
                (:attr:`source_order`). The Fuser's are read
                while the network goes through them, and again each time it does: so a network that keeps none of them
                takes no more memory for thirty than for two.
            survey: of the whole pictures; without it, the sources are taken for whole.
        """

    @property
    def surveyed(self) -> bool:
        """Whether :meth:`fuse` of windows needs a survey of the whole pictures."""
        return False

    def survey(self, sources: Iterable[Tensor], core: Core) -> Survey:
        """What :meth:`fuse` needs to know of these windows of the pictures; to be merged with that of the others.

        Args:
            sources: as for :meth:`fuse`.
            core: the rows and columns that count; the rest is halo.

        Returns:
            A survey, whose ``merged(other)`` is that of both windows.
        """
        raise NotImplementedError(f"{type(self).__name__} needs no survey")

    def explain(self, sources: Iterable[Tensor], names: Sequence[str], survey: Any = None) -> Mapping[str, Part]:
        """The parts that the algorithm saw, by name; ``names`` are those of the sources.

        Raises:
            UsageError: the network has no parts to show.
        """
        raise UsageError("this model has no parts to show; choose another for explain: --model auif or csc-ivfn")

    def part_names(self, names: Sequence[str]) -> list[str]:
        """Names of the parts that :meth:`explain` gives for sources of these names, without computing them."""
        raise UsageError("this model has no parts to show; choose another for explain: --model auif or csc-ivfn")

    def use_rule(self, name: str | None = None, *, base: str | None = None, detail: str | None = None) -> None:
        """Merge by the rule of this name from now on, or by one rule for base and one for detail maps.

        Args:
            name: for all maps.
            base: for base maps, before ``name``.
            detail: for detail maps, before ``name``.

        Raises:
            UsageError: the network's rule cannot be chosen, or it takes none of this name.
        """
        if (name, base, detail) != (None, None, None):
            raise UsageError("this model has no rule to choose; leave the rule out, or choose another model")

"""What every network and every classical method has in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, Self, runtime_checkable

from torch import Tensor, nn

from imfuse.errors import UsageError
from imfuse.ops.colour import luma
from imfuse.rules.passes import repeatable

if TYPE_CHECKING:
    from imfuse.io.window import Window

Core = tuple[slice, slice]
"""Rows and columns of a window that are its own and not its halo."""

Kind = Literal["picture", "map", "signed", "feature", "weight"]


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that an algorithm saw on its way to the result.

    Attributes:
        image: (B, 1, H, W).
        kind: ``picture`` (black 0, white 1), ``weight`` (0…1), ``map`` (any values), ``signed`` (any values, of
            which 0 is nothing) or ``feature`` (the same, on a scale of its own).
        title: in words.
        row: whose part it is: a source's name, or ``fused``.
        column: which part; parts of one column are comparable, but for features.
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

    stretches: bool = False
    """Whether the result of a bracket is stretched as the last step, unless the user says otherwise; see
    :mod:`imfuse.stretch`."""

    alignment: int = 1
    """The first row and column of every window are multiples of this: pyramids thin out from there."""

    source_order: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    """For a task's name the names of its roles in the order in which the network wants the sources, where the order
    changes the result and the paper's is not the task's."""

    explain_bytes_per_pixel: int = 0
    """The same of :meth:`explain`, where it takes more than :meth:`fuse` and :meth:`source_shares`."""

    explain_bytes_per_pixel_per_source: int = 16
    """What every source adds to it: its luma and its share in the result, and room to make them."""

    shares_bytes_per_pixel: int = 0
    """The same of :meth:`source_shares`, its result not counted; 0 for a network that has no shares to show."""

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

    @property
    def explain_surveyed(self) -> bool:
        """Whether :meth:`explain` of windows needs a survey of the whole pictures; by default as :meth:`fuse`."""
        return self.surveyed

    @property
    def explain_halo(self) -> int:
        """How many pixels around a window the parts of :meth:`explain` depend on; by default as the result."""
        return self.halo

    def check_shares(self) -> None:
        """Refuse to show shares where there are none, before anything is computed.

        Raises:
            UsageError: the network has no shares to show, or none as it is set.
        """
        if not self.shares_bytes_per_pixel:
            raise UsageError(
                "this model has no share of every source to show; choose another, such as --model guided-filter"
            )

    @property
    def shows_shares(self) -> bool:
        """Whether :meth:`check_shares` has nothing against it."""
        try:
            self.check_shares()
        except UsageError:
            return False
        return True

    def source_shares(self, sources: Iterable[Tensor], survey: Any = None) -> Tensor:
        """The share that each source has in the result at a pixel.

        A network that has shares sets :attr:`shares_bytes_per_pixel` and overrides this. The shares of a window depend
        on no more pixels around it than :meth:`fuse` does.

        Args:
            sources: as for :meth:`fuse`.
            survey: as for :meth:`fuse`.

        Returns:
            (B, N, H, W) of N sources in their order: not negative, and summing to 1 at every pixel. Sources that are
            equal there have equal shares.

        Raises:
            UsageError: the network has no shares to show, or none as it is set.
        """
        self.check_shares()
        raise NotImplementedError(f"{type(self).__name__} says what its shares cost and does not give them")

    def explain(self, sources: Iterable[Tensor], names: Sequence[str], survey: Any = None) -> Mapping[str, Part]:
        """The parts that the algorithm saw, by name; ``names`` are those of the sources.

        By default, of a network that has shares: every source, its share in the result, and the result.

        Raises:
            UsageError: the network has no parts to show.
        """
        ordered = self.part_names(names)  # which refuses
        parts = self.share_parts(sources, names, survey)
        return {name: parts[name] for name in ordered}

    def part_names(self, names: Sequence[str]) -> list[str]:
        """Names of the parts that :meth:`explain` gives for sources of these names, without computing them."""
        if not self.shows_shares:
            words = "this model has no parts to show; choose another for explain, such as --model auif or guided-filter"
            raise UsageError(words)
        return self.share_part_names(names)

    def share_parts(self, sources: Iterable[Tensor], names: Sequence[str], survey: Any = None) -> dict[str, Part]:
        """The parts that :meth:`share_part_names` names; of colour pictures, their lumas."""
        pictures = repeatable(sources)
        parts = {
            name: Part(luma(picture), "picture", f"{name}, as the network gets it", name, "picture")
            for name, picture in zip(names, pictures, strict=True)
        }
        if self.shows_shares:
            shares = self.source_shares(pictures, survey)
            for index, name in enumerate(names):
                share = shares[:, index : index + 1]
                parts[f"{name}_weight"] = Part(share, "weight", f"{name}: share in the result", name, "weight")
        parts["fused"] = Part(luma(self.fuse(pictures, survey)), "picture", "fused", "fused", "picture")
        return parts

    def share_part_names(self, names: Sequence[str]) -> list[str]:
        """For every source NAME ``NAME`` and, of a network that has shares, ``NAME_weight``; then ``fused``."""
        keys = ("", "_weight") if self.shows_shares else ("",)
        return [f"{name}{key}" for name in names for key in keys] + ["fused"]

    @property
    def remarks(self) -> list[str]:
        """What a report has to say of the way the network is set, in words."""
        return []

    def take_inverse(self, inverse: FusionNetwork) -> None:
        """Have a network at hand that gives the sources back, for :meth:`explain` to show.

        Raises:
            UsageError: this one takes none, or not that one.
        """
        raise UsageError("this model takes no network that gives its sources back")

    def use_fast(self, fast: bool = True) -> None:
        """Work in the fast mode from now on, or no longer.

        Raises:
            UsageError: the network has no fast mode.
        """
        if fast:
            raise UsageError("this model has no fast mode; leave --fast out, or choose csc-mefn")

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

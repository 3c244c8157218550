"""The fusion tasks: which sources they take, what becomes of colour, and which model serves by default."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from imfuse.errors import UsageError

ColourName = Literal["chroma of a role", "rgb", "weighted chroma", "bands as they are"]
"""The colour policies; what they do stands in :mod:`imfuse.colour_policies`. Bands are no colours: a task of bands has
none, see :mod:`imfuse.spectral`."""

LEAST = 2
"""A stack has this many pictures or more."""

FUNCTIONAL = ("ct", "pet", "spect")
"""What the first source of the medical task may be; as in FNet's paper its role is called functional all the same."""

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Role:
    """What one source is.

    Attributes:
        name: what messages call it.
        stretch: whether a source deeper than 8 bits that uses a small part of its range is stretched by default, as
            the raw counts of thermal cameras and of scanners need.
        also: what users may call it, too.
    """

    name: str
    stretch: bool = False
    also: tuple[str, ...] = ()


def by_role(given: Mapping[str, Value], roles: Sequence[Role]) -> dict[str, Value]:
    """What a user gave by role, under the roles' own names; unknown names stay."""
    names = {other: role.name for role in roles for other in role.also}
    return {names.get(name.lower(), name): value for name, value in given.items()}


@dataclass(frozen=True, slots=True)
class Task:
    """A kind of fusion: of sources that each have a role of their own, or of a stack of two or more pictures.

    Attributes:
        name: the name that users choose it by.
        summary: one line for help texts and tables.
        roles: the sources in the order in which they are given; empty for a stack.
        detail_role: index of the source whose depth and metadata the result takes.
        colour: the colour policy.
        chroma_role: index of the source whose chroma the result takes, where the policy is ``chroma of a role``.
        default_model: name of a model card; of a task of bands that of the method for any bands, since a trained one is
            for some alone (:func:`imfuse.spectral.choice.default_model`).
        keeps_light: whether a result that is much darker than the source that carries the detail is told.
        by_exposure: whether its pictures differ in exposure: they have an order, from dark to bright
            (:mod:`imfuse.exposures`), and results may be stretched (:mod:`imfuse.stretch`).
    """

    name: str
    summary: str
    roles: tuple[Role, ...]
    detail_role: int
    colour: ColourName
    default_model: str
    chroma_role: int = 0
    keeps_light: bool = False
    by_exposure: bool = False

    @property
    def is_stack(self) -> bool:
        """Whether it takes any number of pictures that are of one kind and share one scale."""
        return not self.roles

    @property
    def of_bands(self) -> bool:
        """Whether it takes files of bands, and not pictures."""
        return self.colour == "bands as they are"

    @property
    def takes(self) -> str:
        """What it takes, in words: the names of its roles, or pictures of a stack."""
        return " and ".join(role.name for role in self.roles) or f"a stack of {LEAST} or more pictures"

    def roles_for(self, count: int) -> tuple[Role, ...]:
        """The roles of this many sources, in their order: the task's own, or ``picture-1``, ``picture-2`` … of a stack.

        Raises:
            UsageError: it does not take so many.
        """
        if self.is_stack and count >= LEAST:
            return tuple(Role(f"picture-{number}") for number in range(1, count + 1))
        if self.is_stack:
            raise UsageError(f"task {self.name!r} takes {self.takes}, {count} given")
        if count != len(self.roles):
            raise UsageError(f"task {self.name!r} takes {len(self.roles)} sources ({self.takes}), {count} given")
        return self.roles


TASKS: dict[str, Task] = {
    task.name: task
    for task in (
        Task(
            name="infrared",
            summary="infrared (thermal or near infrared) + visible",
            roles=(Role("infrared", stretch=True), Role("visible")),
            detail_role=1,
            colour="chroma of a role",
            chroma_role=1,
            default_model="auif",
            keeps_light=True,
        ),
        Task(
            name="medical",
            summary="functional (CT, PET or SPECT) + MRI",
            roles=(Role("functional", stretch=True, also=FUNCTIONAL), Role("mri", stretch=True)),
            detail_role=1,
            colour="chroma of a role",
            chroma_role=0,
            default_model="fnet",
        ),
        Task(
            name="focus",
            summary="two or more pictures, each sharp at another distance",
            roles=(),
            detail_role=0,
            colour="rgb",
            default_model="ifcnn-max",
        ),
        Task(
            name="exposure",
            summary="two or more pictures, each of another exposure",
            roles=(),
            detail_role=0,
            colour="weighted chroma",
            default_model="csc-mefn",
            by_exposure=True,
        ),
        Task(
            name="spectral",
            summary="low-resolution bands + a sharp guide of the same area",
            roles=(Role("bands"), Role("guide")),
            detail_role=0,
            colour="bands as they are",
            default_model="glp-hs",
        ),
    )
}


def task(name: str) -> Task:
    """The task of this name.

    Raises:
        UsageError: there is none.
    """
    try:
        return TASKS[str(name).lower()]
    except KeyError:
        raise UsageError(f"unknown task {name!r}: choose one of {', '.join(TASKS)}") from None

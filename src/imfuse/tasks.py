"""The fusion tasks: which sources they take, what becomes of colour, and which model serves by default."""

from __future__ import annotations

from dataclasses import dataclass

from imfuse.errors import UsageError


@dataclass(frozen=True, slots=True)
class Role:
    """What one source is.

    Attributes:
        name: what messages call it.
        stretch: whether a source deeper than 8 bits that uses a small part of its range is stretched by default, as
            the raw counts of thermal cameras need.
    """

    name: str
    stretch: bool = False


@dataclass(frozen=True, slots=True)
class Task:
    """A kind of fusion.

    Attributes:
        name: the name that users choose it by.
        summary: one line for help texts and tables.
        roles: the sources in the order in which they are given.
        detail_role: index of the source whose depth, colour and metadata the result takes.
        colour: the colour policy in words, for the report.
        default_model: name of a model card.
    """

    name: str
    summary: str
    roles: tuple[Role, ...]
    detail_role: int
    colour: str
    default_model: str

    @property
    def role_names(self) -> list[str]:
        """What messages and parts call the sources, in their order."""
        return [role.name for role in self.roles]


TASKS: dict[str, Task] = {
    task.name: task
    for task in (
        Task(
            name="infrared",
            summary="infrared (thermal or near infrared) + visible",
            roles=(Role("infrared", stretch=True), Role("visible")),
            detail_role=1,
            colour="luma fused, chroma from the visible picture",
            default_model="auif",
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

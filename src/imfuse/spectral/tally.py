"""What is counted while bands are sharpened, and the report of it."""

from __future__ import annotations

from dataclasses import dataclass

from imfuse import __version__
from imfuse.result import Report, SourceReport
from imfuse.spectral.plan import SpectralPlan
from imfuse.tasks import Task


@dataclass(slots=True)
class SpectralTally:
    """Counts over the values sharpened so far.

    Attributes:
        values: all of them.
        clipped: those beyond the result's type.
        moved: those that happened on the nodata value and were moved off it.
    """

    values: int = 0
    clipped: int = 0
    moved: int = 0

    def notes(self, plan: SpectralPlan) -> list[str]:
        """What the report has to say of the result."""
        notes = []
        if plan.dtype.kind != "f":
            share = f"{100 * self.clipped / self.values:.3g} % of them were beyond its range and are clipped"
            words = share if self.clipped else "none of them was beyond its range"
            notes.append(f"values are rounded to {plan.dtype}; {words}")
        elif plan.dtype != plan.pair.low.dtype:
            notes.append(f"{plan.pair.low.name}: {plan.pair.low.dtype}, stored as {plan.dtype} in the same units")
        if self.moved:
            nodata = plan.description.nodata
            notes.append(f"{self.moved} values that came out as the nodata value {nodata:g} are the next one")
        return notes


def spectral_report(
    plan: SpectralPlan, tally: SpectralTally, seconds: float, task: Task, model: str, device: str
) -> Report:
    """How a pair was sharpened."""
    sources = []
    for layer, role in zip(plan.layers, task.roles, strict=True):
        cube, levels = layer.cube, layer.levels
        size = cube.height, cube.width, cube.bands, str(cube.dtype)
        sources.append(SourceReport(cube.name, role.name, *size, levels.low, levels.high, levels.origin))
    return Report(
        task=task.name,
        model=model,
        rule=plan.network.rule_name,
        device=device,
        version=__version__,
        sources=tuple(sources),
        height=plan.height,
        width=plan.width,
        channels=plan.pair.low.bands,
        dtype=str(plan.dtype),
        colour=task.colour,
        tiles=len(plan.windows),
        seconds=seconds,
        notes=(*plan.notes, *tally.notes(plan)),
        beyond=tally.clipped / tally.values,
    )

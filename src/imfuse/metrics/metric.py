"""What a metric is: one definition under a name."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from torch import Tensor


@dataclass(frozen=True)
class Metric:
    """One metric, pinned to one definition.

    Attributes:
        key: its name in `METRICS` and in the results of `evaluate`.
        name: the abbreviation that tables show.
        function: computes it alone; takes `(fused)`, `(fused, sources)` or `(fused, truth)`, as `needs` says.
        family: computes it together with those that share its work, from :class:`~imfuse.metrics.levels.Levels` or
            :class:`~imfuse.metrics.levels.Bands`, as `pictures` says.
        direction: whether a higher or a lower value is taken as better.
        unit: of the value; empty if it has none.
        range: smallest and largest value; None where there is no limit.
        needs: the pictures it is computed from; ``truth`` is the picture that fusion should have given.
        variant: which of the definitions in use under that name this is.
        definition: the equation, in one line.
        source: the publication.
        differentiable: whether gradients reach the pictures.
        pictures: ``gray`` if it is computed on gray levels (of RGB pictures, on their luma), ``bands`` if on all bands
            of the pictures as they are.
        smallest: pixels that the shorter and the longer side must have. `evaluate` leaves the metric out of what it
            computes unasked for smaller pictures.
        available: whether what it needs beside the pictures, as a model, is there; likewise.
    """

    key: str
    name: str
    function: Callable[..., Tensor]
    family: Callable[..., dict[str, Tensor]]
    direction: Literal["higher", "lower"]
    unit: str
    range: tuple[float | None, float | None]
    needs: Literal["fused", "sources", "two sources", "truth"]
    variant: str
    definition: str
    source: str
    differentiable: bool = True
    pictures: Literal["gray", "bands"] = "gray"
    smallest: tuple[int, int] = (1, 1)
    available: Callable[[], bool] = lambda: True

    def fits(self, height: int, width: int) -> bool:
        """Whether pictures of this size are large enough for it."""
        shorter, longer = sorted((height, width))
        return shorter >= self.smallest[0] and longer >= self.smallest[1]

    def is_served(self, sources: int, truth: bool) -> bool:
        """Whether so many sources, and a truth or none, are the pictures that it needs."""
        served = {"fused": True, "sources": sources > 0, "two sources": sources == 2, "truth": truth}
        return served[self.needs]

"""The stretch that ends the fusion of a bracket: percentiles 0.5 and 99.5 of the result become black and white.

This is the last step of CSC-MEFN (S. Xu et al., "Deep convolutional sparse coding networks for image fusion", §III-B).
The percentiles are those of all values of all channels together, and one pair of limits serves for all channels: a pair
for each would shift the colours. Where luma alone was fused, pixels that the limits leave beyond black or white have
their colour paled before they are clipped: see :meth:`imfuse.colour_policies.ColourPolicy.fitted`.

They are known only once the whole picture is fused. Until then the result is kept unquantised, 4 bytes per value; where
the memory does not hold that beside a window, every window is fused twice. Either way the limits are found with a
histogram, whose resolution of 2·10⁻⁶, an eighth of a level of 16 bits, is all that they depend on the windows by.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from imfuse.errors import UsageError
from imfuse.io.window import Window
from imfuse.ops.colour import LOOPS
from imfuse.ops.compiling import loops_for

if TYPE_CHECKING:
    from imfuse.networks.protocol import FusionNetwork
    from imfuse.plan import Plan
    from imfuse.tasks import Task

PER_MILLE = 5
"""This many values in a thousand lie beyond black, and as many beyond white."""

LEAST_SPAN = 1 / 255
"""A result whose limits lie closer than one level of 8 bits is taken for flat: only noise would come to light."""

BYTES_PER_VALUE = 4
"""What is kept of the result until the limits are known."""

_BINS = 2**20
_LOW, _HIGH = -0.5, 1.5
_WIDTH = (_HIGH - _LOW) / (_BINS - 1)


@dataclass(frozen=True, slots=True)
class Limits:
    """The values of a result that become black and white."""

    low: float
    high: float

    @property
    def flat(self) -> bool:
        """Whether they lie too close to one another to be told apart from noise."""
        return self.high - self.low < LEAST_SPAN

    def apply(self, fused: Tensor) -> Tensor:
        """A copy with the limits at 0 and 1, not clipped; of a flat picture with its own values."""
        return fused.clone() if self.flat else (fused - self.low).mul_(1.0 / (self.high - self.low))

    @property
    def words(self) -> str:
        """What the report says of it."""
        if self.flat:
            return f"the result is not stretched: it is flat, {self.low:.4g}…{self.high:.4g}"
        origin = "its percentiles 0.5 and 99.5, of all channels together"
        return f"the result is stretched from {self.low:.4g}…{self.high:.4g} to black…white ({origin})"


class Histogram:
    """How often values occur in a result, in 2²⁰ bins over −0.5…1.5; what lies beyond is counted at the ends."""

    def __init__(self) -> None:
        self._counts = torch.zeros(_BINS, dtype=torch.int64)

    def add(self, fused: Tensor) -> None:
        """Count the values of a tensor of any shape."""
        loops = loops_for(LOOPS, fused)
        if loops is not None:
            loops.count_values(fused.numpy().reshape(-1), _LOW, 1.0 / _WIDTH, self._counts.numpy())
            return
        bins = fused.flatten().sub(_LOW).mul_(1.0 / _WIDTH).round_().clamp_(0, _BINS - 1).to(torch.int32)
        self._counts += torch.bincount(bins, minlength=_BINS).cpu()

    def limits(self) -> Limits:
        """The values at ranks 0.5 % and 99.5 %, to a bin."""
        cumulative = self._counts.cumsum(0)
        count = int(cumulative[-1])
        # Ranks in whole numbers: a product of floats would be off by one here and there.
        ranks = [-(-count * PER_MILLE // 1000), -(-count * (1000 - PER_MILLE) // 1000)]
        first, last = torch.searchsorted(cumulative, torch.tensor(ranks)).tolist()
        return Limits(_LOW + _WIDTH * first, _LOW + _WIDTH * last)


def is_stretched(task: Task, network: FusionNetwork, asked: bool | None) -> bool:
    """Whether a result is stretched: as asked, or as the model has it.

    Only brackets are: the levels of other tasks' results are those of a source, which they show or measure.

    Raises:
        UsageError: it is asked for, and the task has no such step.
    """
    if asked and not task.by_exposure:
        words = "only brackets of exposures (--task exposure) are stretched"
        raise UsageError(f"task {task.name!r} does not stretch its results: {words}; leave --stretch out")
    return task.by_exposure and (network.stretches if asked is None else asked)


class Stretch:
    """Fuses the windows of a picture, and stretches them where the plan says so.

    Args:
        fuse: the fused pixels (C, h, w) of a window.
        plan: how the scene is fused.

    Attributes:
        limits: what became black and white; None until the windows are fused, and where they are not stretched.
    """

    def __init__(self, fuse: Callable[[Window], Tensor], plan: Plan) -> None:
        self._fuse, self._plan = fuse, plan
        self.limits: Limits | None = None

    def windows(self, told: Callable[[float], None]) -> Iterator[tuple[Window, Tensor]]:
        """The windows that cover the picture with their pixels (C, h, w), one after the other.

        Args:
            told: called with the fraction that is fused.
        """
        if not self._plan.stretched:
            for done, window in enumerate(self._plan.windows, start=1):
                yield window, self._fuse(window)
                told(done / len(self._plan.windows))
            return
        kept, windows = self._plan.result_kept, self._plan.windows
        end = 1.0 if kept else 0.5
        results = self._first_pass(lambda done: told(end * done))
        for done, window in enumerate(windows, start=1):
            # The last of the reversed list: what is stretched is not held any longer.
            yield window, self._stretched(results.pop() if kept else self._fuse(window))
            told(end + (1 - end) * done / len(windows))

    def _first_pass(self, told: Callable[[float], None]) -> list[Tensor]:
        """Find the limits; the results of the windows, in reverse order, where they are kept."""
        histogram = Histogram()
        results: list[Tensor] = []
        for done, window in enumerate(self._plan.windows, start=1):
            fused = self._fuse(window)
            histogram.add(fused)
            if self._plan.result_kept:
                # A copy: what the network made has a halo, which need not be held.
                results.append(fused.cpu().clone())
            told(done / len(self._plan.windows))
        self.limits = histogram.limits()
        return results[::-1]

    def _stretched(self, fused: Tensor) -> Tensor:
        return fused if self.limits is None else self.limits.apply(fused)

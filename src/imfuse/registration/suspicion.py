"""A quick look whether the pictures of a stack lie as each other, where nobody asked for alignment."""

from __future__ import annotations

from collections.abc import Sequence

from imfuse.io import PixelSource
from imfuse.io.arrays import ArraySource
from imfuse.io.source import Releasable
from imfuse.registration.motion import displacement
from imfuse.registration.stack_motions import find_motions
from imfuse.tasks import Task

_PIXELS = 1 << 16
"""Pixels of the small copies: few enough that the look costs a small part of a fusion."""

_LEAST_PIXELS, _LEAST_SMALL_PIXELS, _LEAST_GAIN = 1.0, 0.3, 0.005
"""So far and so clearly a picture must be shifted to be told: chosen on 192 public stacks, of which none is told whose
pictures :func:`imfuse.registration.stack_motions.find_motions` finds within half a pixel."""


def suspected_shifts(sources: Sequence[PixelSource], task: Task, *, kept: bool) -> list[str]:
    """A note if pictures of a stack seem shifted, as translations of small copies tell.

    It looks only at pictures that are in memory anyway: arrays, and decoded files that are kept.

    Args:
        sources: pictures of one size.
        task: the task; of those without stacks nothing is said.
        kept: whether what was decoded of files stays in memory.
    """
    if not task.is_stack or not kept or not all(isinstance(one, ArraySource | Releasable) for one in sources):
        return []
    size = sources[0].height, sources[0].width
    _, found = find_motions(sources, task, "translation", lambda source: None, pixels=_PIXELS, points=False)
    least = max(_LEAST_PIXELS, _LEAST_SMALL_PIXELS * (size[0] * size[1] / _PIXELS) ** 0.5)
    shifts = [displacement(one.matrix, *size) for one in found]
    seen = [
        index
        for index, one in enumerate(found)
        if one.state == "moved" and shifts[index] >= least and one.after >= one.before + _LEAST_GAIN
    ]
    if not seen:
        return []
    worst = max(seen, key=lambda index: shifts[index])
    return [f"{sources[worst].name} seems shifted by {shifts[worst]:.1f} pixels: try --align"]

"""How the pictures of a stack lie against one of them: from neighbour to neighbour, which are most alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from imfuse.io import PixelSource
from imfuse.registration.motion import Matrix, MotionName, displacement, in_pixels_of, is_plausible
from imfuse.registration.pairwise import LEAST_CORRELATION, LEAST_GAIN, Estimate, Look, compared, estimate
from imfuse.registration.reduced import Gray, Reduced, reduced
from imfuse.registration.report import State
from imfuse.tasks import Task

Release = Callable[[PixelSource], None]

STILL = {"focus": 0.5, "exposure": 0.25}
"""A picture whose pixels lie within so many pixels of the reference's (root of the mean square) is left as it is:
interpolation would cost more sharpness than the motion, which for pictures of different focus is not known better.
Where motions are found on reduced pictures, a tenth of the reduction, if that is more."""

_FEW = 1 << 17
"""Copies of so many pixels are kept as they are, larger ones in half precision."""


@dataclass(frozen=True, slots=True)
class PictureMotion:
    """How one picture of a stack lies.

    Attributes:
        state: see :class:`imfuse.registration.report.PictureReport`.
        matrix: takes the reference's pixel coordinates (x, y) to its own; the identity unless it is ``moved`` or
            ``in place``.
        against: index of the picture that it was compared with.
        before: correlation with that one as they are.
        after: as it was found to lie.
        reason: why it was not aligned.
        low: its smallest value.
        high: largest.
    """

    state: State
    matrix: Matrix
    against: int
    before: float
    after: float
    reason: str
    low: float
    high: float


def default_motion(task: Task) -> MotionName:
    """The motion model of a task.

    A lens that is focused anew changes its scale: a similarity. A camera that is held in the hands turns: a homography,
    if it explains clearly more than a similarity does (see :mod:`imfuse.registration.pairwise`). Exposures tell it
    exactly; focus stacks do not: on the built-in ones its errors are three times those of a similarity.
    """
    return "similarity" if task.name == "focus" else "homography"


def find_motions(
    sources: Sequence[PixelSource],
    task: Task,
    motion: MotionName,
    release: Release,
    *,
    pixels: int = 1 << 20,
    points: bool = True,
) -> tuple[int, list[PictureMotion]]:
    """The index of the reference, and how every picture lies against it.

    Focus stacks are taken in the order given, as they were focused, and the reference is the picture in the middle (of
    an even number, the one before it): the lens's change of scale is least from there. Exposures are taken from dark
    to bright, and the reference is the best exposed one. Every picture is compared with its neighbour on the way to
    the reference, or with the last one before that was aligned; if that fails, with the reference itself.

    One small copy of two pictures and of the reference is in memory, each with its appearance on all scales; of
    exposures, whose order must be known first, one of every picture, of two bytes a pixel.

    Args:
        sources: pictures of one size.
        task: ``focus`` or ``exposure``.
        motion: the motion model.
        release: called with a picture that has been read.
        pixels: of the small copies.
        points: see :func:`imfuse.registration.pairwise.estimate`.

    Raises:
        SourceError: a picture cannot be read.
    """
    small = _SmallCopies(sources, release, pixels, keep=task.name == "exposure")
    order = list(range(len(sources)))
    reference = order[(len(order) - 1) // 2]
    if task.name == "exposure":
        order.sort(key=lambda index: float(small[index].gray.mean()))
        reference = max(order, key=lambda index: _well_exposed(small[index].gray))
    place = order.index(reference)
    first = small[reference]
    first_look = Look(first.gray, task)
    found = {reference: PictureMotion("reference", np.eye(3), reference, 1.0, 1.0, "", first.low, first.high)}
    size = sources[0].height, sources[0].width
    for way in (order[place + 1 :], order[:place][::-1]):
        anchor, anchor_look, anchor_matrix = reference, first_look, np.eye(3)
        for index in way:
            one = small[index]
            look = Look(one.gray, task)
            link, against, start = estimate(anchor_look, look, motion, points=points), anchor, anchor_matrix
            if link.reason and anchor != reference:
                link = estimate(first_look, look, motion, points=points)
                against, start = reference, np.eye(3)
            placed = _placed(link, against, start, one, size)
            found[index] = placed
            if placed.state != "not aligned":
                before, after = placed.before, placed.after
                if against != reference:
                    before, after = compared(first_look.at(0), look.at(0), in_pixels_of(placed.matrix, 1 / one.factor))
                if before >= LEAST_CORRELATION and after <= before + LEAST_GAIN:
                    found[index] = replace(placed, matrix=np.eye(3))
                # Steps that are too small to be told one by one add up; errors that are seen do not.
                matrix = np.eye(3) if before >= LEAST_CORRELATION and after < before else placed.matrix
                anchor, anchor_look, anchor_matrix = index, look, matrix
    return reference, [_settled(found[index], task, size, first.factor) for index in range(len(sources))]


def _placed(link: Estimate, against: int, start: Matrix, one: Reduced, size: tuple[int, int]) -> PictureMotion:
    """How a picture lies against the reference, by how it lies against another that is known."""
    better = link.after > link.before
    matrix = (in_pixels_of(link.matrix, one.factor) if better else np.eye(3)) @ start
    matrix = matrix / matrix[2, 2]
    reason = link.reason
    if not reason and not is_plausible(matrix, *size):
        reason = "it shows too little of what the reference shows"
    after = link.after if better and not reason else link.before
    state: State = "not aligned" if reason else "moved"
    return PictureMotion(state, np.eye(3) if reason else matrix, against, link.before, after, reason, one.low, one.high)


def _settled(found: PictureMotion, task: Task, size: tuple[int, int], factor: int) -> PictureMotion:
    """Pictures that hardly move stay in place."""
    if found.state != "moved" or displacement(found.matrix, *size) >= max(STILL[task.name], factor / 10):
        return found
    return PictureMotion("in place", found.matrix, found.against, found.before, found.after, "", found.low, found.high)


def _well_exposed(gray: Gray) -> float:
    """Mean of exp(−(v − ½)² / (2 · 0.2²)): Mertens, Kautz and Van Reeth, "Exposure fusion", 2007."""
    return float(np.exp(-((gray - 0.5) ** 2) / (2 * 0.2**2)).mean())


class _SmallCopies:
    """The small copies of a stack's pictures: made when they are asked for, and kept, in half precision, if so said."""

    def __init__(self, sources: Sequence[PixelSource], release: Release, pixels: int, *, keep: bool) -> None:
        self._sources, self._release, self._pixels, self._keep = sources, release, pixels, keep
        self._kept: dict[int, Reduced] = {}

    def __getitem__(self, index: int) -> Reduced:
        if index in self._kept:
            kept = self._kept[index]
            return Reduced(kept.gray.astype(np.float32, copy=False), kept.factor, kept.low, kept.high)
        source = self._sources[index]
        made = reduced(source, self._pixels)
        self._release(source)
        if self._keep and made.gray.size <= _FEW:
            self._kept[index] = made
        elif self._keep:
            half: Any = made.gray.astype(np.float16)
            self._kept[index] = Reduced(half, made.factor, made.low, made.high)
            return self[index]
        return made

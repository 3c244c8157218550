"""Aligned sources of a stack, and what is told of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from imfuse.errors import UsageError
from imfuse.io import PixelSource
from imfuse.io.window import Window
from imfuse.registration.aligned_source import AlignedSource
from imfuse.registration.common_area import common_area
from imfuse.registration.motion import MotionName, check_motion, displacement, mean_shift, rotation_and_scale
from imfuse.registration.report import AlignmentReport, PictureReport
from imfuse.registration.stack_motions import PictureMotion, Release, default_motion, find_motions
from imfuse.registration.suspicion import suspected_shifts
from imfuse.tasks import Task

Align = bool | MotionName | None
"""Whether to align, or by which motion."""

_LEAST_SHARE = 0.25
"""Pictures whose common area is a smaller share of them are refused."""


@dataclass(frozen=True, slots=True)
class Alignment:
    """An aligned stack.

    Attributes:
        sources: in the order given, all of the size of their common area.
        report: how they were aligned.
        notes: the same in words.
    """

    sources: list[PixelSource]
    report: AlignmentReport
    notes: list[str]


def motion_asked(align: Align | str, task: Task) -> MotionName | None:
    """The motion model that is asked for; None if nothing is to be aligned.

    Raises:
        UsageError: there is no such model, or the task takes no stacks.
    """
    if not align:
        return None
    if not task.is_stack:
        raise UsageError(
            f"task {task.name!r} cannot align its sources: pictures of different sensors are too unlike; "
            "stacks of task 'focus' and 'exposure' can be aligned, these must be registered before"
        )
    return default_motion(task) if align is True else check_motion(str(align))


def align_or_suspect(
    sources: Sequence[PixelSource], task: Task, align: Align | str, release: Release, *, kept: bool
) -> tuple[list[PixelSource], AlignmentReport | None, list[str]]:
    """The sources aligned, if that is asked for, with the report and notes.

    Otherwise as they are, without a report, and with a note if pictures of a stack seem shifted.

    Args:
        sources: pictures of one size, in the order given.
        task: the task.
        align: whether to align, or by which motion.
        release: called with a picture that is not read for now.
        kept: whether what was decoded of files stays in memory.

    Raises:
        SourceError: a picture cannot be read.
        UsageError: see :func:`motion_asked`, :func:`align_stack`.
    """
    motion = motion_asked(align, task)
    if motion is not None:
        aligned = align_stack(sources, task, motion, release)
        return aligned.sources, aligned.report, aligned.notes
    return list(sources), None, suspected_shifts(sources, task, kept=kept)


def align_stack(sources: Sequence[PixelSource], task: Task, motion: MotionName, release: Release) -> Alignment:
    """Align the pictures of a stack to one of them and cut them to what all show.

    Pictures that lie right already are not resampled; those that cannot be aligned stay as they are, and are told.
    Motions are found on means of blocks that bring a picture to a megapixel: no finer, since on built-in exposures of 6
    megapixels that gives them to 0.06 pixels of the files, and pictures of different focus share no finer structure.

    Args:
        sources: pictures of one size, in the order given.
        task: ``focus`` or ``exposure``.
        motion: the motion model.
        release: called with a picture that has been read.

    Raises:
        SourceError: a picture cannot be read.
        UsageError: the pictures share less than a quarter of what they show.
    """
    reference, found = find_motions(sources, task, motion, release)
    height, width = sources[0].height, sources[0].width
    used = [one.matrix if one.state == "moved" else np.eye(3) for one in found]
    area = common_area(used, height, width)
    if area is None or area.height * area.width < _LEAST_SHARE * height * width:
        raise UsageError(
            f"{sources[0].name}: the pictures of this stack share less than a quarter of what they show once they are "
            "aligned; leave the one out that differs most, or fuse them as they are, without alignment"
        )
    corner = np.eye(3)
    corner[:2, 2] = area.left, area.top
    aligned: list[PixelSource] = [
        AlignedSource(source, matrix @ corner, area.height, area.width, one.low, one.high)
        for source, one, matrix in zip(sources, found, used, strict=True)
    ]
    report = _report(sources, motion, reference, found, area)
    whole = (area.height, area.width) == (height, width)
    as_they_are = whole and not any(one.state == "moved" for one in found)
    return Alignment(list(sources) if as_they_are else aligned, report, _notes(report, height, width))


def _report(
    sources: Sequence[PixelSource], motion: MotionName, reference: int, found: Sequence[PictureMotion], area: Window
) -> AlignmentReport:
    size = sources[0].height, sources[0].width
    pictures = []
    for index, (source, one) in enumerate(zip(sources, found, strict=True)):
        if index == reference:
            pictures.append(PictureReport(source.name, "reference"))
            continue
        pictures.append(
            PictureReport(
                source.name,
                one.state,
                sources[one.against].name,
                *mean_shift(one.matrix, *size),
                displacement(one.matrix, *size),
                *rotation_and_scale(one.matrix, *size),
                one.before,
                one.after,
                one.reason or None,
            )
        )
    place = area.left, area.top, area.height, area.width
    return AlignmentReport(motion, sources[reference].name, *place, tuple(pictures))


def _notes(report: AlignmentReport, height: int, width: int) -> list[str]:
    moved = [picture for picture in report.pictures if picture.state == "moved"]
    lost = [picture for picture in report.pictures if picture.state == "not aligned"]
    if not moved:
        alone = " that could be compared" if lost else ""
        notes = [f"alignment: all pictures{alone} lie as {report.reference} does; nothing was resampled"]
    else:
        notes = [
            f"{picture.name}: aligned to {report.reference} by {report.motion}: it was shifted by {picture.shift:.1f} "
            f"pixels, turned by {picture.rotation:.2f}°, scaled by {picture.scale:.4f}"
            for picture in moved
        ]
    if (report.height, report.width) != (height, width):
        notes.append(
            f"cropped from {width}×{height} to {report.width}×{report.height}, which all pictures show once aligned"
        )
    notes += [f"{picture.name}: NOT ALIGNED, since {picture.reason}; it was fused as it is" for picture in lost]
    return notes

"""How the pictures of a stack lie, for those who only want to know: which scenes of a data set are misregistered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from imfuse.io import open_source
from imfuse.io.source import release
from imfuse.registration.alignment import Align, align_stack, motion_asked
from imfuse.registration.report import AlignmentReport
from imfuse.registration.stack_motions import default_motion
from imfuse.sizes import same_size
from imfuse.tasks import task as find_task


def estimate_shifts(sources: Sequence[Any], task: str = "exposure", motion: Align | str = True) -> AlignmentReport:
    """How the pictures of a stack lie against one of them.

    Args:
        sources: paths, arrays, Pillow pictures or tensors of one size, two or more.
        task: ``exposure`` or ``focus``.
        motion: the motion model; True for the task's.

    Returns:
        The motion of every picture in ``.pictures``, in the order given: ``.shift`` is its mean shift in pixels,
        ``.displacement`` what turns and scale add to it, ``.state`` whether it is to be believed.

    Raises:
        SourceError: a picture cannot be read.
        SizeMismatchError: the pictures differ in size.
        UsageError: the task takes no stack, or the pictures share less than a quarter of what they show.
    """
    found = find_task(task)
    roles = found.roles_for(len(sources))
    opened = [
        open_source(source, name=None if isinstance(source, str) or hasattr(source, "__fspath__") else role.name)
        for source, role in zip(sources, roles, strict=True)
    ]
    same_size(opened, None)
    asked = motion_asked(motion, found) or default_motion(found)
    return align_stack(opened, found, asked, release).report

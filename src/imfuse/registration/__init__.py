"""Alignment of the pictures of a stack before they are fused.

:func:`imfuse.registration.alignment.align_stack` aligns sources,
:func:`imfuse.registration.shifts.estimate_shifts` only tells how they lie, for those who choose scenes.
"""

from imfuse.registration.alignment import Align, Alignment, align_or_suspect, align_stack, motion_asked
from imfuse.registration.report import AlignmentReport, PictureReport
from imfuse.registration.shifts import estimate_shifts

__all__ = [
    "Align",
    "Alignment",
    "AlignmentReport",
    "PictureReport",
    "align_or_suspect",
    "align_stack",
    "estimate_shifts",
    "motion_asked",
]

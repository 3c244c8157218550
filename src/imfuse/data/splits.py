"""Committed splits of public data sets: which pairs choose a model and which train one."""

from __future__ import annotations

import re

from imfuse.errors import DataError

MSRS361_VALIDATION_FROM = 1282
"""Frames of MSRS's test part from this number on are for validation: 24 night and 52 day pairs of 361.

The frames are from videos, so the split is one cut by number: neighbours, which look alike, stay on one side.
"""


def frame_number(stem: str) -> int:
    """The number in a frame's name: 1282 for ``01282N``.

    Raises:
        DataError: the name does not start with a number.
    """
    match = re.match(r"\d+", stem)
    if match is None:
        raise DataError(f"{stem!r} does not start with a frame number, as the pictures of MSRS do")
    return int(match[0])


def is_msrs361_validation(stem: str) -> bool:
    """Whether the pair of this stem is in the validation part."""
    return frame_number(stem) >= MSRS361_VALIDATION_FROM

"""Committed splits of public data sets: which pairs choose a model and which train one."""

from __future__ import annotations

import re
from collections.abc import Iterable

from imfuse.errors import DataError, UsageError

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


MIDDLEBURY_VALIDATION = range(21, 26)
MIDDLEBURY_TEST = range(26, 31)
"""Of the 30 Middlebury scenes with depth, numbered in their names, those that no multi-focus training sees."""


def is_held_out_focus_scene(name: str) -> bool:
    """Whether the scene of this name, ``folder/stem``, is one of Middlebury's for validation or test."""
    return middlebury_number(name) in {*MIDDLEBURY_VALIDATION, *MIDDLEBURY_TEST}


def middlebury_number(name: str) -> int | None:
    """The number of a Middlebury scene in its name ``folder/stem``; None of another scene."""
    match = re.search(r"(?i)middlebury\D*(\d+)[^/]*$", name)
    return int(match[1]) if match else None


MISALIGNED = "misaligned"
"""What users write for the scenes below."""

MISALIGNED_BRACKETS: dict[str, tuple[str, ...]] = {
    "pmef33": ("AgiaGalini", "LowerLewisFalls", "MarketMires2", "RevelStoke", "HorseshoeLake"),
    "deepfuse46": ("Seq_74", "Seq_80", "Seq_38", "Seq_36", "Seq_25", "Seq_19", "Seq_77", "Seq_21"),
    "pmef15": ("Night", "Candle", "TableLamp"),
}
"""Scenes of the sets that CSC-MEFN is trained on whose exposures lie a pixel or more beside one another.

The camera was held by hand, or was moved between the exposures. A network that weighs pixels learns from them that what
is sharp in one exposure is elsewhere in another; nothing it could do would be right.
"""


def misaligned_brackets(sets: Iterable[str]) -> tuple[str, ...]:
    """The misaligned scenes of these sets, as ``SET/SCENE``.

    Raises:
        UsageError: none is known of any of them.
    """
    given = list(sets)
    found = tuple(f"{name}/{scene}" for name in given for scene in MISALIGNED_BRACKETS.get(name, ()))
    if not found:
        raise UsageError(
            f"no {MISALIGNED} scenes are known of {', '.join(given) or 'no set at all'}, only of "
            f"{', '.join(MISALIGNED_BRACKETS)}; name scenes as SET/SCENE"
        )
    return found

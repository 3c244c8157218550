"""Colours for gray PET and SPECT, as workstations show them beside the gray MRI."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from imfuse.errors import UsageError
from imfuse.medical.extra import discreet, pydicom
from imfuse.medical.volume import Volume
from imfuse.tasks import Task

_PALETTES = {"hot-iron": "1.2.840.10008.1.5.1", "hot-metal-blue": "1.2.840.10008.1.5.3"}
"""Names and UIDs of well-known palettes of DICOM (PS3.6, annex B).

Lumas are fused, so only those whose luma rises with the value can serve: in PET and PET 20 Step it falls in places, and
a hot spot would become darker than what surrounds it.
"""

COLOUR_MAPS = tuple(_PALETTES)

_EMISSION = frozenset({"PT", "NM"})


def check_colour_map(name: str | None, task: Task) -> None:
    """Refuse a colour map that there is not, or of a task that has none.

    Raises:
        UsageError: it is so.
    """
    if name is None:
        return
    if task.name != "medical":
        raise UsageError("colour-map: is for DICOM and NIfTI, with task 'medical'")
    if name not in _PALETTES:
        raise UsageError(f"unknown colour-map {name!r}: choose one of {', '.join(COLOUR_MAPS)}")


def colours_of(name: str | None, volumes: Sequence[Volume], task: Task) -> tuple[NDArray[np.float32] | None, list[str]]:
    """The colours of the source that gives the chroma, (256, 3) in [0, 1] from black to white, and notes of them.

    Raises:
        UsageError: the source has colours of its own.
        MissingExtraError: pydicom, which holds the palettes, is not installed.
    """
    volume = volumes[task.chroma_role]
    if name is None:
        modality = volume.modality if volume.channels == 1 else ""
        hint = f"{volume.name}: gray, and fused so; --colour-map {COLOUR_MAPS[0]} gives it colours beside the MRI"
        return None, [hint] if modality in _EMISSION else []
    if volume.channels == 3:
        raise UsageError(f"{volume.name}: has colours of its own; leave the colour-map out")
    return colour_table(name), [f"{volume.name}: gray, shown in the colours {name}"]


def colour_table(name: str) -> NDArray[np.float32]:
    """The 256 colours of a map, (256, 3) in [0, 1]."""
    library = pydicom()
    with discreet():
        table = library.pixels.apply_color_lut(np.arange(256, dtype=np.uint8), palette=_PALETTES[name])
    return np.asarray(table, np.float32) / np.float32(255)

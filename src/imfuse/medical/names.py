"""What the first source of the medical task is called where its parts are shown: CT, PET or SPECT."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from imfuse.errors import ImfuseError
from imfuse.medical.kinds import as_given, dicom_files, medical_kind, stem
from imfuse.tasks import FUNCTIONAL

_MODALITIES = {"CT": "ct", "PT": "pet", "NM": "spect"}


def functional_name(source: Any, otherwise: str) -> str:
    """``ct``, ``pet`` or ``spect`` as a source says itself.

    A DICOM file or series says it by its modality; others by a word in their name or, if there is none, in that of
    their folder.

    Args:
        source: as for :meth:`imfuse.fuser.Fuser.fuse`.
        otherwise: for what does not say it, arrays among them.
    """
    if not isinstance(source, str | os.PathLike):
        return otherwise
    path = as_given(source)
    told = _MODALITIES.get(_modality(path))
    if told is not None:
        return told
    for name in (stem(path), path.parent.name):
        words = set(re.split(r"[^a-z]+", name.lower()))
        found = [one for one in FUNCTIONAL if one in words]
        if len(found) == 1:
            return found[0]
    return otherwise


def _modality(path: Path) -> str:
    """That of a DICOM file or series; nothing of other files, or of what cannot be read, as opening it will tell."""
    kind = medical_kind(path)
    if kind not in ("DICOM", "series"):
        return ""
    from imfuse.medical.dicom_frames import modality, read_frames

    try:
        found = [path] if kind == "DICOM" else dicom_files(path)[0]
        return modality(read_frames(found[0], path.name)[0].header) if found else ""
    except (ImfuseError, OSError):
        return ""

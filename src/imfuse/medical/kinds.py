"""Which paths are medical files: told by content, so that PACS exports without an ending are known too."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from imfuse.io.formats import HEAD, is_picture_name, kind_of

MedicalKind = Literal["DICOM", "NIfTI", "series"]

_DICOM_ENDINGS = frozenset({".dcm", ".dicom", ".ima"})


def medical_kind(path: str | os.PathLike[str]) -> MedicalKind | None:
    """What a path is: a DICOM file, a NIfTI file, a folder that holds DICOM files (``series``), or none of these."""
    place = Path(os.fsdecode(path))
    try:
        if place.is_dir():
            return "series" if any(_is_dicom(inner) for inner in sorted(place.iterdir())) else None
        kind = _file_kind(place)
    except (OSError, ValueError):
        return None  # whoever opens it will say why
    return kind


def is_medical(sources: Sequence[Any]) -> bool:
    """Whether any of the sources is the path of a medical file or of a series."""
    return any(isinstance(source, str | os.PathLike) and medical_kind(source) is not None for source in sources)


def _file_kind(path: Path) -> MedicalKind | None:
    if not path.is_file():
        return None
    with path.open("rb") as file:
        head = file.read(HEAD)
    kind = kind_of(head)
    if kind in ("DICOM", "NIfTI"):
        return "DICOM" if kind == "DICOM" else "NIfTI"
    # Files of before 1993, and those of some scanners, have no preamble; a gzipped file shows only its name.
    if kind is None and path.suffix.lower() in _DICOM_ENDINGS:
        return "DICOM"
    return "NIfTI" if kind is None and is_nifti_name(path) else None


def _is_dicom(path: Path) -> bool:
    if path.name.startswith(".") or is_picture_name(path) or not path.is_file():
        return False
    return _file_kind(path) == "DICOM"


def dicom_files(folder: Path) -> tuple[list[Path], int]:
    """The DICOM files of a folder by name, without the index of a medium, and how many other files there are."""
    files = [path for path in sorted(folder.iterdir()) if path.is_file() and not path.name.startswith(".")]
    found = [path for path in files if path.name.upper() != "DICOMDIR" and _file_kind(path) == "DICOM"]
    return found, sum(path.name.upper() != "DICOMDIR" for path in files) - len(found)


def is_nifti_name(path: str | os.PathLike[str]) -> bool:
    """Whether a name ends as those of NIfTI files do."""
    return os.fsdecode(path).lower().endswith((".nii", ".nii.gz"))


def as_given(path: str | os.PathLike[str]) -> Path:
    """The absolute path without ``.`` and ``..``; links are not followed, which may lead to the names of patients."""
    return Path(os.path.abspath(os.fsdecode(path)))  # noqa: PTH100


def stem(path: Path) -> str:
    """The name as it was given, without its ending, ``.nii.gz`` being one."""
    name = as_given(path).name
    return name[: -len(".nii.gz")] if name.lower().endswith(".nii.gz") else Path(name).stem if path.suffix else name

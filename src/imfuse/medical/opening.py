"""One door for medical files: a DICOM file, a folder with a DICOM series, or a NIfTI file, as a volume."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from imfuse.errors import SourceError
from imfuse.io import PixelSource, open_source
from imfuse.io.naming import shown
from imfuse.medical.kinds import medical_kind
from imfuse.medical.volume import Volume, picture_volume
from imfuse.medical.windows import volume_levels
from imfuse.tasks import Role


def open_volume(source: Any, name: str | None = None) -> Volume:
    """A source as a volume; a plain picture or an array is one of a single slice without a place.

    Raises:
        SourceError: it cannot be read, or makes no volume.
        MissingExtraError: the extra ``medical`` is not installed.
    """
    if isinstance(source, str | os.PathLike):
        path, called = Path(os.fsdecode(source)), shown(name or source)
        kind = medical_kind(path)
        if kind == "series":
            from imfuse.medical.series import open_series

            return open_series(path, called)
        if kind == "DICOM":
            from imfuse.medical.series import open_dicom

            return open_dicom(path, called)
        if kind == "NIfTI":
            from imfuse.medical.nifti import open_nifti

            return open_nifti(path, called)
        if path.is_dir():
            raise SourceError(
                f"{called}: holds no DICOM files; give a folder with the files of one series, or a NIfTI file; folders "
                "of NIfTI files go with folders of such"
            )
    return picture_volume(open_source(source, name))


def open_picture(path: Path, name: str) -> PixelSource:
    """A medical file that holds one slice as a picture, with its own window or stretched by percentiles.

    Raises:
        SourceError: it holds several slices, or cannot be read.
    """
    volume = open_volume(path, name)
    if volume.grid.slices > 1:
        raise SourceError(
            f"{name}: is a volume of {volume.grid.slices} slices, where a picture is wanted; imfuse fuse with task "
            "'medical' takes volumes"
        )
    levels, notes = volume_levels(volume, None, None, Role("picture", stretch=True))
    picture = volume.picture(0, levels)
    picture.notes = (*volume.notes, *volume.seen_notes, *notes)
    return picture

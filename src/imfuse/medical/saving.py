"""Where a fused volume goes: which format a name asks for, and writing it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from imfuse.errors import ImfuseError, OutputError, UsageError
from imfuse.io import atomic_path, check_output, save_image
from imfuse.io.formats import FORMATS
from imfuse.io.naming import shown
from imfuse.medical.dicom_write import DerivedSeries
from imfuse.medical.extra import discreet
from imfuse.medical.folders import atomic_folder, check_folder, slice_name
from imfuse.medical.kinds import is_nifti_name
from imfuse.medical.nifti import write_nifti
from imfuse.result import as_array

if TYPE_CHECKING:
    from imfuse.medical.result import VolumeResult
    from imfuse.medical.volume import FileKind

_ENDING = re.compile(r"\.[A-Za-z0-9]{1,5}")
"""What is meant as an ending; the ``.fused-pca`` of a folder is none."""

Form = Literal["NIfTI", "DICOM", "series", "picture", "pictures"]
"""What is written: one file of the first, second or fourth kind, or a folder of files of the others."""


def form_of(path: Path, slices: int, detail: FileKind) -> Form:
    """What a name asks for.

    Args:
        path: the file or folder.
        slices: how many there are.
        detail: what the MRI's files are.

    Raises:
        OutputError: no such thing can be written, or not of this MRI.
    """
    name, ending = shown(path), path.suffix.lower() if _ENDING.fullmatch(path.suffix) else ""
    if is_nifti_name(path):
        if detail == "picture":
            raise OutputError(f"{name}: the MRI is a plain picture, which has no place in a NIfTI file; use .png")
        return "NIfTI"
    if ending in FORMATS:
        return "picture" if slices == 1 else "pictures"
    if ending == ".dcm" or not ending or path.is_dir():
        if detail != "DICOM":
            raise OutputError(
                f"{name}: DICOM is written where the MRI is DICOM, which gives patient, study and place; "
                "use .nii.gz or .png"
            )
        if ending == ".dcm" and slices > 1:
            raise OutputError(f"{name}: {slices} slices are a folder of DICOM files; give a name without an ending")
        return "DICOM" if ending == ".dcm" else "series"
    raise OutputError(
        f"{name}: the ending {shown(ending)} is none that imfuse writes of medical sources; use .nii.gz, .dcm for one "
        "slice, no ending for a folder with a DICOM series, or .png, .jpg, .tif, .bmp, .webp"
    )


def check_volume_output(path: Path, form: Form, overwrite: bool) -> None:
    """Refuse early what cannot be written.

    Raises:
        OutputError: it exists, or its folder is missing.
    """
    if form in ("series", "pictures"):
        check_folder(target_of(path, form), overwrite)
    else:
        check_output(path, overwrite)


def check_anonymise(form: Form, anonymise: bool) -> None:
    """Refuse ``anonymise`` of what is never written with a patient.

    Raises:
        UsageError: the result is no DICOM.
    """
    if anonymise and form not in ("DICOM", "series"):
        raise UsageError("anonymise: is for DICOM; NIfTI files and pictures of imfuse hold nothing of the patient")


def target_of(path: Path, form: Form) -> Path:
    """The file or folder that a name leads to: pictures of slices go into a folder without the ending."""
    return path.with_suffix("") if form == "pictures" else path


def save_volume(
    result: VolumeResult, path: str | os.PathLike[str], *, overwrite: bool, quality: int, anonymise: bool
) -> tuple[str, ...]:
    """Write a result; see :meth:`imfuse.medical.result.VolumeResult.save`.

    Raises:
        OutputError: it cannot be written.
        UsageError: ``anonymise`` of something else than DICOM.
    """
    target, detail = Path(os.fsdecode(path)), result.volumes[result.detail]
    image = as_array(result.image)
    volume = image if image.ndim == 4 or (image.ndim == 3 and not _is_picture(result)) else image[None]
    form = form_of(target, len(volume), detail.kind)
    check_anonymise(form, anonymise)
    check_volume_output(target, form, overwrite)
    if form in ("picture", "pictures"):
        return _save_pictures(volume, target, form, overwrite, quality)
    volume, notes = _fitted(volume, form)
    if form == "NIfTI":
        white = 1.0 if volume.dtype == np.float32 else float(np.iinfo(volume.dtype).max)
        with atomic_path(target, overwrite) as part, _writing(target), part.open("wb") as file:
            write_nifti(file, volume, detail, compressed=target.suffix.lower() == ".gz", white=white)
        return notes
    others = [other for index, other in enumerate(result.volumes) if index != result.detail]
    series = DerivedSeries(detail, others, result.report.model, anonymise)
    if form == "DICOM":
        with atomic_path(target, overwrite) as part, _writing(target):
            next(series.files(volume)).save_as(part, enforce_file_format=True)
        return notes
    with atomic_folder(target, overwrite) as folder, _writing(target):
        for number, made in enumerate(series.files(volume), start=1):
            made.save_as(folder / slice_name(number, ".dcm"), enforce_file_format=True)
    return notes


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Turn what a writer raises into an ``OutputError`` that quotes nothing of the patient, nor leads to what does.

    Raises:
        OutputError: for every exception that is neither one of imfuse's nor the operating system's.
    """
    try:
        with discreet():
            yield
    except ImfuseError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno:
            raise
        raise OutputError(
            f"{shown(path)}: cannot be written ({type(error).__name__}): an attribute of the MRI does not keep to the "
            "standard; write NIfTI or pictures, or repair the MRI's files"
        ) from None


def _is_picture(result: VolumeResult) -> bool:
    return all(volume.single for volume in result.volumes)


def _save_pictures(volume: NDArray[Any], target: Path, form: Form, overwrite: bool, quality: int) -> tuple[str, ...]:
    if form == "picture":
        return save_image(target, volume[0], overwrite=overwrite, quality=quality)
    notes: dict[str, None] = {}
    folder_name = target_of(target, form)
    with atomic_folder(folder_name, overwrite) as folder:
        for number, pixels in enumerate(volume, start=1):
            written = save_image(folder / slice_name(number, target.suffix.lower()), pixels, quality=quality)
            notes |= dict.fromkeys(written)
    return (f"{len(volume)} slices, each a picture in {shown(folder_name)}{os.sep}", *notes)


def _fitted(volume: NDArray[Any], form: Form) -> tuple[NDArray[Any], tuple[str, ...]]:
    """The values as the format holds them, and what was converted."""
    kind, colour = "NIfTI" if form == "NIfTI" else "DICOM", volume.ndim == 4
    bits = 8 if colour else 16
    if volume.dtype == np.float32 and (colour or kind == "DICOM"):
        white = (1 << bits) - 1
        scaled = np.rint(np.clip(np.nan_to_num(volume), 0, 1) * np.float32(white))
        words = f"floating point scaled from 0 … 1 to {bits} bits because {kind} holds integers"
        return scaled.astype(np.uint8 if colour else np.uint16), (f"{words}{' of colour' if colour else ''}",)
    if volume.dtype == np.uint16 and colour:
        reduced = ((volume.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)
        return reduced, (f"16 bits converted to 8 because {kind} holds 8 of colour",)
    return volume, ()

"""Synthetic DICOM and NIfTI files, full of things that must not come out."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

Run = Callable[..., tuple[int, str]]
"""Runs the command line on words: status and all that was said."""

MR, CT, PT, SC = (f"1.2.840.10008.5.1.4.1.1.{number}" for number in ("4", "2", "128", "7"))
KINDS = {"MR": MR, "CT": CT, "PT": PT, "SC": SC}
AXIAL = (1, 0, 0, 0, 1, 0)
STUDY, PLACE = generate_uid(), generate_uid()

PATIENT = {
    "PatientName": "Quatermain^Allan",
    "PatientID": "HC-470011",
    "PatientBirthDate": "18170305",
    "OtherPatientIDs": "OTHER-ZULU-7",
    "ReferringPhysicianName": "Good^John",
    "InstitutionName": "Kukuana General",
    "AccessionNumber": "ACC-90210",
    "StudyDescription": "Solomon head",
    "SeriesDescription": "Quatermain series",
    "PatientComments": "seen at Durban",
    "OperatorsName": "Umbopa",
}
SECRETS = (
    "quatermain",
    "470011",
    "18170305",
    "zulu",
    "good^john",
    "kukuana",
    "90210",
    "solomon",
    "durban",
    "umbopa",
    "good",
)


def slice_of(
    pixels: NDArray[Any],
    modality: str = "MR",
    *,
    series: str | None = None,
    position: tuple[float, float, float] | None = (0, 0, 0),
    orientation: tuple[float, ...] = AXIAL,
    spacing: tuple[float, float] = (0.9, 0.8),
    number: int = 1,
    **attributes: Any,
) -> Dataset:
    """A DICOM slice of gray (H, W) or RGB (H, W, 3) pixels with a patient; ``attributes`` replace or add."""
    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.SOPClassUID, made.SOPInstanceUID = KINDS.get(modality, SC), generate_uid()
    made.Modality, made.StudyInstanceUID, made.SeriesInstanceUID = modality, STUDY, series or generate_uid()
    made.FrameOfReferenceUID, made.InstanceNumber, made.SeriesNumber, made.StudyID = PLACE, number, 3, "7"
    for name, value in PATIENT.items():
        setattr(made, name, value)
    made.add_new(0x00091001, "LO", "Quatermain private")
    made.Rows, made.Columns = pixels.shape[:2]
    made.SamplesPerPixel = 3 if pixels.ndim == 3 else 1
    made.PhotometricInterpretation = "RGB" if pixels.ndim == 3 else "MONOCHROME2"
    if pixels.ndim == 3:
        made.PlanarConfiguration = 0
    made.BitsAllocated = made.BitsStored = 8 * pixels.dtype.itemsize
    made.HighBit, made.PixelRepresentation = made.BitsStored - 1, int(pixels.dtype.kind == "i")
    if position is not None:
        made.ImagePositionPatient, made.ImageOrientationPatient = list(position), list(orientation)
        made.PixelSpacing, made.SliceThickness = list(spacing), 2.5
    made.ScanningSequence, made.SequenceVariant = "SE", "NONE"
    for name, value in attributes.items():
        setattr(made, name, value)
    made.PixelData = pixels.tobytes()
    made["PixelData"].VR = "OW"
    return made


def save(made: Dataset, path: Path) -> Path:
    """Write a data set and give its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    made.save_as(path, enforce_file_format=True)
    return path


def write_series(
    folder: Path, volume: NDArray[Any], modality: str = "MR", *, step: float = 2.5, seed: int = 0, **attributes: Any
) -> Path:
    """Write (slices, rows, columns) as a series whose file names and numbers are in no order."""
    names = np.random.default_rng(seed).permutation(len(volume))
    series = attributes.pop("series", generate_uid())
    for index, pixels in enumerate(volume):
        made = slice_of(
            pixels,
            modality,
            series=series,
            position=(-10.0, -20.0, 5 + step * index),
            number=int(names[index]) + 1,
            **attributes,
        )
        save(made, folder / f"I{names[index]:04d}")
    return folder


def write_nifti(path: Path, array: NDArray[Any], affine: NDArray[Any] | None = None, **fields: Any) -> Path:
    """Write an array (X, Y, Z) with free texts about the patient in its header."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = nibabel.Nifti1Image(array, np.diag([0.8, 0.9, 2.5, 1.0]) if affine is None else affine)
    image.header["descrip"], image.header["db_name"] = b"Quatermain^Allan", b"HC-470011"
    image.header.extensions.append(nibabel.nifti1.Nifti1Extension("comment", b"Quatermain was seen at Durban"))
    slope = fields.pop("slope", None)
    if slope is not None:
        image.header.set_slope_inter(*slope)
    for name, value in fields.items():
        image.header[name] = value
    nibabel.save(image, path)
    return path


def phantom(slices: int = 4, rows: int = 20, columns: int = 16, seed: int = 0, dtype: type = np.int16) -> NDArray[Any]:
    """A volume (slices, rows, columns) of 0…1000, every slice another one."""
    rng = np.random.default_rng(seed)
    return rng.integers(0, 1001, (slices, rows, columns)).astype(dtype)

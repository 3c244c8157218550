"""What the header of a DICOM file says of its frames: which picture they are and where they lie."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from imfuse.errors import SourceError
from imfuse.io.limits import DECODED_LIMIT, size_text
from imfuse.medical.extra import pydicom, reading_medical
from imfuse.medical.grid import Vectors

_DIRECTORY = "1.2.840.10008.1.3.10"
_SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"
_GRAY = frozenset({"MONOCHROME1", "MONOCHROME2"})
_COLOUR = frozenset({"RGB", "PALETTE COLOR", "YBR_FULL", "YBR_FULL_422", "YBR_RCT", "YBR_ICT"})
_SQUARE = 0.01
_MODALITIES = frozenset({"CT", "MR", "PT", "NM", "US", "DX", "CR", "MG", "XA", "RF", "OT", "SC"})


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One frame of a DICOM file.

    Attributes:
        path: the file.
        header: its attributes, without the pixels; of a patient, so never to be shown.
        index: which frame of the file it is.
        position: of the first pixel in mm (towards the patient's left, back and head), or None.
        orientation: the directions of a row and of a column, (2, 3), or None.
        spacing: between rows and between columns, in mm.
        thickness: in mm.
        window: centre, width, and whether it is meant exactly; or None.
        slope: what stored values are multiplied by.
        intercept: what is added then.
    """

    path: Path
    header: Any
    index: int
    position: Vectors | None
    orientation: Vectors | None
    spacing: tuple[float, float]
    thickness: float
    window: tuple[float, float, bool] | None
    slope: float
    intercept: float


def read_frames(path: Path, name: str) -> list[Frame]:
    """The frames of a file; its pixels are not read.

    Args:
        path: the file.
        name: what messages call it.

    Raises:
        SourceError: it is damaged or holds no picture that imfuse takes.
        MissingExtraError: pydicom is not installed.
    """
    dicom = pydicom()
    with reading_medical(name, "DICOM"):
        # Files without a preamble are only tried where their name says that they are DICOM.
        header = dicom.dcmread(path, stop_before_pixels=True, force=True)
        _check_picture(header, name)
        count = int(header.get("NumberOfFrames") or 1)
        _check_size(header, count, name)
        return [_frame(path, header, index) for index in range(count)]


def _check_picture(header: Any, name: str) -> None:
    """Refuse what is no picture: indices, reports, contours, masks."""
    meta = getattr(header, "file_meta", None)
    kind: Any = header.get("SOPClassUID") or (meta.get("MediaStorageSOPClassUID") if meta else None)
    if kind == _DIRECTORY or "DirectoryRecordSequence" in header:
        raise SourceError(f"{name}: is a DICOMDIR, the index of a medium; give the folder that holds one series")
    known = kind is not None and kind.name != kind
    words = f" ({kind.name})" if known else ""
    if kind is None and "Rows" not in header:
        raise SourceError(f"{name}: is no DICOM file, or its header is damaged; give the file of a picture")
    if not header.get("Rows") or not header.get("Columns"):
        raise SourceError(f"{name}: is DICOM but holds no picture{words}; give the files of an image series")
    bits = int(header.get("BitsAllocated") or 0)
    if kind == _SEGMENTATION or bits == 1:
        raise SourceError(f"{name}: holds a mask and no picture{words}; give the files of an image series")
    photometric = str(header.get("PhotometricInterpretation", ""))
    if photometric not in _GRAY | _COLOUR:
        raise SourceError(
            f"{name}: its colours are of a kind that is not taken; taken are {', '.join(sorted(_GRAY | _COLOUR))}"
        )
    if photometric in _COLOUR and bits not in (8, 16):
        raise SourceError(f"{name}: colour of {bits} bits is not taken; convert it to 8 or 16")


def _check_size(header: Any, count: int, name: str) -> None:
    rows, columns, samples = int(header.Rows), int(header.Columns), int(header.get("SamplesPerPixel") or 1)
    size = rows * columns * samples * count * int(header.BitsAllocated) // 8
    if count < 1 or size > DECODED_LIMIT:
        raise SourceError(
            f"{name}: the header says {count} frames of {columns}×{rows}, {size_text(max(size, 0))} decoded; files up "
            f"to {size_text(DECODED_LIMIT)} are taken: it is damaged, or give it as a series of single slices"
        )


def is_colour(header: Any) -> bool:
    """Whether the pixels are colours."""
    return str(header.PhotometricInterpretation) in _COLOUR


def modality(header: Any) -> str:
    """The modality where it is one of the standard's codes, and so no free text; otherwise nothing."""
    code = str(header.get("Modality", ""))
    return code if code in _MODALITIES else ""


def is_hounsfield(header: Any) -> bool | None:
    """Whether the values are CT numbers; None where the modality does not tell."""
    code = modality(header)
    if code == "CT":
        return str(header.get("RescaleType") or "HU") == "HU"
    return False if code else None


def _frame(path: Path, header: Any, index: int) -> Frame:
    values = _Values(header, index)
    orientation = values.orientation()
    spacing = values.numbers("PixelMeasuresSequence", "PixelSpacing", 2)
    thickness = values.numbers("PixelMeasuresSequence", "SliceThickness", 1)
    slope = values.numbers("PixelValueTransformationSequence", "RescaleSlope", 1)
    intercept = values.numbers("PixelValueTransformationSequence", "RescaleIntercept", 1)
    return Frame(
        path,
        header,
        index,
        values.position(),
        None if orientation is None else orientation.reshape(2, 3),
        (1.0, 1.0) if spacing is None or spacing.min() <= 0 else (float(spacing[0]), float(spacing[1])),
        float(thickness[0]) if thickness is not None and thickness[0] > 0 else 1.0,
        values.window(),
        1.0 if slope is None else float(slope[0]),
        0.0 if intercept is None else float(intercept[0]),
    )


def _are_directions(pair: Vectors) -> bool:
    """Whether a row and a column, (2, 3), are of length 1 and at right angles, to the digits that scanners write."""
    return bool(np.abs(pair @ pair.T - np.eye(2)).max() < _SQUARE)


class _Values:
    """The attributes of one frame: in its functional groups (enhanced files), or in the file itself."""

    def __init__(self, header: Any, index: int) -> None:
        self._header, self._index = header, index
        own = header.get("PerFrameFunctionalGroupsSequence") or ()
        shared = header.get("SharedFunctionalGroupsSequence") or ()
        self._groups = [*own[index : index + 1], *shared[:1]]

    def _found(self, group: str, attribute: str) -> Any:
        for functional in self._groups:
            items = functional.get(group) or ()
            if items and items[0].get(attribute) is not None:
                return items[0][attribute].value
        return self._header.get(attribute)

    def numbers(self, group: str, attribute: str, count: int) -> Vectors | None:
        """The first numbers of an attribute, (count,), or None where it has fewer or others than finite ones."""
        found = self._found(group, attribute)
        if found is None or found == "":
            return None
        try:
            values = np.atleast_1d(np.asarray(found, np.float64)).ravel()[:count]
        except (TypeError, ValueError):
            return None
        return values if len(values) == count and np.isfinite(values).all() else None

    def orientation(self) -> Vectors | None:
        """The directions of a row and of a column, (6,); None where they are not told, or are no such directions."""
        found = self.numbers("PlaneOrientationSequence", "ImageOrientationPatient", 6)
        found = found if found is not None else self._reconstructed("ImageOrientationPatient", 6)
        return None if found is None or not _are_directions(found.reshape(2, 3)) else found

    def position(self) -> Vectors | None:
        """Of the first pixel, or None."""
        place = self.numbers("PlanePositionSequence", "ImagePositionPatient", 3)
        several = int(self._header.get("NumberOfFrames") or 1) > 1
        if place is not None and (self._groups or not several):
            return place
        first, orientation = self._reconstructed("ImagePositionPatient", 3), self.orientation()
        distance = self.numbers("", "SpacingBetweenSlices", 1)
        if first is None or orientation is None or distance is None or distance[0] == 0:
            return None  # of several frames, and which of them lies where is not told
        return np.asarray(first + self._index * distance[0] * np.cross(orientation[:3], orientation[3:]))

    def _reconstructed(self, attribute: str, count: int) -> Vectors | None:
        """An attribute of a reconstructed SPECT volume: that of its first slice (PS3.3, C.8.4.15).

        The others follow along the normal, or against it where Spacing Between Slices is negative.
        """
        items = self._header.get("DetectorInformationSequence") or ()
        if not items or "RECON TOMO" not in (self._header.get("ImageType") or ()):
            return None
        return _Values(items[0], 0).numbers("", attribute, count)

    def window(self) -> tuple[float, float, bool] | None:
        """Centre, width and whether they are exact; the first where there are several."""
        centre = self.numbers("FrameVOILUTSequence", "WindowCenter", 1)
        width = self.numbers("FrameVOILUTSequence", "WindowWidth", 1)
        if centre is None or width is None or width[0] <= 0:
            return None
        function = str(self._found("FrameVOILUTSequence", "VOILUTFunction") or "LINEAR")
        exact = function != "LINEAR"
        return (float(centre[0]), float(width[0]), exact) if exact or width[0] >= 1 else None

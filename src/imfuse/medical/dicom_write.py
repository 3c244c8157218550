"""Fused slices as DICOM: a derived series in the patient's study, with the geometry of the MRI.

What goes into a file is listed here, attribute by attribute; nothing else of the sources does, private attributes and
free texts least of all.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imfuse import __version__
from imfuse.medical.dicom_frames import Frame, modality
from imfuse.medical.extra import pydicom
from imfuse.medical.volume import Volume

_MR_IMAGE = "1.2.840.10008.5.1.4.1.1.4"
_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"

_PATIENT = ("PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex", "OtherPatientIDs")
_PATIENT_STUDY = ("PatientAge", "PatientSize", "PatientWeight", "PregnancyStatus")
_STUDY = (
    "StudyInstanceUID",
    "StudyDate",
    "StudyTime",
    "ReferringPhysicianName",
    "StudyID",
    "AccessionNumber",
    "StudyDescription",
)
_REQUIRED = ("PatientName", "PatientID", "PatientBirthDate", "PatientSex")
_REQUIRED_OF_STUDY = ("StudyDate", "StudyTime", "ReferringPhysicianName", "StudyID", "AccessionNumber")
_PLACE = ("FrameOfReferenceUID", "PositionReferenceIndicator")
_BODY = ("BodyPartExamined", "Laterality", "PatientPosition")
_SEQUENCE = ("ScanningSequence", "SequenceVariant", "ScanOptions", "MRAcquisitionType", "RepetitionTime", "EchoTime")
_SEQUENCE_TOO = ("EchoTrainLength", "InversionTime", "FlipAngle", "MagneticFieldStrength")


@dataclass(slots=True)
class DerivedSeries:
    """A fused volume on its way into DICOM files.

    Args:
        detail: the MRI, which is DICOM.
        others: the other sources.
        model: name of the model.
        anonymise: whether patient and study are left out, and with them all references to the sources.

    Attributes:
        uid: of the new series.
        now: when it was made.
    """

    detail: Volume
    others: Sequence[Volume]
    model: str
    anonymise: bool = False
    uid: str = field(init=False)
    now: datetime.datetime = field(init=False)
    _study: str = field(init=False)
    _place: str = field(init=False)

    def __post_init__(self) -> None:
        new = pydicom().uid.generate_uid
        # 2.25: made of random numbers, which say nothing of where and when.
        self.uid, self._study, self._place = (str(new(prefix=None)) for _ in range(3))
        self.now = datetime.datetime.now()

    def files(self, image: NDArray[Any]) -> Iterator[Any]:
        """A data set for each slice of (slices, rows, columns) or (slices, rows, columns, 3), uint8 or uint16."""
        for index, pixels in enumerate(image):
            yield self._file(index, pixels)

    def _file(self, index: int, pixels: NDArray[Any]) -> Any:
        dicom = pydicom()
        source: Frame = self.detail.origin[index]
        colour = pixels.ndim == 3
        original = str(source.header.get("SOPClassUID", ""))
        kind = _MR_IMAGE if original == _MR_IMAGE and not colour else _SECONDARY_CAPTURE
        made = dicom.Dataset()
        made.file_meta = dicom.dataset.FileMetaDataset()
        made.file_meta.TransferSyntaxUID = dicom.uid.ExplicitVRLittleEndian
        made.SOPClassUID = kind
        made.SOPInstanceUID = dicom.uid.generate_uid(prefix=None)
        self._identify(made, source.header)
        self._describe(made, source, index)
        self._locate(made, index)
        if kind == _MR_IMAGE:
            _copy(source.header, made, (*_SEQUENCE, *_SEQUENCE_TOO))
            for attribute in ("ScanOptions", "MRAcquisitionType", "RepetitionTime", "EchoTime", "EchoTrainLength"):
                _ensure(made, attribute)
        else:
            made.ConversionType = "WSD"
        _put_pixels(made, pixels)
        return made

    def _identify(self, made: Any, header: Any) -> None:
        """Patient, study and the sources; or that these were left out."""
        if self.anonymise:
            made.PatientIdentityRemoved = "YES"
            made.DeidentificationMethod = "imfuse: pixels and geometry alone were kept"
            made.StudyInstanceUID = self._study
        else:
            if header.get("SpecificCharacterSet"):
                made.SpecificCharacterSet = header.SpecificCharacterSet
            _copy(header, made, (*_PATIENT, *_PATIENT_STUDY, *_STUDY))
            if "StudyInstanceUID" not in made:
                made.StudyInstanceUID = self._study
        for attribute in (*_REQUIRED, *_REQUIRED_OF_STUDY):
            _ensure(made, attribute)

    def _describe(self, made: Any, source: Frame, index: int) -> None:
        """Series, equipment and how the picture came about."""
        header, day, hour = source.header, self.now.strftime("%Y%m%d"), self.now.strftime("%H%M%S")
        made.Modality = modality(header) or "OT"
        made.SeriesInstanceUID = self.uid
        made.SeriesDescription = "imfuse fused"
        made.SeriesNumber = 1000 + int(header.get("SeriesNumber") or 0) if not self.anonymise else 1
        made.InstanceNumber = index + 1
        made.SeriesDate = made.ContentDate = made.InstanceCreationDate = day
        made.SeriesTime = made.ContentTime = made.InstanceCreationTime = hour
        made.Manufacturer, made.SoftwareVersions = "imfuse", __version__
        made.ImageType = ["DERIVED", "SECONDARY", "OTHER"]
        kinds = [*(_kind(other) for other in self.others), _kind(self.detail)]
        made.DerivationDescription = f"Fused by imfuse {__version__}, {self.model}, of {' and '.join(kinds)}"
        frames = [source, *(other.origin[index] for other in self.others if other.kind == "DICOM")]
        if any(str(frame.header.get("LossyImageCompression", "")) == "01" for frame in frames):
            made.LossyImageCompression = "01"
        burned = any(str(frame.header.get("BurnedInAnnotation", "")).upper() == "YES" for frame in frames)
        made.BurnedInAnnotation = "YES" if burned else "NO"
        if not self.anonymise:
            _copy(header, made, _BODY)
            named = [
                frame for frame in frames if frame.header.get("SOPClassUID") and frame.header.get("SOPInstanceUID")
            ]
            if named:
                made.SourceImageSequence = [_reference(frame) for frame in named]

    def _locate(self, made: Any, index: int) -> None:
        """The MRI's geometry, which is that of the frame's functional groups where the file is an enhanced one."""
        source: Frame = self.detail.origin[index]
        if not self.anonymise:
            _copy(source.header, made, _PLACE)
        if self.anonymise or "FrameOfReferenceUID" not in made:
            made.FrameOfReferenceUID = self._place
        _ensure(made, "PositionReferenceIndicator")
        if source.position is None or source.orientation is None:
            del made.FrameOfReferenceUID, made.PositionReferenceIndicator
            return
        made.ImagePositionPatient = _decimal(source.position)
        made.ImageOrientationPatient = _decimal(source.orientation.ravel())
        made.PixelSpacing = _decimal(source.spacing)
        made.SliceThickness = _decimal([source.thickness])[0]
        normal = np.cross(source.orientation[0], source.orientation[1])
        made.SliceLocation = _decimal([float(source.position @ normal)])[0]
        if self.detail.grid.slices > 1 and self.detail.grid.is_even():
            made.SpacingBetweenSlices = _decimal([self.detail.grid.voxel[2]])[0]


def _kind(volume: Volume) -> str:
    """What a source is, in a word of the standard's or by its file's format."""
    return modality(volume.origin[0].header) or "DICOM" if volume.kind == "DICOM" else volume.kind


def _copy(header: Any, made: Any, attributes: Sequence[str]) -> None:
    for attribute in attributes:
        if attribute in header:
            made[attribute] = header[attribute]


def _ensure(made: Any, attribute: str) -> None:
    """Attributes of type 2 are there, if need be without a value."""
    if attribute not in made:
        setattr(made, attribute, None)


def _decimal(values: Any) -> list[Any]:
    """Decimal strings of the standard's 16 characters."""
    format_number = pydicom().valuerep.format_number_as_ds
    return [pydicom().valuerep.DSfloat(format_number(float(value))) for value in values]


def _reference(frame: Frame) -> Any:
    """The item that names an instance as a source of this one (PS3.3, 10.3 and C.7.6.1)."""
    dicom = pydicom()
    item, purpose = dicom.Dataset(), dicom.Dataset()
    item.ReferencedSOPClassUID = frame.header.SOPClassUID
    item.ReferencedSOPInstanceUID = frame.header.SOPInstanceUID
    if int(frame.header.get("NumberOfFrames") or 1) > 1:
        item.ReferencedFrameNumber = frame.index + 1
    purpose.CodeValue, purpose.CodingSchemeDesignator = "121322", "DCM"
    purpose.CodeMeaning = "Source image for image processing operation"
    item.PurposeOfReferenceCodeSequence = [purpose]
    return item


def _put_pixels(made: Any, pixels: NDArray[Any]) -> None:
    """Gray of 8 or 16 bits with a window over all of them, or RGB of 8."""
    colour, bits = pixels.ndim == 3, 8 * pixels.dtype.itemsize
    made.Rows, made.Columns = pixels.shape[:2]
    made.SamplesPerPixel = 3 if colour else 1
    made.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
    made.BitsAllocated = made.BitsStored = bits
    made.HighBit, made.PixelRepresentation = bits - 1, 0
    if colour:
        made.PlanarConfiguration = 0
    else:
        # LINEAR: from c − 0.5 − (w − 1) / 2 to c − 0.5 + (w − 1) / 2, that is from 0 to white.
        made.WindowCenter, made.WindowWidth = 1 << (bits - 1), 1 << bits
    data = pixels.astype(pixels.dtype.newbyteorder("<")).tobytes()
    made.PixelData = data + b"\0" * (len(data) % 2)
    made["PixelData"].VR = "OW" if bits > 8 else "OB"

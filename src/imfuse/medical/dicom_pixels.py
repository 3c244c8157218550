"""The pixels of DICOM files: decoded, turned to RGB, or to the values that they stand for."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imfuse.errors import SourceError
from imfuse.medical.dicom_frames import Frame, is_colour
from imfuse.medical.extra import pydicom, reading_medical

_LOSSLESS_JPEG = frozenset({"1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70"})
_EXTENDED_JPEG = "1.2.840.10008.1.2.4.51"
_JPEG_LS = frozenset({"1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81"})
_JPEG_2000 = frozenset({"1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91"})
_HIGH_THROUGHPUT = frozenset({f"1.2.840.10008.1.2.4.20{number}" for number in (1, 2, 3)})


class DicomPixels:
    """The pixels of one file, decoded at the first use and kept as they are stored.

    Args:
        path: the file.
        name: what messages call it.
    """

    def __init__(self, path: Path, name: str) -> None:
        self._path, self._name = path, name
        self._stored: NDArray[Any] | None = None

    def values(self, frame: Frame) -> NDArray[Any]:
        """A frame, (rows, columns, channels): RGB or 8 bits as stored, else float32 after the modality transform.

        Padding is NaN.

        Raises:
            SourceError: the file is damaged, or compressed by what cannot be decoded here.
        """
        with reading_medical(self._name, "DICOM"):
            if self._stored is None:
                self._stored = _decoded(self._path, self._name, frame)
            stored: NDArray[Any] = self._stored[frame.index]
            if is_colour(frame.header) or takes_bytes(frame):
                return stored
            return _transformed(stored, frame)


def takes_bytes(frame: Frame) -> bool:
    """Whether gray values are taken as they are stored: 8 bits that stand for themselves."""
    header = frame.header
    return (
        int(header.BitsAllocated) == 8
        and int(header.get("PixelRepresentation") or 0) == 0
        and (frame.slope, frame.intercept) == (1.0, 0.0)
        and not header.get("ModalityLUTSequence")
        and frame.window is None
        and str(header.PhotometricInterpretation) == "MONOCHROME2"
    )


def stored_range(frame: Frame) -> tuple[float, float]:
    """The smallest and the largest value that the file could hold, after the modality transform."""
    bits = int(frame.header.get("BitsStored") or frame.header.BitsAllocated)
    signed = int(frame.header.get("PixelRepresentation") or 0)
    ends = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
    low, high = sorted(end * frame.slope + frame.intercept for end in ends)
    return low, high


def _transformed(stored: NDArray[Any], frame: Frame) -> NDArray[Any]:
    """The values that stored ones stand for; of MONOCHROME1 with the opposite sign, so that large is white."""
    header = frame.header
    if header.get("ModalityLUTSequence"):
        values = np.asarray(pydicom().pixels.apply_modality_lut(stored, header), np.float32)
    else:
        values = stored.astype(np.float32) * np.float32(frame.slope) + np.float32(frame.intercept)
    padding = header.get("PixelPaddingValue")
    if isinstance(padding, int | float):
        limit = header.get("PixelPaddingRangeLimit")
        ends = sorted((padding, limit if isinstance(limit, int | float) else padding))
        values[(stored >= ends[0]) & (stored <= ends[1])] = np.nan
    return -values if str(header.PhotometricInterpretation) == "MONOCHROME1" else values


def _decoded(path: Path, name: str, frame: Frame) -> NDArray[Any]:
    """All frames of a file, (frames, rows, columns, channels): stored values, or RGB of 8 or 16 bits."""
    dicom = pydicom()
    whole = dicom.dcmread(path, force=True)
    if not {"PixelData", "FloatPixelData", "DoubleFloatPixelData"} & set(whole.dir()):
        raise SourceError(f"{name}: holds no pixels; give the files of an image series")
    if not getattr(whole.file_meta, "TransferSyntaxUID", None):
        whole.file_meta.TransferSyntaxUID = dicom.uid.ImplicitVRLittleEndian  # what files of before 1993 have
    syntax = whole.file_meta.TransferSyntaxUID
    codec = None if is_colour(frame.header) or not syntax.is_encapsulated else _codec(str(syntax))
    pixels = _by_pydicom(whole, name, syntax) if codec is None else _decompressed(whole, codec, name)
    if str(whole.PhotometricInterpretation) == "PALETTE COLOR":
        pixels = dicom.pixels.apply_color_lut(pixels, whole)
    count, rows, columns = int(whole.get("NumberOfFrames") or 1), int(whole.Rows), int(whole.Columns)
    channels = 3 if is_colour(frame.header) else 1
    if pixels.size != count * rows * columns * channels:
        raise SourceError(f"{name}: the pixels are not as many as the header says: the file is damaged; copy it again")
    return np.ascontiguousarray(pixels.reshape(count, rows, columns, channels))


def _by_pydicom(whole: Any, name: str, syntax: Any) -> NDArray[Any]:
    try:
        return np.asarray(pydicom().pixels.pixel_array(whole))
    except (RuntimeError, NotImplementedError):
        if not syntax.is_compressed:
            raise
        raise SourceError(
            f"{name}: its pixels are compressed ({syntax.name}), and no decoder for that is installed: "
            "pip install python-gdcm, or save it uncompressed (gdcmconv --raw, dcmdjpeg)"
        ) from None


@cache
def _codec(syntax: str) -> Callable[[bytes], NDArray[Any]] | None:
    """The decoder of imagecodecs for gray pictures of a transfer syntax; None for those that are left to pydicom."""
    import imagecodecs

    decoders: dict[str, Callable[[bytes], NDArray[Any]]] = {_EXTENDED_JPEG: imagecodecs.jpeg_decode}
    decoders |= dict.fromkeys(_LOSSLESS_JPEG, imagecodecs.ljpeg_decode)
    decoders |= dict.fromkeys(_JPEG_LS, imagecodecs.jpegls_decode)
    decoders |= dict.fromkeys(_JPEG_2000, imagecodecs.jpeg2k_decode)
    decoders |= dict.fromkeys(_HIGH_THROUGHPUT, imagecodecs.htj2k_decode)
    return decoders.get(syntax)


def _decompressed(whole: Any, decode: Callable[[bytes], NDArray[Any]], name: str) -> NDArray[Any]:
    """The frames of a gray file, by imagecodecs, in the signedness that the header tells."""
    count, bits = int(whole.get("NumberOfFrames") or 1), int(whole.get("BitsStored") or whole.BitsAllocated)
    frames = pydicom().encaps.generate_frames(whole.PixelData, number_of_frames=count)
    pixels = np.stack([decode(coded) for coded in frames])
    if pixels.ndim != 3:
        raise SourceError(f"{name}: the coded pixels are no gray picture, as the header says; the file is damaged")
    if int(whole.get("PixelRepresentation") or 0) and np.issubdtype(pixels.dtype, np.unsignedinteger):
        # Coders know no sign: the highest of the stored bits is it.
        half = 1 << (bits - 1)
        return ((pixels.astype(np.int32) & ((1 << bits) - 1)) ^ half) - half
    return pixels

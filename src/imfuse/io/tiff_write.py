"""TIFF files of any depth and number of channels, with profile, EXIF and resolution."""

from __future__ import annotations

import struct
import sys
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from imfuse.io.ifd import Layout, pack_directory, read_directory, read_header
from imfuse.io.metadata import (
    DESCRIPTIVE_TAGS,
    EXIF_IFD,
    GPS_IFD,
    Values,
    bytes_reader,
    directory_values,
    sub_directory,
)
from imfuse.io.source import Metadata
from imfuse.io.tiff_header import file_reader

_CLASSIC_LIMIT = (4 << 30) - (64 << 20)
_NATIVE = "<" if sys.byteorder == "little" else ">"


def write_tiff(path: Path, samples: NDArray[Any], alpha: bool, metadata: Metadata) -> None:
    """Write (H, W, C) uint8, uint16 or float32 samples; the last is alpha if ``alpha``.

    Integers are compressed with deflate and a predictor, floats are stored as they are. BigTIFF from 4 GB on.
    """
    import tifffile

    colors = samples.shape[2] - alpha
    base = 3 if colors == 3 else 1
    extra = [0] * (colors - base) + [2] * alpha
    described, parts = _exif_values(metadata.exif)
    big = samples.nbytes > _CLASSIC_LIMIT
    options: dict[str, Any] = {"extrasamples": extra} if extra else {}
    if samples.shape[2] > 1:
        options["planarconfig"] = "contig"
    if samples.dtype.kind == "u":
        options |= {"compression": "zlib", "predictor": True, "compressionargs": {"level": 6}}
    if metadata.resolution:
        options |= {"resolution": metadata.resolution, "resolutionunit": 2}
    tifffile.imwrite(
        path,
        samples if samples.shape[2] > 1 else samples[:, :, 0],
        bigtiff=big,
        photometric="rgb" if base == 3 else "minisblack",
        iccprofile=metadata.icc,
        software=False,
        metadata=None,
        extratags=[(*value, True) for value in described] + [(tag + 1, 16 if big else 4, 1, 0, True) for tag in parts],
        **options,
    )
    for tag, values in parts.items():
        _append(path, tag, values)


def _exif_values(block: bytes | None) -> tuple[Values, dict[int, Values]]:
    """An EXIF block's descriptive tags and its Exif and GPS directories, in native byte order."""
    if not block:
        return [], {}
    read = bytes_reader(block)
    try:
        layout, first = read_header(read)
        directory = read_directory(read, layout, first)
        described = directory_values(read, layout, directory, _NATIVE, DESCRIPTIVE_TAGS)
        parts = {}
        for tag in (EXIF_IFD, GPS_IFD):
            sub = sub_directory(read, layout, directory, tag)
            if sub and (values := directory_values(read, layout, sub, _NATIVE, frozenset())):
                parts[tag] = values
    except (ValueError, struct.error):
        return [], {}
    return [value for value in described if value[1] == 2], parts


def _append(path: Path, tag: int, values: Values) -> None:
    """Put a directory at the end of the file and let the pointer ``tag`` of the first directory point to it.

    tifffile refuses to write pointers, so the unused number ``tag + 1``, of the same place in the sorted directory,
    holds the room and gets its right number here.
    """
    with file_reader(path) as (read, size):
        layout, first = read_header(read)
        pointer = read_directory(read, layout, first).entries[tag + 1]
    offset = size + size % 2
    with path.open("r+b") as file:
        file.seek(0, 2)
        file.write(b"\0" * (size % 2) + pack_directory(values, Layout(layout.order, layout.big), offset))
        file.seek(pointer.position - (12 if layout.big else 8))
        file.write(struct.pack(layout.order + "H", tag))
        file.seek(pointer.position)
        file.write(struct.pack(layout.order + ("Q" if layout.big else "I"), offset))

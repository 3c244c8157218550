"""WebP files as sources."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np

from imfuse.errors import SourceError
from imfuse.io.decoded import Decoded, DecodedFile, Header
from imfuse.io.limits import check_size
from imfuse.io.metadata import clean_exif, clean_icc, exif_resolution
from imfuse.io.naming import reading
from imfuse.io.source import Metadata

_BLOB_LIMIT = 16 << 20


@dataclass(slots=True)
class _Container:
    width: int = 0
    height: int = 0
    has_alpha: bool = False
    frames: int = 0
    blobs: dict[bytes, bytes] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def open_webp(path: Path, name: str) -> DecodedFile:
    """Open a WebP file: its container is walked now, its pixels decoded at the first read.

    Raises:
        SourceError: the file is truncated or damaged, or its header claims more than the file can hold.
    """
    with reading(name, "WebP"), path.open("rb") as file:
        size = path.stat().st_size
        found = _walk(file, size, name)
        check_size(name, "WebP", found.width, found.height, pixel_bytes=4, file_size=size)
        exif = clean_exif(found.blobs.get(b"EXIF"))
        icc, icc_notes = clean_icc(found.blobs.get(b"ICCP"), "RGB")
    notes = (*found.notes, *exif.notes, *icc_notes)
    if found.frames:
        notes = (*notes, f"animated WebP: the first of {found.frames} frames taken")
    header = Header(
        "WebP",
        found.height,
        found.width,
        3,
        np.dtype(np.uint8),
        found.has_alpha,
        exif.orientation,
        Metadata(exif.block, icc, exif_resolution(exif.block)),
        notes,
    )
    return DecodedFile(path, name, header, lambda: _decode(path, found.has_alpha))


def _walk(file: BinaryIO, size: int, name: str) -> _Container:
    """Sizes and metadata from the RIFF chunks, without decoding."""
    found = _Container()
    head = file.read(12)
    end = int.from_bytes(head[4:8], "little") + 8
    if len(head) < 12 or end > size:
        raise SourceError(f"{name}: truncated after {size} bytes of {end}: the WebP file is damaged; copy it again")
    position = 12
    while position + 8 <= end:
        file.seek(position)
        raw = file.read(8)
        kind, length = raw[:4], int.from_bytes(raw[4:], "little")
        if position + 8 + length > end:
            raise SourceError(
                f"{name}: truncated in its chunk at byte {position}: the WebP file is damaged; copy it again"
            )
        _take(found, file, kind, length)
        position += 8 + length + length % 2
    if not found.width:
        raise SourceError(f"{name}: holds no pixels: the WebP file is damaged; save it again")
    return found


def _take(found: _Container, file: BinaryIO, kind: bytes, length: int) -> None:
    if kind in (b"EXIF", b"ICCP"):
        if length <= _BLOB_LIMIT:
            found.blobs.setdefault(kind, file.read(length))
        else:
            found.notes.append(f"oversized {kind.decode()} chunk dropped")
    elif kind == b"ANMF":
        found.frames += 1
    elif kind == b"VP8X" and length >= 10:
        data = file.read(10)
        found.has_alpha = bool(data[0] & 0x10)
        found.width = int.from_bytes(data[4:7], "little") + 1
        found.height = int.from_bytes(data[7:10], "little") + 1
    elif kind == b"VP8 " and not found.width and length >= 10:
        data = file.read(10)
        found.width = int.from_bytes(data[6:8], "little") & 0x3FFF
        found.height = int.from_bytes(data[8:10], "little") & 0x3FFF
    elif kind == b"VP8L" and not found.width and length >= 5:
        bits = int.from_bytes(file.read(5)[1:], "little")
        found.width, found.height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        found.has_alpha = bool(bits >> 28 & 1)


def _decode(path: Path, has_alpha: bool) -> Decoded:
    from PIL import WebPImagePlugin

    with path.open("rb") as file, WebPImagePlugin.WebPImageFile(file) as picture:
        samples = np.array(picture.convert("RGBA" if has_alpha else "RGB"))
    return (samples[:, :, :3], samples[:, :, 3]) if has_alpha else (samples, None)

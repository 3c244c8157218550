"""Which picture formats there are: by the endings of names for output and folders, by content for input."""

from __future__ import annotations

import os
from pathlib import PurePath

FORMATS: dict[str, str] = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".bmp": "BMP",
    ".webp": "WebP",
}

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0\x08\0\0\0", "TIFF"),
    (b"MM\0+\0\x08\0\0", "TIFF"),
    (b"BM", "BMP"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"\x5c\x01\0\0", "NIfTI"),
    (b"\0\0\x01\x5c", "NIfTI"),
    (b"\x1c\x02\0\0n+2\0", "NIfTI"),
    (b"\0\0\x02\x1cn+2\0", "NIfTI"),
)
HEAD = 132
"""So many bytes of a file tell its format."""


def supported_endings() -> tuple[str, ...]:
    """The endings of file names that pictures are written with and that folder runs take."""
    return tuple(FORMATS)


def is_picture_name(path: str | os.PathLike[str]) -> bool:
    """Whether a folder run takes this file for a picture: by its ending, and not a hidden file."""
    name = PurePath(path)
    return name.suffix.lower() in FORMATS and not name.name.startswith(".")


def kind_of(head: bytes) -> str | None:
    """The format that a file's first :data:`HEAD` bytes show, or None, as for NIfTI that is gzipped."""
    if head[128:132] == b"DICM":  # before it may stand anything, the beginning of a TIFF too
        return "DICOM"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WebP"
    return next((kind for magic, kind in _MAGIC if head.startswith(magic)), None)

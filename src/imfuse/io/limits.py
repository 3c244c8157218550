"""What a header may claim before anything is allocated for it."""

from __future__ import annotations

from imfuse.errors import SourceError

DECODED_LIMIT = 2 << 30
"""Bytes that a wholly decoded file, or a strip or tile, may have: 2 GiB."""

FREE_PIXELS = 1 << 24
"""Pictures up to this many pixels (16.8 million) are small enough to need no plausibility check."""

SCAN = b"\xff\xda"
"""The marker of a scan; in coded pixels a byte 0xFF is followed by other values."""

_FREE_SCANS = 40
_SCANNED_PIXELS = 128 * FREE_PIXELS

# The most pixels that a stored byte can stand for, generously:
# PNG: deflate reaches 1032:1, and a pixel is one bit at the least;
# JPEG: about one bit per 8 × 8 block is 512; chroma subsampling and arithmetic coding stay below 8 times that;
# WebP: a lossless picture of one colour needs no bits at all; such pictures beyond FREE_PIXELS are refused;
# BMP: run lengths, 255 pixels in two bytes; GIF: LZW, a code of 12 bits stands for at most 4096 pixels.
PIXELS_PER_BYTE = {"PNG": 1040 * 8, "JPEG": 4096, "WebP": 1 << 12, "BMP": 1024, "GIF": 8192}


def size_text(size: int) -> str:
    """A number of bytes for a message: ``"1.5 MB"``."""
    value, unit = float(size), "bytes"
    for larger in ("kB", "MB", "GB"):
        if value < 1000:
            break
        value, unit = value / 1000, larger
    return f"{value:.0f} {unit}" if unit == "bytes" else f"{value:.1f} {unit}"


def bomb(name: str, width: int, height: int, file_size: int) -> SourceError:
    """The error for a header that cannot be true for a file of this size."""
    return SourceError(
        f"{name}: the header says {width} × {height} pixels, which a file of {size_text(file_size)} cannot hold: "
        "it is damaged or a decompression bomb; nothing was decoded"
    )


def check_size(name: str, kind: str, width: int, height: int, *, pixel_bytes: int, file_size: int) -> None:
    """Refuse sizes that are empty, too large to decode whole, or implausible for the file's size.

    Args:
        name: the source as messages call it.
        kind: the format, a key of ``PIXELS_PER_BYTE``.
        width: columns that the header claims.
        height: rows that the header claims.
        pixel_bytes: bytes of a decoded pixel.
        file_size: bytes of the file.

    Raises:
        SourceError: the size is refused.
    """
    if width <= 0 or height <= 0:
        raise SourceError(f"{name}: the header says {width} × {height} pixels; the file is damaged or holds no picture")
    pixels = width * height
    if pixels > FREE_PIXELS and pixels > PIXELS_PER_BYTE[kind] * file_size:
        raise bomb(name, width, height, file_size)
    if pixels * pixel_bytes > DECODED_LIMIT:
        raise SourceError(
            f"{name}: {width} × {height} pixels are {size_text(pixels * pixel_bytes)} decoded (the file has "
            f"{size_text(file_size)}); {kind} is decoded whole, up to {size_text(DECODED_LIMIT)}: if it is no "
            "decompression bomb, save it as a tiled TIFF, which is read in blocks, or crop it"
        )


def check_scans(name: str, pixels: int, scans: int) -> None:
    """Refuse scans that would take a decoder minutes: an empty one takes a few bytes, and the time of all pixels.

    A progressive picture has about ten. Their number times that of the pixels bounds the time.

    Raises:
        SourceError: they are too many for a picture of this many pixels.
    """
    if scans > _FREE_SCANS and scans * pixels > _SCANNED_PIXELS:
        raise SourceError(
            f"{name}: a JPEG of {scans} scans, each over the whole picture: it is damaged or made to keep a decoder "
            "busy; nothing was decoded"
        )

"""Interlaced PNG files: seven small pictures in one, decoded one by one and put in their places."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imfuse.io.png_chunks import SIGNATURE, PngChunks, chunk

Decode = Callable[[bytes], NDArray[Any]]

_PASSES = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
"""First row, first column, and steps down and across of each pass (Adam7)."""

_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


def deinterlaced(stream: bytes, chunks: PngChunks, decode: Decode) -> NDArray[Any]:
    """The samples (H, W, channels) of an interlaced picture.

    libpng does it too, but imagecodecs asks it in a way that makes it print a warning for every such file.

    Args:
        stream: what ``pixel_stream`` gives: signature, header, pixels and end.
        chunks: of the file.
        decode: from a PNG stream that is not interlaced to its samples.

    Raises:
        ValueError: there are fewer rows than the header says.
        zlib.error: the pixels cannot be unpacked.
    """
    samples = _SAMPLES[chunks.color]
    rows = memoryview(_unpacked(stream, chunks))
    out: NDArray[Any] = np.empty((chunks.height, chunks.width, samples), np.uint16 if chunks.depth == 16 else np.uint8)
    place = 0
    for (top, left, down, across), size in zip(_PASSES, _pass_bytes(chunks), strict=True):
        if size:
            part = out[top::down, left::across]
            head = struct.pack(">II", part.shape[1], part.shape[0]) + _header(chunks)
            data = zlib.compress(rows[place : place + size], 0)
            picture = SIGNATURE + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
            part[:] = decode(picture).reshape(part.shape)
        place += size
    return out


def _header(chunks: PngChunks) -> bytes:
    """The header after width and height, of a picture that is not interlaced; palette indices are gray levels."""
    return bytes([chunks.depth, 0 if chunks.color == 3 else chunks.color, 0, 0, 0])


def _pass_bytes(chunks: PngChunks) -> list[int]:
    """Unpacked bytes of every pass; every row begins with its filter, and an empty pass has none."""
    bits, sizes = _SAMPLES[chunks.color] * chunks.depth, []
    for top, left, down, across in _PASSES:
        height, width = len(range(top, chunks.height, down)), len(range(left, chunks.width, across))
        sizes.append(height * (1 + (width * bits + 7) // 8) if width else 0)
    return sizes


def _unpacked(stream: bytes, chunks: PngChunks) -> bytes:
    """The rows of all passes, no more of them than the header says."""
    total = sum(_pass_bytes(chunks))
    place, packed = len(SIGNATURE) + 25, []
    view = memoryview(stream)
    while stream[place + 4 : place + 8] == b"IDAT":
        length = int.from_bytes(stream[place : place + 4], "big")
        packed.append(view[place + 8 : place + 8 + length])
        place += 12 + length
    rows = zlib.decompressobj().decompress(b"".join(packed), total)
    if len(rows) < total:
        raise ValueError(f"{len(rows)} of {total} bytes of its rows are there")
    return rows

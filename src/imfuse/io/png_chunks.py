"""The chunks of a PNG file: walked, checked and read without decoding a pixel."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field
from typing import BinaryIO

from imfuse.errors import SourceError

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_SMALL_CHUNKS = frozenset({b"PLTE", b"tRNS", b"iCCP", b"eXIf", b"pHYs", b"acTL"})
_NEEDED_CHUNKS = frozenset({b"PLTE", b"tRNS"})
_SMALL_LIMIT = 16 << 20
_PROFILE_LIMIT = 16 << 20
_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}


@dataclass(slots=True)
class PngChunks:
    """What the chunks of a PNG file say.

    Attributes:
        width: columns.
        height: rows.
        depth: bits per sample: 1, 2, 4, 8 or 16.
        color: 0 gray, 2 RGB, 3 palette, 4 gray + alpha, 6 RGB + alpha.
        header: the 13 bytes of IHDR.
        pixels: position and length of the IDAT chunks' data.
        small: the data of the small chunks that were whole.
        notes: chunks that were dropped.
    """

    width: int = 0
    height: int = 0
    depth: int = 0
    color: int = 0
    header: bytes = b""
    pixels: list[tuple[int, int]] = field(default_factory=list)
    small: dict[bytes, bytes] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def _damaged(name: str, why: str) -> SourceError:
    return SourceError(f"{name}: {why}: the PNG file is damaged; copy or save it again")


def chunk(kind: bytes, data: bytes) -> bytes:
    """A whole chunk: length, type, data and check sum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))


def walk(file: BinaryIO, size: int, name: str) -> PngChunks:
    """Read every chunk's header and the small chunks' data, up to IEND.

    Raises:
        SourceError: the file is truncated, or a chunk that the pixels need is damaged.
    """
    found = PngChunks()
    position = len(SIGNATURE)
    while True:
        file.seek(position)
        head = file.read(8)
        if len(head) < 8 or position + 12 > size:
            raise _damaged(name, f"truncated after {size} bytes")
        length, kind = int.from_bytes(head[:4], "big"), head[4:]
        if not found.header and kind != b"IHDR":
            raise _damaged(name, "does not begin with its header")
        if not kind.isalpha() or not kind.isascii():
            raise _damaged(name, f"no chunk at byte {position}")
        if position + 12 + length > size:
            raise _damaged(name, f"truncated after {size} bytes")
        if kind == b"IEND":
            break
        _take(found, file, kind, length, name)
        position += 12 + length
    if not found.pixels:
        raise _damaged(name, "holds no pixels")
    if found.color == 3 and b"PLTE" not in found.small:
        raise _damaged(name, "has no palette")
    palette = len(found.small[b"PLTE"]) if found.color == 3 else 3
    if palette % 3 or not 0 < palette <= 3 * 256:
        raise _damaged(name, f"has a palette of {palette} bytes")
    return found


def _take(found: PngChunks, file: BinaryIO, kind: bytes, length: int, name: str) -> None:
    if kind == b"IDAT":
        found.pixels.append((file.tell(), length))
    elif kind == b"IHDR":
        if found.header or length != 13:
            raise _damaged(name, "its header is broken")
        _take_header(found, _checked(file, kind, length, name) or b"", name)
    elif kind in _NEEDED_CHUNKS and found.pixels:
        # Decoders that read the file once have shown the pixels before.
        found.notes.append(f"{kind.decode()} chunk after the pixels dropped")
    elif kind in _SMALL_CHUNKS and kind not in found.small:
        data = _checked(file, kind, length, name) if length <= _SMALL_LIMIT else None
        if data is not None:
            found.small[kind] = data
        else:
            found.notes.append(f"damaged {kind.decode()} chunk dropped")
    elif kind[:1].isupper() and kind != b"PLTE":
        raise _damaged(name, f"unknown chunk {kind.decode()}")


def _checked(file: BinaryIO, kind: bytes, length: int, name: str) -> bytes | None:
    data = file.read(length)
    if file.read(4) == struct.pack(">I", zlib.crc32(data, zlib.crc32(kind))):
        return data
    if kind in _NEEDED_CHUNKS or kind == b"IHDR":
        raise _damaged(name, f"wrong check sum in {kind.decode()}")
    return None


def _take_header(found: PngChunks, data: bytes, name: str) -> None:
    found.header = data
    found.width, found.height, found.depth, found.color, compression, filtering, interlace = struct.unpack(
        ">IIBBBBB", data
    )
    if found.depth not in _DEPTHS.get(found.color, ()) or compression or filtering or interlace > 1:
        raise _damaged(name, "its header is broken")


def pixel_stream(file: BinaryIO, chunks: PngChunks, name: str) -> bytes:
    """A PNG stream of nothing but header and pixels, every check sum verified; palette indices become gray levels.

    Raises:
        SourceError: the pixels are damaged.
    """
    header = chunks.header[:9] + (b"\0" if chunks.color == 3 else chunks.header[9:10]) + chunks.header[10:]
    parts = [SIGNATURE, chunk(b"IHDR", header)]
    for position, length in chunks.pixels:
        file.seek(position - 8)
        raw = file.read(length + 12)
        if len(raw) < length + 12 or zlib.crc32(memoryview(raw)[4:-4]) != int.from_bytes(raw[-4:], "big"):
            raise _damaged(name, f"wrong check sum in the pixels at byte {position}")
        parts.append(raw)
    parts.append(chunk(b"IEND", b""))
    return b"".join(parts)


def profile(chunks: PngChunks) -> bytes | None:
    """The ICC profile of an iCCP chunk; ``b"damaged"`` if it cannot be unpacked, None if there is none."""
    data = chunks.small.get(b"iCCP")
    if data is None:
        return None
    _, _, packed = data.partition(b"\0")
    try:
        return zlib.decompressobj().decompress(packed[1:], _PROFILE_LIMIT) or b"damaged"
    except zlib.error:
        return b"damaged"


def resolution(chunks: PngChunks) -> tuple[float, float] | None:
    """Pixels per inch of a pHYs chunk, if its unit is the metre."""
    data = chunks.small.get(b"pHYs", b"")
    if len(data) != 9 or data[8] != 1:
        return None
    horizontal, vertical = struct.unpack(">II", data[:8])
    return round(horizontal * 0.0254, 3), round(vertical * 0.0254, 3)

"""Mutations of WebP, BMP and GIF files."""

from __future__ import annotations

import struct

from hostile.blobs import hostile_exif, hostile_icc, hostile_text
from hostile.damage import DAMAGE, Rng, below, extreme, garbage, pick

Chunk = tuple[bytes, bytes]


def split_webp(data: bytes) -> list[Chunk]:
    chunks, place = [], 12
    while place + 8 <= len(data):
        length = int.from_bytes(data[place + 4 : place + 8], "little")
        chunks.append((data[place : place + 4], data[place + 8 : place + 8 + length]))
        place += 8 + length + length % 2
    return chunks


def joined_webp(chunks: list[Chunk]) -> bytes:
    body = b"".join(kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2) for kind, data in chunks)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def webp_contents(rng: Rng, data: bytes) -> bytes:
    chunks = split_webp(data)
    place = below(rng, len(chunks))
    chunks[place] = (chunks[place][0], pick(rng, DAMAGE)(rng, chunks[place][1]))
    return joined_webp(chunks)


def webp_order(rng: Rng, data: bytes) -> bytes:
    chunks = split_webp(data)
    taken = chunks.pop(below(rng, len(chunks)))
    place = below(rng, len(chunks) + 1)
    chunks[place:place] = [taken] * below(rng, 4)
    return joined_webp(chunks)


def webp_canvas(rng: Rng, data: bytes) -> bytes:
    """Flags and sizes of the canvas, or of the picture itself."""
    chunks = split_webp(data)
    kind, body = chunks[0]
    out = bytearray(body)
    places = (0, 4, 5, 6, 7, 8, 9) if kind == b"VP8X" else (0, 1, 2, 3, 4, 6, 7, 8, 9)
    for _ in range(int(rng.integers(1, 4))):
        out[pick(rng, places)] = pick(rng, (0, 1, 0x10, 0x3F, 0x7F, 0xFF, below(rng, 256)))
    chunks[0] = (kind, bytes(out))
    return joined_webp(chunks)


def webp_length(rng: Rng, data: bytes) -> bytes:
    chunks = split_webp(data)
    place = pick(rng, (4, len(joined_webp(chunks[: below(rng, len(chunks))])) + 4))
    return data[:place] + struct.pack("<I", extreme(rng, 4)) + data[place + 4 :]


def webp_metadata(rng: Rng, data: bytes) -> bytes:
    """EXIF, profile, packet and unknown chunks in an extended file."""
    chunks = [part for part in split_webp(data) if part[0] not in (b"EXIF", b"ICCP", b"XMP ")]
    if chunks[0][0] != b"VP8X":
        return data
    icc, exif, packet = hostile_icc(rng), hostile_exif(rng), hostile_text(rng)
    flags = chunks[0][1][0] & ~0x2C | 0x20 | 0x08 | 0x04
    chunks[0] = (b"VP8X", bytes([flags]) + chunks[0][1][1:])
    chunks[1:1] = [(b"ICCP", icc)]
    return joined_webp([*chunks, (b"EXIF", exif), (b"XMP ", packet), (b"abcd", garbage(rng))])


def bmp_field(rng: Rng, data: bytes) -> bytes:
    """Offset, header size, width, height, planes, depth, compression, number of colours."""
    place, size = pick(rng, ((2, 4), (10, 4), (14, 4), (18, 4), (22, 4), (26, 2), (28, 2), (30, 4), (34, 4), (46, 4)))
    small = pick(rng, (0, 1, 2, 3, 4, 5, 6, 8, 12, 16, 24, 32, 40, 56, 64, 108, 124))
    near = int.from_bytes(data[place : place + size], "little") + pick(rng, (-1, 1, 8))
    value = pick(rng, (small, max(near, 0), extreme(rng, size))) & ((1 << 8 * size) - 1)
    return data[:place] + value.to_bytes(size, "little") + data[place + size :]


def bmp_body(rng: Rng, data: bytes) -> bytes:
    start = int.from_bytes(data[10:14], "little")
    return data[:start] + pick(rng, DAMAGE)(rng, data[start:])


def bmp_resolution(rng: Rng, data: bytes) -> bytes:
    """Pixels per metre and the number of important colours say nothing of the pixels."""
    place = pick(rng, (38, 42, 50))
    return data[:place] + struct.pack("<I", extreme(rng, 4)) + data[place + 4 :]


def _after_palette(data: bytes) -> int:
    return 13 + (3 * 2 ** ((data[10] & 7) + 1) if data[10] & 0x80 else 0)


def gif_field(rng: Rng, data: bytes) -> bytes:
    """Screen, flags, the frame's place and size, the length of its codes."""
    frame = data.index(b",\0\0\0\0", _after_palette(data))
    place = pick(rng, (6, 7, 8, 9, 10, 11, 12, *range(frame, frame + 12)))
    value = pick(rng, (0, 1, 2, 8, 12, 13, 0x40, 0x80, 0x87, 0xFF, below(rng, 256)))
    return data[:place] + bytes([value]) + data[place + 1 :]


def gif_codes(rng: Rng, data: bytes) -> bytes:
    start = data.index(b",\0\0\0\0", _after_palette(data)) + 10
    return data[:start] + pick(rng, DAMAGE)(rng, data[start:])


def gif_blocks(rng: Rng, data: bytes) -> bytes:
    """Very many frames, which are counted and not decoded."""
    start = data.index(b",\0\0\0\0", _after_palette(data))
    return data[:start] + data[start:-1] * int(rng.integers(2, 300)) + b";"


def gif_extension(rng: Rng, data: bytes) -> bytes:
    """Comments and application blocks, in which readers may believe."""
    place = _after_palette(data)
    text = pick(rng, (hostile_text(rng), garbage(rng))) or b"some"
    blocks = b"".join(bytes([len(part)]) + part for part in (text[i : i + 255] for i in range(0, len(text), 255)))
    name = pick(rng, (b"NETSCAPE2.0", b"ICCRGBG1012", b"XMP DataXMP", b"unknown1234"))
    head = pick(rng, (b"!\xfe", b"!\xff\x0b" + name, b"!\x77"))
    return data[:place] + head + blocks + b"\0" + data[place:]


WEBP_HARMFUL = (webp_contents, webp_contents, webp_order, webp_canvas, webp_length)
WEBP_HARMLESS = (webp_metadata,)
BMP_HARMFUL = (bmp_field, bmp_field, bmp_field, bmp_body)
BMP_HARMLESS = (bmp_resolution,)
GIF_HARMFUL = (gif_field, gif_field, gif_codes, gif_blocks)
GIF_HARMLESS = (gif_extension,)

"""Mutations of JPEG files, segment by segment."""

from __future__ import annotations

import struct

from hostile.blobs import hostile_exif, hostile_icc, hostile_text
from hostile.damage import DAMAGE, Rng, below, extreme, garbage, pick

Segment = tuple[int, bytes]
_FRAMES = (0xC0, 0xC1, 0xC2, 0xC3)


def split(data: bytes) -> tuple[list[Segment], bytes]:
    """The segments between the beginning and the first scan, and everything from there on."""
    segments, place = [], 2
    while data[place + 1] != 0xDA:
        length = int.from_bytes(data[place + 2 : place + 4], "big")
        segments.append((data[place + 1], data[place + 4 : place + 2 + length]))
        place += 2 + length
    return segments, data[place:]


def joined(segments: list[Segment], rest: bytes) -> bytes:
    parts = [struct.pack(">BBH", 0xFF, marker, len(body[:65533]) + 2) + body[:65533] for marker, body in segments]
    return b"\xff\xd8" + b"".join(parts) + rest


def frame_field(rng: Rng, data: bytes) -> bytes:
    """Precision, height, width, number of components or their sampling set to something else."""
    segments, rest = split(data)
    place = next(i for i, (marker, _) in enumerate(segments) if marker in _FRAMES)
    marker, body = segments[place]
    out = bytearray(body)
    for _ in range(int(rng.integers(1, 3))):
        if rng.random() < 0.5:
            at = pick(rng, (1, 3))
            out[at : at + 2] = struct.pack(">H", extreme(rng, 2))
        else:
            out[below(rng, len(out))] = pick(rng, (0, 1, 2, 3, 4, 0x11, 0x12, 0x21, 0x44, 0xFF, below(rng, 256)))
    if rng.random() < 0.2:
        marker = 0xC0 + below(rng, 16)
    segments[place] = (marker, bytes(out))
    return joined(segments, rest)


def segment_contents(rng: Rng, data: bytes) -> bytes:
    segments, rest = split(data)
    place = below(rng, len(segments))
    segments[place] = (segments[place][0], pick(rng, DAMAGE)(rng, segments[place][1]))
    return joined(segments, rest)


def segment_order(rng: Rng, data: bytes) -> bytes:
    segments, rest = split(data)
    taken = segments.pop(below(rng, len(segments)))
    place = below(rng, len(segments) + 1)
    segments[place:place] = [taken] * below(rng, 4)
    return joined(segments, rest)


def segment_length(rng: Rng, data: bytes) -> bytes:
    segments, _ = split(data)
    place = len(joined(segments[: below(rng, len(segments))], b""))
    return data[: place + 2] + extreme(rng, 2).to_bytes(2, "big") + data[place + 4 :]


def marker(rng: Rng, data: bytes) -> bytes:
    segments, rest = split(data)
    place = below(rng, len(segments))
    segments[place] = (below(rng, 256), segments[place][1])
    return joined(segments, rest)


def scan(rng: Rng, data: bytes) -> bytes:
    """The scan's header or its coded pixels damaged."""
    segments, rest = split(data)
    return joined(segments, pick(rng, DAMAGE)(rng, rest))


def many_scans(rng: Rng, data: bytes) -> bytes:
    """Scans over and over, whole or empty: slow for a decoder that does each of them on a large picture."""
    segments, rest = split(data)
    place = next(i for i, (kind, _) in enumerate(segments) if kind in _FRAMES)
    kind, body = segments[place]
    segments[place] = (pick(rng, (0xC2, kind)), body[:1] + struct.pack(">HH", 4000, 4000) + body[5:])
    again = rest.removesuffix(b"\xff\xd9")
    if rng.random() < 0.5:
        empty = again[: 2 + int.from_bytes(again[2:4], "big")]
        return joined(segments, again + empty * int(rng.integers(100, 30_000)) + b"\xff\xd9")
    return joined(segments, again * int(rng.integers(2, 200)) + b"\xff\xd9")


def _inserted(rng: Rng, data: bytes, *new: Segment) -> bytes:
    """The file with segments put after the JFIF header, instead of EXIF where the new ones are EXIF."""
    segments, rest = split(data)
    if any(body.startswith(b"Exif\0") for _, body in new):
        segments = [part for part in segments if not part[1].startswith(b"Exif\0")]
    place = 1 if segments[0][0] == 0xE0 else 0
    segments[place:place] = new
    return joined(segments, rest)


def exif(rng: Rng, data: bytes) -> bytes:
    blocks = [(0xE1, b"Exif\0\0" + hostile_exif(rng)) for _ in range(pick(rng, (1, 1, 2, 5)))]
    return _inserted(rng, data, *blocks)


def icc(rng: Rng, data: bytes) -> bytes:
    """Parts of a profile, numbered rightly or not."""
    count = pick(rng, (1, 1, 1, 2, 3, 255))
    head = b"ICC_PROFILE\0"
    numbers = [pick(rng, (i + 1, i + 1, i + 1, 0, 1, 255)) for i in range(min(count, 4))]
    parts = [(0xE2, head + bytes([number, count]) + hostile_icc(rng)) for number in numbers]
    segments, rest = split(data)
    others = [part for part in segments if not part[1].startswith(head)]
    return _inserted(rng, joined(others, rest), *parts)


def application(rng: Rng, data: bytes) -> bytes:
    """Application segments and comments that say nothing of the pixels."""
    photoshop = b"Photoshop 3.0\0" + hostile_text(rng)
    pictures = b"MPF\0" + pick(rng, (hostile_exif(rng), garbage(rng)))
    packet = b"http://ns.adobe.com/xap/1.0/\0" + hostile_text(rng)
    known = ((0xED, photoshop), (0xE2, pictures), (0xE1, packet), (0xFE, hostile_text(rng)), (0xE2, b"FPXR\0"))
    other = (0xE3 + below(rng, 10), garbage(rng, 3000))
    return _inserted(rng, data, *(pick(rng, (*known, other)) for _ in range(int(rng.integers(1, 4)))))


HARMFUL = (
    frame_field,
    frame_field,
    segment_contents,
    segment_contents,
    segment_order,
    segment_length,
    marker,
    scan,
    many_scans,
)
HARMLESS = (exif, exif, icc, icc, application)

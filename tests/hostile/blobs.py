"""EXIF blocks, ICC profiles and texts as no camera writes them; what is around them stays valid."""

from __future__ import annotations

import struct
import zlib

from hostile.damage import DAMAGE, Rng, below, extreme, garbage, pick
from hostile.seeds import exif_block, profile_header, rgb_profile


def _entry(order: str, tag: int, kind: int, count: int, value: int) -> bytes:
    return struct.pack(order + "HHII", tag, kind, count & 0xFFFFFFFF, value & 0xFFFFFFFF)


def _directory(order: str, entries: list[bytes], following: int) -> bytes:
    return struct.pack(order + "H", len(entries)) + b"".join(entries) + struct.pack(order + "I", following & 0xFFFFFFFF)


_TAGS = (
    270,
    271,
    274,
    282,
    283,
    296,
    305,
    306,
    513,
    514,
    34665,
    34853,
    37500,
    40962,
    40963,
    40965,
    41486,
    700,
    0,
    65535,
)


def made_exif(rng: Rng) -> bytes:
    """A block with directories of extreme entries, which may point to themselves, to one another or nowhere."""
    order = pick(rng, ("<", ">"))
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    entries = []
    for _ in range(int(rng.integers(1, 12))):
        kind = below(rng, 20) if rng.random() < 0.3 else pick(rng, (1, 2, 3, 4, 5, 7, 9, 10, 13))
        count = extreme(rng, 4) if rng.random() < 0.4 else int(rng.integers(0, 4))
        value = pick(rng, (8, 0, 10, 200, extreme(rng, 4)))
        entries.append(_entry(order, pick(rng, _TAGS), kind, count, value))
    entries.append(_entry(order, 274, 3, 1, pick(rng, (0, 1, 3, 6, 8, 9, 65535)) << (16 if order == ">" else 0)))
    body = _directory(order, entries, pick(rng, (0, 8, 10, 200, extreme(rng, 4))))
    return head + body + rng.bytes(below(rng, 100))


def overlapping_exif(rng: Rng) -> bytes:
    """An Exif directory of many long values that all are the same bytes; copied one by one they would be gigabytes."""
    count, size = int(rng.integers(100, 4097)), int(rng.integers(1000, 60_000))
    first = _directory("<", [_entry("<", 34665, 4, 1, 26)], 0)
    inner = _directory("<", [_entry("<", 40_000 + i, 7, size, 0) for i in range(count)], 0)
    return (b"II*\0\x08\0\0\0" + first + inner).ljust(size + 8, b"x")


def hostile_exif(rng: Rng) -> bytes:
    """An EXIF block without prefix: damaged, made up, or not one at all."""
    if rng.random() < 0.3:
        return pick(rng, (garbage, made_exif, made_exif, overlapping_exif))(rng)
    block = exif_block(pick(rng, (1, 1, 3, 6, 8)))
    choice = below(rng, 4)
    if choice == 0:  # a pointer or a count within the directories
        place = 8 + 2 * below(rng, (len(block) - 8) // 2)
        return block[:place] + extreme(rng, 4).to_bytes(4, pick(rng, ("little", "big"))) + block[place + 4 :]
    if choice == 1:
        return block[: below(rng, len(block))]
    if choice == 2:
        return b"Exif\0\0" * below(rng, 3) + block
    return pick(rng, DAMAGE)(rng, block)


def hostile_icc(rng: Rng) -> bytes:
    """An ICC profile: damaged, of another colour space, with wrong sizes, or not one at all."""
    profile = rgb_profile()
    choice = below(rng, 6)
    if choice == 0:
        return garbage(rng)
    if choice == 1:
        return profile_header(pick(rng, (b"GRAY", b"RGB ", b"CMYK", b"Lab ", b"\xff\0\n\x1b", b"    ")))
    if choice == 2:
        return extreme(rng, 4).to_bytes(4, "big") + profile[4:]
    if choice == 3:
        return profile[: below(rng, len(profile))]
    if choice == 4:  # the table of tags
        place = 128 + 4 * below(rng, 30)
        return profile[:place] + extreme(rng, 4).to_bytes(4, "big") + profile[place + 4 :]
    return pick(rng, DAMAGE)(rng, profile)


def hostile_text(rng: Rng) -> bytes:
    """A description, packet or comment that some reader might believe."""
    words = (
        b"ImageJ=1.53t\nimages=99999999\nslices=1000000\n",
        b'{"shape": [0, 99999999, -1]}',
        b'<?xml version="1.0"?><OME><Image><Pixels SizeX="99999999" SizeY="-1" Type="float"/></Image></OME>',
        b'<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;&b;">]><OME>&c;</OME>',
        b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:Description tiff:Orientation='6'/></x:xmpmeta>",
        b"8BIM\x03\xed\0\0\0\0\0\x10" + b"\xff" * 16,
        b"MetaMorph\0",
        b"SVG\0Image\0\n\r\x1b[31m",
    )
    return pick(rng, words) + b"\0" if rng.random() < 0.6 else garbage(rng, 2000)


def packed_text(rng: Rng) -> bytes:
    """A compressed text that becomes far larger than it is, or does not unpack."""
    packed = zlib.compress(bytes(pick(rng, (100, 10_000, 20_000_000))), 9)
    return packed if rng.random() < 0.6 else pick(rng, DAMAGE)(rng, packed)

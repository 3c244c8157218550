"""Mutations of TIFF files, entry by entry of their first directory."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from hostile.blobs import hostile_exif, hostile_icc, hostile_text
from hostile.damage import Rng, below, extreme, garbage, pick

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_CODES = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
_SIZE_TAGS = (256, 257, 278, 322, 323)
_SEGMENT_TAGS = (273, 279, 324, 325)
_SAMPLE_TAGS = (258, 259, 262, 266, 277, 284, 317, 320, 338, 339, 347, 512, 529, 530, 532, 32997)


@dataclass
class Tag:
    """An entry: the value's bytes, in the file's byte order; count as the entry will say, whatever the bytes are."""

    number: int
    kind: int
    count: int
    value: bytes


@dataclass
class Parts:
    """A file's first directory, and everything that stays where it is."""

    data: bytes
    order: str
    big: bool
    tags: list[Tag]
    following: int


def split(data: bytes) -> Parts:
    """The first directory of a valid file."""
    order = "<" if data[:2] == b"II" else ">"
    big = data[2:4] in (b"+\0", b"\0+")
    offset = struct.unpack(order + "Q", data[8:16])[0] if big else struct.unpack(order + "I", data[4:8])[0]
    head, code = ("Q", "Q") if big else ("H", "I")
    size, width = struct.calcsize("=" + head), struct.calcsize("=" + code)
    count = struct.unpack_from(order + head, data, offset)[0]
    tags = []
    for place in range(offset + size, offset + size + count * (4 + 2 * width), 4 + 2 * width):
        number, kind, values = struct.unpack_from(order + "HH" + code, data, place)
        length = _SIZES[kind] * values
        start = place + 4 + width if length <= width else struct.unpack_from(order + code, data, place + 4 + width)[0]
        tags.append(Tag(number, kind, values, data[start : start + length]))
    following = struct.unpack_from(order + code, data, offset + size + count * (4 + 2 * width))[0]
    return Parts(data, order, big, tags, following)


def joined(parts: Parts, loop: bool = False, entries: int | None = None) -> bytes:
    """The file with its first directory written anew at the end.

    Args:
        parts: what to write.
        loop: let the directory be its own next one.
        entries: what the directory says of its length, if not the truth.
    """
    order, head, code = parts.order, "Q" if parts.big else "H", "Q" if parts.big else "I"
    size, width = struct.calcsize("=" + head), struct.calcsize("=" + code)
    data = parts.data + b"\0" * (len(parts.data) % 2)
    offset = len(data)
    place = offset + size + len(parts.tags) * (4 + 2 * width) + width
    body, heap = b"", b""
    limit = (1 << 8 * width) - 1
    for tag in parts.tags:
        body += struct.pack(order + "HH" + code, tag.number, tag.kind, tag.count & limit)
        if len(tag.value) <= width:
            body += tag.value.ljust(width, b"\0")
        else:
            body += struct.pack(order + code, place + len(heap))
            heap += tag.value + b"\0" * (len(tag.value) % 2)
    count = len(parts.tags) if entries is None else entries & ((1 << 8 * size) - 1)
    following = offset if loop else parts.following
    directory = struct.pack(order + head, count) + body + struct.pack(order + code, following & limit) + heap
    start = data[:8] + struct.pack(order + "Q", offset) if parts.big else data[:4] + struct.pack(order + "I", offset)
    return start + data[len(start) :] + directory


def _set(rng: Rng, parts: Parts, tag: Tag) -> None:
    """One of the tag's values set to something else of its type."""
    size = _SIZES.get(tag.kind, 1)
    place = size * below(rng, max(len(tag.value) // size, 1))
    old = struct.unpack(parts.order + _CODES[tag.kind], tag.value[place : place + size])[0] if tag.kind in _CODES else 0
    near = max(old + pick(rng, (-16, -1, 1, 2, 16, 100)), 0)
    new = pick(rng, (near, extreme(rng, size))) & ((1 << 8 * size) - 1)
    value = new.to_bytes(size, "little" if parts.order == "<" else "big")
    tag.value = tag.value[:place] + value + tag.value[place + size :]


def _mutate_tags(rng: Rng, data: bytes, numbers: tuple[int, ...]) -> bytes:
    parts = split(data)
    found = [tag for tag in parts.tags if tag.number in numbers] or parts.tags
    for _ in range(int(rng.integers(1, 3))):
        _set(rng, parts, pick(rng, found))
    return joined(parts)


def size_tags(rng: Rng, data: bytes) -> bytes:
    """Width, height, rows of a strip, sides of a tile."""
    return _mutate_tags(rng, data, _SIZE_TAGS)


def segment_tags(rng: Rng, data: bytes) -> bytes:
    """Offsets and byte counts of strips or tiles."""
    return _mutate_tags(rng, data, _SEGMENT_TAGS)


def sample_tags(rng: Rng, data: bytes) -> bytes:
    """Depth, compression, colour, samples, planes, predictor, palette, extra samples, sample format, tables."""
    parts = split(data)
    number = pick(rng, _SAMPLE_TAGS)
    tag = next((tag for tag in parts.tags if tag.number == number), None)
    values = (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 16, 32, 64, 255, 32773, 32946, 34712, 34925, 50000, 65535)
    if tag is None:
        tag = Tag(number, 3, 1, b"\0\0")
        parts.tags.append(tag)
        parts.tags.sort(key=lambda other: other.number)
    if rng.random() < 0.7 and tag.kind == 3:
        tag.value = struct.pack(parts.order + "H", pick(rng, values)) * min(tag.count, 64)
    else:
        _set(rng, parts, tag)
    return joined(parts)


def any_tag(rng: Rng, data: bytes) -> bytes:
    """A tag's type, count, bytes or number."""
    parts = split(data)
    tag = pick(rng, parts.tags)
    action = below(rng, 5)
    if action == 0:
        tag.kind = below(rng, 20)
    elif action == 1:
        tag.count = extreme(rng, 8 if parts.big else 4)
    elif action == 2:
        tag.value = garbage(rng, len(tag.value))
    elif action == 3:
        tag.number = pick(rng, (*_SIZE_TAGS, *_SEGMENT_TAGS, *_SAMPLE_TAGS, below(rng, 65536)))
    else:
        tag.value, tag.count = tag.value * 300, tag.count * 300
    return joined(parts)


def tag_order(rng: Rng, data: bytes) -> bytes:
    """A tag left out or doubled, or all in another order."""
    parts = split(data)
    action = below(rng, 3)
    if action == 0:
        parts.tags.pop(below(rng, len(parts.tags)))
    elif action == 1:
        parts.tags.insert(below(rng, len(parts.tags)), pick(rng, parts.tags))
    else:
        parts.tags = [parts.tags[i] for i in rng.permutation(len(parts.tags))]
    return joined(parts)


def entry_count(rng: Rng, data: bytes) -> bytes:
    return joined(split(data), entries=extreme(rng, 8))


def empty_giant(rng: Rng, data: bytes) -> bytes:
    """A large picture all or nearly all of whose strips or tiles are left out."""
    parts = split(data)
    for tag in parts.tags:
        if tag.number in (256, 257):
            tag.kind, tag.count = 4, 1
            tag.value = struct.pack(parts.order + "I", pick(rng, (2000, 4000, 4097, 30000, 100_000)))
        elif tag.number in (273, 279, 324, 325) and rng.random() < 0.8:
            tag.count = pick(rng, (1, 4, 4096, 65536))
            tag.kind, tag.value = 4, bytes(4 * tag.count)
    return joined(parts)


def _with(rng: Rng, data: bytes, *tags: Tag, loop: bool = False) -> bytes:
    """The file with tags put in, instead of those of the same numbers."""
    parts = split(data)
    new = {tag.number: tag for tag in tags}
    parts.tags = sorted(
        [tag for tag in parts.tags if tag.number not in new] + list(new.values()), key=lambda tag: tag.number
    )
    return joined(parts, loop)


def descriptive(rng: Rng, data: bytes) -> bytes:
    """Texts, packets and private tags that say nothing of the pixels."""
    texts = (269, 270, 271, 272, 285, 305, 306, 315, 316, 700, 33432, 33723, 34377, 37724, 50838, 50839, 65000, 42113)
    more = (33550, 33922, 34118, 33628, 33629, 34361, 34362, 34735, 33560, 34264, 34380, 34682, 51123)
    tags = []
    for _ in range(int(rng.integers(1, 4))):
        value = pick(rng, (hostile_text(rng), garbage(rng), b""))
        kind = pick(rng, (2, 2, 7, 1, 3, 4, 12))
        count = len(value) // _SIZES[kind] if rng.random() < 0.8 else extreme(rng, 4)
        tags.append(Tag(pick(rng, texts + more), kind, count, value))
    return _with(rng, data, *tags)


def icc(rng: Rng, data: bytes) -> bytes:
    profile = hostile_icc(rng)
    count = len(profile) if rng.random() < 0.7 else extreme(rng, 4)
    return _with(rng, data, Tag(34675, pick(rng, (7, 7, 1, 2, 3, 4)), count, profile))


def resolution(rng: Rng, data: bytes) -> bytes:
    value = pick(rng, (struct.pack("<II", extreme(rng, 4), extreme(rng, 4)), garbage(rng, 8), b""))
    kind = pick(rng, (5, 5, 10, 11, 12, 3, 2))
    unit = Tag(296, pick(rng, (3, 4, 2)), pick(rng, (0, 1, 1, 99)), pick(rng, (b"\2\0", b"\0\2", b"\0\0", b"\xff\xff")))
    return _with(rng, data, *(Tag(tag, kind, pick(rng, (0, 1, 1)), value) for tag in (282, 283)), unit)


def directories(rng: Rng, data: bytes) -> bytes:
    """Pointers to Exif, GPS and sub-directories that lead to garbage, nowhere, back or in a circle."""
    order = split(data).order
    offset = len(data) + len(data) % 2
    block = hostile_exif(rng) if rng.random() < 0.7 else garbage(rng)
    places = (offset, offset + 8, 8, 0, len(data) // 2, extreme(rng, 4))
    numbers = (34665, 34853, 330, 40965)
    tags = [
        Tag(pick(rng, numbers), pick(rng, (4, 4, 13, 3)), 1, struct.pack(order + "I", pick(rng, places) & 0xFFFFFFFF))
        for _ in range(int(rng.integers(1, 3)))
    ]
    return _with(rng, data.ljust(offset, b"\0") + block, *tags, loop=rng.random() < 0.3)


def orientation(rng: Rng, data: bytes) -> bytes:
    order = split(data).order
    value = struct.pack(order + "H", pick(rng, (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 65535)))
    return _with(rng, data, Tag(274, 3, 1, value))


def many_pages(rng: Rng, data: bytes) -> bytes:
    """Thousands of further directories of thousands of entries that lie on one another, in a small file."""
    parts = split(data)
    if parts.big:
        return data
    place = len(data) + len(data) % 2
    body = bytearray(8 * 10_000 + 12 * 4096 + 16)
    for start in range(0, 8 * 10_000, 8):
        struct.pack_into(parts.order + "H", body, start, 4096)
        struct.pack_into(parts.order + "I", body, start + 2 + 12 * 4096, place + start + 8)
    parts.data, parts.following = data.ljust(place, b"\0") + bytes(body), place
    return joined(parts)


HARMFUL = (
    size_tags,
    size_tags,
    segment_tags,
    sample_tags,
    sample_tags,
    any_tag,
    any_tag,
    tag_order,
    entry_count,
    empty_giant,
)
HARMLESS = (descriptive, descriptive, icc, resolution, directories, directories, orientation, many_pages)

"""Image file directories: the lists of tags of which TIFF files and EXIF blocks are made."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

TYPE_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_WORD_SIZES = {**TYPE_SIZES, 5: 4, 10: 4}
_INTEGER_CODES = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 13: "I", 16: "Q", 17: "q", 18: "Q"}

Read = Callable[[int, int], bytes]
"""Bytes at ``(offset, count)``; shorter when the data ends."""


class IfdError(ValueError):
    """The bytes are no directory."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A tag: its number, type, count of values, and where their ``size`` bytes lie."""

    tag: int
    type: int
    count: int
    position: int

    @property
    def size(self) -> int:
        """Bytes of the value."""
        return TYPE_SIZES[self.type] * self.count


@dataclass(frozen=True, slots=True)
class Layout:
    """Byte order (``"<"`` or ``">"``) and whether offsets have 64 bits (BigTIFF)."""

    order: str
    big: bool = False

    @property
    def sizes(self) -> tuple[int, int, int]:
        """Bytes of a directory's count, of an entry, and of an offset."""
        return (8, 20, 8) if self.big else (2, 12, 4)

    def number(self, data: bytes) -> int:
        """The unsigned integer that ``data`` holds."""
        return int.from_bytes(data, "little" if self.order == "<" else "big")


@dataclass(frozen=True, slots=True)
class Directory:
    """The entries of a directory, where its pointer to the next one lies, and what that says (0: none)."""

    entries: dict[int, Entry]
    next_position: int
    next_offset: int


def read_header(read: Read) -> tuple[Layout, int]:
    """Byte order and the offset of the first directory.

    Raises:
        IfdError: the bytes are not the beginning of a TIFF stream.
    """
    head = read(0, 16)
    order = {b"II": "<", b"MM": ">"}.get(head[:2])
    if order is None or len(head) < 8:
        raise IfdError("no TIFF header")
    magic = Layout(order).number(head[2:4])
    if magic == 42:
        return Layout(order), Layout(order).number(head[4:8])
    if magic == 43 and len(head) == 16:
        return Layout(order, big=True), Layout(order).number(head[8:16])
    raise IfdError("no TIFF header")


def read_directory(read: Read, layout: Layout, offset: int, limit: int = 4096) -> Directory:
    """Parse the directory at ``offset``; entries of unknown type are left out, values are not read.

    Raises:
        IfdError: the directory is cut off or has more than ``limit`` entries.
    """
    count_size, entry_size, offset_size = layout.sizes
    count = _entry_count(read, layout, offset, limit)
    body = read(offset + count_size, count * entry_size)
    if len(body) < count * entry_size:
        raise IfdError("the directory is cut off")
    entries: dict[int, Entry] = {}
    for i in range(count):
        raw = body[i * entry_size : (i + 1) * entry_size]
        tag, kind = struct.unpack(layout.order + "HH", raw[:4])
        values = layout.number(raw[4 : 4 + offset_size])
        if kind not in TYPE_SIZES:
            continue
        position = offset + count_size + i * entry_size + 4 + offset_size
        if TYPE_SIZES[kind] * values > offset_size:
            position = layout.number(raw[4 + offset_size :])
        entries.setdefault(tag, Entry(tag, kind, values, position))
    next_position = offset + count_size + count * entry_size
    return Directory(entries, next_position, layout.number(read(next_position, offset_size)))


def _entry_count(read: Read, layout: Layout, offset: int, limit: int) -> int:
    size = layout.sizes[0]
    head = read(offset, size) if offset >= 8 else b""
    count = layout.number(head)
    if len(head) < size or not 0 < count <= limit:
        raise IfdError("no directory at its offset")
    return count


def following_directory(read: Read, layout: Layout, offset: int, limit: int = 4096) -> int:
    """What the directory at ``offset`` says of the next one (0: none), without its entries, which may be many.

    Raises:
        IfdError: the directory is cut off or has more than ``limit`` entries.
    """
    count_size, entry_size, offset_size = layout.sizes
    position = offset + count_size + _entry_count(read, layout, offset, limit) * entry_size
    pointer = read(position, offset_size)
    if not read(position - 1, 1):
        raise IfdError("the directory is cut off")
    return layout.number(pointer)


def value_bytes(read: Read, entry: Entry, limit: int) -> bytes:
    """The raw bytes of a value.

    Raises:
        IfdError: they are more than ``limit`` or not all there.
    """
    if entry.size > limit:
        raise IfdError(f"tag {entry.tag} has {entry.size} bytes")
    data = read(entry.position, entry.size)
    if len(data) < entry.size:
        raise IfdError(f"tag {entry.tag} is cut off")
    return data


def integers(read: Read, layout: Layout, entry: Entry, limit: int = 1 << 16) -> tuple[int, ...]:
    """The values of an integer tag.

    Raises:
        IfdError: the type is no integer, or the value is cut off or too long.
    """
    code = _INTEGER_CODES.get(entry.type)
    if code is None:
        raise IfdError(f"tag {entry.tag} is no integer")
    return struct.unpack(f"{layout.order}{entry.count}{code}", value_bytes(read, entry, limit))


def integer(read: Read, layout: Layout, entry: Entry) -> int:
    """The first value of an integer tag.

    Raises:
        IfdError: the type is no integer, or the value is cut off, too long or not there at all.
    """
    values = integers(read, layout, entry)
    if not values:
        raise IfdError(f"tag {entry.tag} has no value")
    return values[0]


def rational(read: Read, layout: Layout, entry: Entry) -> float | None:
    """The first value of a rational or number tag as a float, or None where it has none."""
    if entry.type in (5, 10) and entry.count >= 1:
        over, under = struct.unpack(layout.order + ("II" if entry.type == 5 else "ii"), read(entry.position, 8))
        return over / under if under else None
    if entry.type in (11, 12) and entry.count >= 1:
        size = TYPE_SIZES[entry.type]
        return float(struct.unpack(layout.order + ("f" if size == 4 else "d"), read(entry.position, size))[0])
    return float(integers(read, layout, entry)[0]) if entry.type in _INTEGER_CODES and entry.count >= 1 else None


def swapped(data: bytes, kind: int, source: str, target: str) -> bytes:
    """Value bytes of TIFF type ``kind`` from one byte order to another."""
    size = _WORD_SIZES[kind]
    if source == target or size == 1:
        return data
    return b"".join(data[i : i + size][::-1] for i in range(0, len(data), size))


def pack_directory(values: list[tuple[int, int, int, bytes]], layout: Layout, offset: int, following: int = 0) -> bytes:
    """The bytes of a directory that will lie at ``offset``, followed by its values.

    Args:
        values: ``(tag, type, count, value bytes in the layout's byte order)``.
        layout: byte order and offset size.
        offset: where the directory will lie in its file; even.
        following: the offset of the next directory, 0 for none.
    """
    order = layout.order
    count_code, size_code, inline = ("Q", "Q", 8) if layout.big else ("H", "I", 4)
    body_size = struct.calcsize("=" + count_code) + len(values) * (4 + 2 * inline) + inline
    heap, body = bytearray(), bytearray(struct.pack(order + count_code, len(values)))
    for tag, kind, count, data in sorted(values, key=lambda value: value[0]):
        body += struct.pack(order + "HH" + size_code, tag, kind, count)
        if len(data) <= inline:
            body += data.ljust(inline, b"\0")
        else:
            body += struct.pack(order + size_code, offset + body_size + len(heap))
            heap += data + b"\0" * (len(data) % 2)
    return bytes(body + struct.pack(order + size_code, following) + heap)

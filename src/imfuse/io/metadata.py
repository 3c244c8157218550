"""EXIF blocks, ICC profiles and resolutions: made safe to carry from a source to a result."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass, replace

from imfuse.io.ifd import (
    TYPE_SIZES,
    Directory,
    Entry,
    IfdError,
    Layout,
    Read,
    integer,
    pack_directory,
    read_directory,
    read_header,
    swapped,
    value_bytes,
)
from imfuse.io.orientation import transposes, valid_orientation
from imfuse.io.source import Metadata

ORIENTATION, EXIF_IFD, GPS_IFD, INTEROP_IFD = 274, 34665, 34853, 40965
_THUMBNAIL_OFFSET, _THUMBNAIL_SIZE = 513, 514
_BLOB_LIMIT = 16 << 20
_VALUE_LIMIT = 1 << 20

_ACROSS_AND_DOWN = ((282, 283), (40962, 40963), (41486, 41487))
"""Tags that say the same of columns and of rows: resolution, number of pixels, resolution of the focal plane."""

DESCRIPTIVE_TAGS = frozenset({269, 270, 271, 272, 285, 305, 306, 315, 316, 33432})
"""Tags of a first directory that describe the picture and not its storage: DocumentName, ImageDescription, Make, Model,
PageName, Software, DateTime, Artist, HostComputer, Copyright."""


@dataclass(frozen=True, slots=True)
class Exif:
    """A cleaned EXIF block (orientation 1, no thumbnail) or None, the orientation it had, and notes."""

    block: bytes | None = None
    orientation: int = 1
    notes: tuple[str, ...] = ()


def bytes_reader(data: bytes) -> Read:
    """Random access to a block in memory."""
    return lambda offset, count: data[offset : offset + count]


def icc_color_space(profile: bytes) -> str:
    """The colour space that an ICC profile is for: ``"GRAY"``, ``"RGB"``, ``"CMYK"``, ``"LAB"`` …, ``""`` if none."""
    if len(profile) < 132 or profile[36:40] != b"acsp":
        return ""
    return profile[16:20].decode("ascii", "replace").strip().upper()


def clean_icc(profile: object, *spaces: str) -> tuple[bytes | None, tuple[str, ...]]:
    """The profile if it is whole and for one of ``spaces``; else None and a note that says why it was dropped."""
    if profile is None or profile == b"":
        return None, ()
    if not isinstance(profile, bytes) or not icc_color_space(profile):
        return None, ("damaged ICC profile dropped",)
    if len(profile) > _BLOB_LIMIT or int.from_bytes(profile[:4], "big") > len(profile):
        return None, ("damaged ICC profile dropped",)
    space = icc_color_space(profile)
    if space not in spaces:
        return None, (f"ICC profile for {space} dropped: the pixels are {' or '.join(spaces)}",)
    return profile, ()


def clean_resolution(horizontal: object, vertical: object) -> tuple[float, float] | None:
    """The resolution in pixels per inch if both numbers are usable, else None."""
    try:
        pair = (float(horizontal), float(vertical))  # type: ignore[arg-type]
    except (TypeError, ValueError, ArithmeticError):
        return None
    return pair if all(math.isfinite(value) and 0 < value < 1e6 for value in pair) else None


def clean_exif(blob: object) -> Exif:
    r"""Set a block's orientation to 1 and drop its thumbnail, in place, so that all offsets (MakerNote) stay true.

    Args:
        blob: the block with or without the prefix ``Exif\0\0``.

    Returns:
        The cleaned block with the orientation that it had; a damaged one gives None and a note.
    """
    if not isinstance(blob, bytes) or not blob:
        return Exif()
    data = bytearray(blob)
    while data[:6] == b"Exif\0\0":
        del data[:6]
    try:
        if len(data) > _BLOB_LIMIT:
            raise ValueError("too long")
        read = bytes_reader(bytes(data))
        layout, first = read_header(read)
        if layout.big:
            raise ValueError("BigTIFF")
        directory = read_directory(read, layout, first)
        _check_values(read, layout, directory)
        orientation = _reset_orientation(data, layout, first, directory)
        _drop_thumbnail(data, read, layout, directory)
    except (ValueError, struct.error):
        return Exif(notes=("damaged EXIF block dropped",))
    return Exif(bytes(data), orientation)


def _check_values(read: Read, layout: Layout, directory: Directory) -> None:
    for entry in directory.entries.values():
        value_bytes(read, entry, _BLOB_LIMIT)
    for tag in (EXIF_IFD, GPS_IFD):
        if tag in directory.entries:
            sub = read_directory(read, layout, integer(read, layout, directory.entries[tag]))
            _check_total(list(sub.entries.values()))


def _check_total(entries: list[Entry]) -> None:
    """Refuse values that are more than any block holds: they lie on one another, and copies of them would be giant.

    Raises:
        IfdError: it is so.
    """
    total = sum(entry.size for entry in entries if entry.size <= _VALUE_LIMIT)
    if total > _BLOB_LIMIT:
        raise IfdError(f"values of {total} bytes")


def _reset_orientation(data: bytearray, layout: Layout, first: int, directory: Directory) -> int:
    """Let every entry for the orientation say 1, whatever its type; what the first one said, if it is valid."""
    entry = directory.entries.get(ORIENTATION)
    found = 1
    if entry is not None and entry.type == 3 and entry.count == 1:
        found = valid_orientation(integer(bytes_reader(bytes(data)), layout, entry))
    # Readers do not agree on which of several entries counts, nor on types: none may be left that one of them believes.
    for place in _entry_places(data, layout, first):
        if struct.unpack_from(layout.order + "H", data, place)[0] == ORIENTATION:
            struct.pack_into(layout.order + "HIHH", data, place + 2, 3, 1, 1, 0)
    return found


def _entry_places(data: bytes | bytearray, layout: Layout, offset: int) -> range:
    """Where the entries of a classic directory begin."""
    (count,) = struct.unpack_from(layout.order + "H", data, offset)
    return range(offset + 2, offset + 2 + 12 * count, 12)


def _drop_thumbnail(data: bytearray, read: Read, layout: Layout, directory: Directory) -> None:
    data[directory.next_position : directory.next_position + 4] = b"\0\0\0\0"
    if not directory.next_offset:
        return
    try:
        thumbnail = read_directory(read, layout, directory.next_offset).entries
        start = integer(read, layout, thumbnail[_THUMBNAIL_OFFSET])
        size = integer(read, layout, thumbnail[_THUMBNAIL_SIZE])
    except (ValueError, KeyError, struct.error):
        return
    if read(start, 2) != b"\xff\xd8":  # not a JPEG: leave the bytes, they may belong to something else
        return
    if start + size >= len(data):
        del data[start:]
    else:
        data[start : start + size] = b"\0" * size


def upright(metadata: Metadata, orientation: int) -> Metadata:
    """The metadata of a picture that is turned upright: where rows become columns, what is said of them is exchanged.

    Args:
        metadata: of the picture as stored; its EXIF block is a classic TIFF stream.
        orientation: the orientation that the pixels are stored with.
    """
    if not transposes(orientation):
        return metadata
    return replace(
        metadata,
        exif=_transposed(metadata.exif) if metadata.exif else metadata.exif,
        resolution=metadata.resolution[::-1] if metadata.resolution else None,
    )


def _transposed(block: bytes) -> bytes:
    """The block with the values of every pair of ``_ACROSS_AND_DOWN`` exchanged, in place."""
    data, read = bytearray(block), bytes_reader(block)
    try:
        layout, first = read_header(read)
        pointer = read_directory(read, layout, first).entries.get(EXIF_IFD)
        _exchange(data, layout, first)
        if pointer is not None and (offset := integer(read, layout, pointer)) != first:
            read_directory(read, layout, offset)  # refuses one that is cut off
            _exchange(data, layout, offset)
    except (ValueError, struct.error):
        return block
    return bytes(data)


def _exchange(data: bytearray, layout: Layout, offset: int) -> None:
    """Exchange type, count and value of both entries of every pair in the directory at ``offset``."""
    places: dict[int, int] = {}
    for place in _entry_places(data, layout, offset):
        places.setdefault(struct.unpack_from(layout.order + "H", data, place)[0], place + 2)
    for across, down in _ACROSS_AND_DOWN:
        if across in places and down in places:
            a, b = (slice(places[tag], places[tag] + 10) for tag in (across, down))
            data[a], data[b] = data[b], data[a]


def exif_resolution(block: bytes | None) -> tuple[float, float] | None:
    """The resolution that an EXIF block states, in pixels per inch."""
    if not block:
        return None
    read = bytes_reader(block)
    try:
        layout, first = read_header(read)
        return directory_resolution(read, layout, read_directory(read, layout, first))
    except (ValueError, struct.error):
        return None


def directory_resolution(read: Read, layout: Layout, directory: Directory) -> tuple[float, float] | None:
    """The resolution that a directory's tags 282, 283 and 296 state, in pixels per inch."""
    from imfuse.io.ifd import rational

    entries = directory.entries
    if 282 not in entries or 283 not in entries:
        return None
    try:
        unit = integer(read, layout, entries[296]) if 296 in entries else 2
        scale = {2: 1.0, 3: 2.54}.get(unit)
        horizontal, vertical = rational(read, layout, entries[282]), rational(read, layout, entries[283])
    except (ValueError, struct.error):
        return None
    if scale is None or horizontal is None or vertical is None:
        return None
    return clean_resolution(horizontal * scale, vertical * scale)


Values = list[tuple[int, int, int, bytes]]


def directory_values(read: Read, layout: Layout, directory: Directory, order: str, keep: frozenset[int]) -> Values:
    """The tags of ``keep`` as ``(tag, type, count, bytes in byte order)``; empty ``keep``: all but pointers.

    Raises:
        IfdError: they are too many bytes.
    """
    wanted = [entry for tag, entry in directory.entries.items() if (tag in keep if keep else tag != INTEROP_IFD)]
    _check_total(wanted)
    values: Values = []
    for entry in wanted:
        try:
            data = value_bytes(read, entry, _VALUE_LIMIT)
        except ValueError:
            continue
        values.append((entry.tag, entry.type, entry.count, swapped(data, entry.type, layout.order, order)))
    return values


def sub_directory(read: Read, layout: Layout, directory: Directory, tag: int) -> Directory | None:
    """The directory that the pointer ``tag`` points to, or None."""
    entry: Entry | None = directory.entries.get(tag)
    if entry is None or TYPE_SIZES[entry.type] < 4:
        return None
    try:
        return read_directory(read, layout, integer(read, layout, entry))
    except (ValueError, struct.error):
        return None


def exif_from_tiff(read: Read, layout: Layout, directory: Directory) -> Exif:
    """An EXIF block of a TIFF file's descriptive tags and its Exif and GPS directories.

    The MakerNote's bytes are kept; where a maker counts offsets from the file's beginning they no longer hold.

    Raises:
        IfdError: the values are too many bytes.
    """
    order = layout.order
    classic = Layout(order)
    values = directory_values(read, layout, directory, order, DESCRIPTIVE_TAGS)
    subs = {tag: sub_directory(read, layout, directory, tag) for tag in (EXIF_IFD, GPS_IFD)}
    parts: dict[int, Values] = {}
    for tag, sub in subs.items():
        found = directory_values(read, layout, sub, order, frozenset()) if sub else []
        if found := [value for value in found if value[1] < 16]:  # classic TIFF has no 64-bit types
            parts[tag] = found
    if not values and not parts:
        return Exif()
    pointers: Values = [(tag, 4, 1, b"\0\0\0\0") for tag in parts]
    place = 8 + len(pack_directory(values + pointers, classic, 8))
    tail, pointers = b"", []
    for tag, found in parts.items():
        pointers.append((tag, 4, 1, struct.pack(order + "I", place + len(tail))))
        tail += pack_directory(found, classic, place + len(tail))
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    return Exif(head + pack_directory(values + pointers, classic, 8) + tail)

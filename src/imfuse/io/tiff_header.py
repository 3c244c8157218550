"""What a TIFF file's first directory says, checked before anything is allocated for it."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from imfuse.errors import SourceError
from imfuse.io.ifd import Directory, IfdError, Layout, Read, following_directory, read_directory, read_header
from imfuse.io.limits import DECODED_LIMIT, FREE_PIXELS, bomb, size_text

# Compression → how many bytes a stored byte can become at most, generously.
_EXPANSION = {
    1: 1,
    2: 1 << 13,  # fax: a blank row takes one bit
    3: 1 << 13,
    4: 1 << 13,
    5: 2800,  # LZW: 4096 bytes from 12 bits
    7: 1 << 14,  # JPEG
    8: 1040,  # deflate
    32946: 1040,
    32773: 64,  # PackBits: 128 bytes from 2
    34925: 1 << 16,  # LZMA
    50000: 1 << 16,  # Zstandard
}
_PAGE_LIMIT = 10_000
_SAMPLE_LIMIT = 4096
_SEGMENT_LIMIT = 1 << 24


@dataclass(frozen=True, slots=True)
class Geometry:
    """Where the pixels lie in the file.

    Attributes:
        height: rows as stored.
        width: columns as stored.
        samples: samples per pixel.
        bits: bits per sample.
        planes: 1 if samples are interleaved, else ``samples``.
        tiled: whether segments are tiles and not strips.
        rows: rows of a segment.
        columns: columns of a segment.
        offsets: file position of every segment, plane after plane, row after row.
        counts: stored bytes of every segment; 0 for one that is left out and holds zeros.
        mapped: whether segments lie in the file as numpy has arrays, so that they are mapped and never read whole.
    """

    height: int
    width: int
    samples: int
    bits: int
    planes: int
    tiled: bool
    rows: int
    columns: int
    offsets: NDArray[np.int64]
    counts: NDArray[np.int64]
    mapped: bool = False

    @property
    def down(self) -> int:
        """Segments below one another."""
        return math.ceil(self.height / self.rows)

    @property
    def across(self) -> int:
        """Segments beside one another."""
        return math.ceil(self.width / self.columns)

    @property
    def row_bytes(self) -> int:
        """Bytes of an unpacked row of a segment."""
        return math.ceil(self.columns * (self.samples // self.planes) * self.bits / 8)


@contextmanager
def file_reader(path: Path) -> Iterator[tuple[Read, int]]:
    """Random access to a file, never past its end, and its size."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        yield _reader(file, size), size


def _reader(file: BinaryIO, size: int) -> Read:
    def read(offset: int, count: int) -> bytes:
        if not 0 <= offset < size:
            return b""
        file.seek(offset)
        return file.read(min(count, size - offset))

    return read


def first_directory(read: Read, name: str) -> tuple[Layout, Directory]:
    """Byte order and first directory.

    Raises:
        SourceError: the file is cut off or has none.
    """
    try:
        layout, offset = read_header(read)
        return layout, read_directory(read, layout, offset)
    except IfdError as error:
        raise SourceError(f"{name}: truncated or damaged TIFF file: {error}; copy it again from its origin") from error


def count_pages(read: Read, layout: Layout, first: Directory) -> int:
    """Directories in the chain, counted up to a limit; a broken or circular chain ends the count."""
    pages, offset, seen = 1, first.next_offset, {0}
    while offset not in seen and pages < _PAGE_LIMIT:
        seen.add(offset)
        try:
            offset = following_directory(read, layout, offset)
        except IfdError:
            break
        pages += 1
    return pages


def geometry(page: Any, name: str, file_size: int) -> Geometry:
    """Where the pixels of a tifffile page lie, checked against the file's size.

    Raises:
        SourceError: the header is contradictory, unsupported, truncated or a decompression bomb.
    """
    height, width, samples = int(page.imagelength), int(page.imagewidth), int(page.samplesperpixel)
    if height <= 0 or width <= 0 or not 0 < samples <= _SAMPLE_LIMIT:
        raise SourceError(
            f"{name}: the header says {width} × {height} pixels of {samples} samples; the file is damaged"
        )
    if not isinstance(page.bitspersample, int):
        raise SourceError(f"{name}: samples of different depths {page.bitspersample}; save it with one depth")
    if page.imagedepth != 1 or int(page.compression) not in _EXPANSION or page.dtype is None:
        what = (
            "volumes" if page.imagedepth != 1 else f"compression {page.compression}, sample format {page.sampleformat}"
        )
        raise SourceError(f"{name}: TIFF with {what} is not supported; save it as 8-bit, 16-bit or float with deflate")
    planes = samples if page.planarconfig == 2 and samples > 1 else 1
    rows, columns = (page.tilelength, page.tilewidth) if page.is_tiled else (page.rowsperstrip, width)
    rows, columns = int(rows), int(columns)
    if rows <= 0 or columns <= 0:
        raise SourceError(f"{name}: strips or tiles of {columns} × {rows} pixels; the file is damaged")
    number = math.ceil(height / rows) * math.ceil(width / columns) * planes
    if number > min(_SEGMENT_LIMIT, file_size):
        raise bomb(name, width, height, file_size)
    row_bytes = math.ceil(columns * (samples // planes) * page.bitspersample / 8)
    offsets, counts = _segments(page, name, number, row_bytes * rows)
    found = Geometry(
        height,
        width,
        samples,
        page.bitspersample,
        planes,
        bool(page.is_tiled),
        rows,
        columns,
        offsets,
        counts,
        _is_mapped(page),
    )
    _check(found, int(page.compression), name, file_size)
    return found


def _is_mapped(page: Any) -> bool:
    return bool(
        page.compression == 1
        and page.predictor == 1
        and page.fillorder == 1
        and not page.is_tiled
        and page.bitspersample in (8, 16, 32, 64)
        and np.dtype(page.dtype).itemsize * 8 == page.bitspersample
    )


def _segments(page: Any, name: str, number: int, segment_bytes: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    offsets = np.asarray(page.dataoffsets, np.int64).reshape(-1)
    counts = np.asarray(page.databytecounts, np.int64).reshape(-1)
    if counts.size == 0 and page.compression == 1 and number == 1:
        counts = np.array([segment_bytes], np.int64)
    if offsets.size < number or counts.size < number:
        raise SourceError(
            f"{name}: {min(offsets.size, counts.size)} of {number} strips or tiles are listed; the TIFF file is damaged"
        )
    return offsets[:number], np.where(offsets[:number] == 0, 0, counts[:number])


def _check(found: Geometry, compression: int, name: str, file_size: int) -> None:
    offsets, counts = found.offsets, found.counts
    expansion = _EXPANSION[compression]
    segment = found.row_bytes * (found.rows if found.tiled else min(found.rows, found.height))
    stored = counts > 0
    total = segment * int(stored.sum())
    empty = int(stored.sum()) * 1000 < len(counts)
    pixels = found.height * found.width
    # Strips or tiles may lie on one another: the file holds no more than its size.
    held = min(int(counts.sum()), file_size)
    too_much = total > expansion * held + segment if compression != 1 else total > file_size + segment
    if pixels > FREE_PIXELS and (empty or too_much):
        raise bomb(name, found.width, found.height, file_size)
    if segment > DECODED_LIMIT and not found.mapped:
        raise SourceError(
            f"{name}: {found.width} × {found.height} pixels in parts of {size_text(segment)} (the file has "
            f"{size_text(file_size)}); a part is decoded whole, up to {size_text(DECODED_LIMIT)}: if it is no damaged "
            "file or decompression bomb, save it with smaller strips or tiles"
        )
    if segment > FREE_PIXELS and segment > expansion * int(counts.max(initial=0)):
        raise SourceError(
            f"{name}: the header says {found.width} × {found.height} pixels in parts of {size_text(segment)}; "
            f"the file has {size_text(file_size)}: it is damaged or a decompression bomb; nothing was decoded"
        )
    ends = offsets + (counts if compression != 1 else np.where(stored, 1, 0))
    if (counts < 0).any() or (offsets < 0).any() or (ends > file_size).any():
        raise SourceError(
            f"{name}: truncated: pixels up to byte {int(ends.max())} are listed, the file has {file_size}; "
            "copy it again from its origin"
        )

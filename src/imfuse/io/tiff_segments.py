"""Windows of a TIFF file: only the strips and tiles that a window touches are read and decoded."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imfuse.errors import SourceError
from imfuse.io.limits import FREE_PIXELS, SCAN, check_scans
from imfuse.io.tiff_header import Geometry, file_reader
from imfuse.io.window import Window

CACHE_BYTES = 64 << 20
"""Decoded strips and tiles that a source keeps; the last one is always kept."""


def _jpeg_pixels(data: bytes) -> int:
    """Height times width of a JPEG stream's first frame header; 0 if it has none."""
    position = 2
    while position + 9 <= len(data):
        if data[position] != 0xFF:
            return 0
        marker = data[position + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return int.from_bytes(data[position + 5 : position + 7], "big") * int.from_bytes(
                data[position + 7 : position + 9], "big"
            )
        position += 1 if marker == 0xFF else 2 + int.from_bytes(data[position + 2 : position + 4], "big")
    return 0


class Segments:
    """The stored samples of a TIFF page, read by windows.

    Decoded strips and tiles are kept up to a number of bytes; uncompressed strips are mapped and need no cache.
    """

    def __init__(self, path: Path, name: str, page: Any, found: Geometry, cache: int = CACHE_BYTES) -> None:
        """Take what is needed from the tifffile ``page`` while its file is open; the file may be closed after.

        ``cache`` is how many bytes of decoded strips and tiles are kept.
        """
        self._path, self._name, self._found = path, name, found
        self._cache_bytes = cache
        self._compression = int(page.compression)
        self._decode: Callable[..., Any] = page.decode
        self._tables: dict[str, Any] = {}
        if self._compression == 7:
            self._tables = {"jpegtables": page.jpegtables}
        self.dtype: np.dtype[Any] = np.dtype(page.dtype).newbyteorder("=")
        self._stored = np.dtype(page.dtype).newbyteorder(page.parent.byteorder)
        self._cache: OrderedDict[int, NDArray[Any]] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, window: Window) -> NDArray[Any]:
        """The stored samples of ``window``, (height, width, samples), in the file's dtype and native byte order.

        Raises:
            SourceError: a strip or tile is missing or damaged.
        """
        found = self._found
        out = np.empty((window.height, window.width, found.samples), self.dtype)
        per = found.down * found.across
        with file_reader(self._path) as (read, size):
            for plane in range(found.planes):
                target = out[:, :, plane : plane + 1] if found.planes > 1 else out
                for row in range(window.top // found.rows, (window.bottom - 1) // found.rows + 1):
                    for column in range(window.left // found.columns, (window.right - 1) // found.columns + 1):
                        index = plane * per + row * found.across + column
                        segment = self._map(index, row, size) if found.mapped else self._segment(index, read)
                        self._place(target, segment, window, row * found.rows, column * found.columns)
        return out

    @property
    def block(self) -> tuple[int, int]:
        """Rows and columns of a strip or tile."""
        return self._found.rows, self._found.columns

    @property
    def holds(self) -> int:
        """Bytes that the cache may come to; none for uncompressed strips."""
        found = self._found
        whole = found.height * found.width * found.samples * self.dtype.itemsize
        return 0 if found.mapped else min(whole, self._cache_bytes)

    def release(self) -> None:
        """Empty the cache."""
        with self._lock:
            self._cache.clear()

    def _place(self, out: NDArray[Any], segment: NDArray[Any], window: Window, top: int, left: int) -> None:
        first, last = max(window.top, top), min(window.bottom, top + self._found.rows, self._found.height)
        start, stop = max(window.left, left), min(window.right, left + self._found.columns, self._found.width)
        out[first - window.top : last - window.top, start - window.left : stop - window.left] = segment[
            first - top : last - top, start - left : stop - left
        ]

    def _map(self, index: int, row: int, size: int) -> NDArray[Any]:
        """An uncompressed strip, mapped and not read."""
        found = self._found
        shape = (
            min(found.rows, found.height - row * found.rows),
            found.width,
            found.samples // found.planes,
        )
        if found.counts[index] == 0:
            return np.broadcast_to(np.zeros((), self.dtype), shape)
        offset = int(found.offsets[index])
        if offset + shape[0] * found.row_bytes > size:
            raise SourceError(f"{self._name}: truncated: the strip at byte {offset} is cut off; copy it again")
        return np.memmap(self._path, self._stored, "r", offset, shape)

    def _segment(self, index: int, read: Callable[[int, int], bytes]) -> NDArray[Any]:
        """A decoded strip or tile, (rows, columns, samples of the plane)."""
        with self._lock:
            if index in self._cache:
                self._cache.move_to_end(index)
                return self._cache[index]
        segment = self._decoded(index, read)
        with self._lock:
            self._cache[index] = segment
            while len(self._cache) > 1 and sum(kept.nbytes for kept in self._cache.values()) > self._cache_bytes:
                self._cache.popitem(last=False)
        return segment

    def _check_jpeg(self, data: bytes) -> None:
        """Refuse a stream that says it is far larger than its place, or that would take a decoder minutes."""
        pixels = _jpeg_pixels(data)
        if pixels > max(FREE_PIXELS, self._found.rows * self._found.columns):
            raise SourceError(f"{self._name}: a JPEG tile larger than its place: the file is damaged; save it again")
        check_scans(self._name, pixels, data.count(SCAN))

    def _decoded(self, index: int, read: Callable[[int, int], bytes]) -> NDArray[Any]:
        found = self._found
        offset, count = int(found.offsets[index]), int(found.counts[index])
        data = read(offset, count) if count else None
        if data is not None and len(data) < count and self._compression != 1:
            raise SourceError(f"{self._name}: truncated: the pixels at byte {offset} are cut off; copy it again")
        if data is not None and self._compression == 7:
            self._check_jpeg(data)
        segment, _, shape = self._decode(data, index, **self._tables)
        if segment is None:
            return np.zeros(shape[1:], self.dtype)
        result: NDArray[Any] = segment.reshape(segment.shape[1:])
        if self.dtype.kind == "b":  # the fax decoders give 0 and 1 as bytes
            result = result.astype(bool)
        if result.dtype != self.dtype or result.shape[2] != found.samples // found.planes:
            raise SourceError(f"{self._name}: tiles of another depth than the header says; the file is damaged")
        return result

"""TIFF files as sources that are read window by window."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from imfuse.errors import SourceError
from imfuse.io.ifd import Directory, Layout, Read
from imfuse.io.metadata import clean_icc, directory_resolution, exif_from_tiff, upright
from imfuse.io.naming import reading, told
from imfuse.io.orientation import orient, oriented_size, stored_window, turning_notes, valid_orientation
from imfuse.io.source import Metadata
from imfuse.io.tiff_header import Geometry, count_pages, file_reader, first_directory, geometry
from imfuse.io.tiff_pixels import Meaning, meaning
from imfuse.io.tiff_segments import Segments
from imfuse.io.window import Window

_SCAN_PIXELS = 1 << 22


class TiffSource:
    """The first page of a TIFF file as a ``PixelSource``; a window reads only the strips and tiles that it touches.

    Attributes:
        path: the file.
        name: the path as messages show it.
        height: rows of the upright picture.
        width: columns of the upright picture.
        channels: 1, 3 or the number of bands.
        dtype: uint8, uint16 or float32.
        full_range: the values that stand for black and white.
        has_alpha: whether there is an alpha channel.
        metadata: EXIF, ICC profile and resolution.
        notes: conversions that reading does, each with the name.
    """

    def __init__(self, path: Path, name: str) -> None:
        """Read the first page's directory.

        Raises:
            SourceError: the file is damaged, of an unsupported kind, or claims more than it can hold.
        """
        import tifffile

        self.path, self.name = path, name
        with reading(name, "TIFF"), file_reader(path) as (read, size):
            layout, directory = first_directory(read, name)
            with tifffile.TiffFile(path) as file:
                page: Any = file.pages.first
                found = geometry(page, name, size)
                self._segments = Segments(path, name, page, found)
                icc = page.iccprofile
                self._meaning = meaning(page, name, icc, lambda: self._lowest(found))
                self._orientation = valid_orientation(int(page.tags.valueof(274, 1) or 1))
            self._describe(found, self._meaning)
            metadata, notes = _metadata(read, layout, directory, icc, self._meaning)
            pages = count_pages(read, layout, directory)
        self.metadata = upright(metadata, self._orientation)
        notes = (*notes, f"page 1 of {pages} taken") if pages > 1 else notes
        self.notes = told(name, (*self._meaning.notes, *notes, *turning_notes(self._orientation)))

    def _describe(self, found: Geometry, samples: Meaning) -> None:
        self.height, self.width = oriented_size(found.height, found.width, self._orientation)
        self.channels = samples.channels
        self.dtype = samples.dtype
        self.full_range = samples.full_range
        self.has_alpha = samples.alpha is not None

    def _lowest(self, found: Geometry) -> int:
        rows = max(_SCAN_PIXELS // (found.width * found.samples), 1)
        windows = (Window(top, 0, min(rows, found.height - top), found.width) for top in range(0, found.height, rows))
        return min(int(self._segments.read(window).min()) for window in windows)

    def _stored(self, window: Window) -> NDArray[Any]:
        if not (0 <= window.top < window.bottom <= self.height and 0 <= window.left < window.right <= self.width):
            raise SourceError(f"{self.name}: {window} is not inside {self.width} × {self.height} pixels")
        return self._segments.read(stored_window(window, self.height, self.width, self._orientation))

    def read(self, window: Window) -> NDArray[Any]:
        """The window's pixels, ``(height, width, channels)``.

        Raises:
            SourceError: a strip or tile is damaged, or the window is not inside the picture.
        """
        with reading(self.name, "TIFF"):
            return orient(self._meaning.pixels(self._stored(window)), self._orientation)

    def read_alpha(self, window: Window) -> NDArray[Any] | None:
        """The window's opacity, ``(height, width)``, or None without alpha.

        Raises:
            SourceError: a strip or tile is damaged, or the window is not inside the picture.
        """
        if not self.has_alpha:
            return None
        with reading(self.name, "TIFF"):
            return orient(self._meaning.opacity(self._stored(window)), self._orientation)

    @property
    def holds(self) -> int:
        """Bytes of decoded strips and tiles that are kept at most."""
        return self._segments.holds

    def release(self) -> None:
        """Forget the decoded strips and tiles; the next read decodes those that it touches again."""
        self._segments.release()


def _metadata(
    read: Read, layout: Layout, directory: Directory, profile: object, samples: Meaning
) -> tuple[Metadata, tuple[str, ...]]:
    notes: tuple[str, ...] = ()
    icc: bytes | None = None
    if samples.keeps_profile:
        icc, notes = clean_icc(profile, "GRAY" if samples.channels == 1 else "RGB")
    exif: bytes | None = None
    try:
        exif = exif_from_tiff(read, layout, directory).block
    except Exception:  # whatever is wrong with the EXIF tags, the pixels are read
        notes = (*notes, "damaged EXIF tags dropped")
    return Metadata(exif, icc, directory_resolution(read, layout, directory)), notes

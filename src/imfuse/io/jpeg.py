"""JPEG files as Pillow reads them, but for what it makes of their EXIF block."""

from __future__ import annotations

from typing import BinaryIO

from PIL import JpegImagePlugin

from imfuse.io.limits import SCAN

_BLOCK = 1 << 20


def count_scans(file: BinaryIO) -> int:
    """Scans from the file's beginning to its end, those of thumbnails and of further pictures included."""
    file.seek(0)
    scans, last = 0, b""
    while block := file.read(_BLOCK):
        scans += (last + block).count(SCAN)
        last = block[-1:]
    return scans


class JpegFile(JpegImagePlugin.JpegImageFile):
    """A JPEG file whose EXIF block is left to :mod:`imfuse.io.metadata`.

    Where the JFIF header has no resolution, Pillow parses the EXIF block for one as soon as the file is opened: it
    warns on standard error of tags that are damaged, takes the horizontal resolution for both, and invents 72 pixels
    per inch where there is none. :func:`imfuse.io.metadata.exif_resolution` does none of that.
    """

    def _read_dpi_from_exif(self) -> None:
        pass

"""Files that are decoded whole, at the first read, and kept at their own depth."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imfuse.errors import SourceError
from imfuse.io.arrays import FULL_RANGES, read_only
from imfuse.io.metadata import upright
from imfuse.io.naming import reading, told
from imfuse.io.orientation import orient, oriented_size, turning_notes
from imfuse.io.source import Metadata
from imfuse.io.window import Window

Decoded = tuple[NDArray[Any], NDArray[Any] | None]
"""Pixels (H, W, C) and alpha (H, W) or None, as stored: not yet turned upright."""


@dataclass(frozen=True, slots=True)
class Header:
    """What a file's header says, before the orientation is applied; the notes without the file's name."""

    kind: str
    height: int
    width: int
    channels: int
    dtype: np.dtype[Any]
    has_alpha: bool = False
    orientation: int = 1
    metadata: Metadata = field(default_factory=Metadata)
    notes: tuple[str, ...] = ()


class DecodedFile:
    """A PNG, JPEG, WebP, BMP or GIF file as a ``PixelSource``: header read when opened, pixels at the first read.

    Attributes:
        path: the file.
        name: the path as messages show it.
        height: rows of the upright picture.
        width: columns of the upright picture.
        channels: 1 or 3.
        dtype: uint8 or uint16.
        full_range: the values that stand for black and white.
        has_alpha: whether there is an alpha channel.
        metadata: EXIF, ICC profile and resolution.
        notes: conversions that reading does, each with the name.
    """

    def __init__(self, path: Path, name: str, header: Header, decode: Callable[[], Decoded]) -> None:
        self.path = path
        self.name = name
        self.height, self.width = oriented_size(header.height, header.width, header.orientation)
        self.channels = header.channels
        self.dtype = header.dtype
        self.full_range = FULL_RANGES[header.dtype.name]
        self.has_alpha = header.has_alpha
        self.metadata = upright(header.metadata, header.orientation)
        self.notes = told(name, (*header.notes, *turning_notes(header.orientation)))
        self._header = header
        self._decode = decode
        self._pixels: Decoded | None = None
        self._lock = threading.Lock()

    def read(self, window: Window) -> NDArray[Any]:
        """The window's pixels, ``(height, width, channels)``; a read-only view.

        Raises:
            SourceError: the file is damaged or has changed since it was opened.
        """
        return self._load()[0][window.slices]

    def read_alpha(self, window: Window) -> NDArray[Any] | None:
        """The window's opacity, ``(height, width)``, or None without alpha.

        Raises:
            SourceError: the file is damaged or has changed since it was opened.
        """
        alpha = self._load()[1] if self.has_alpha else None
        return None if alpha is None else alpha[window.slices]

    @property
    def holds(self) -> int:
        """Bytes of the decoded picture."""
        return self.height * self.width * (self.channels + self.has_alpha) * self.dtype.itemsize

    def release(self) -> None:
        """Forget the decoded pixels; the next read decodes the file again."""
        with self._lock:
            self._pixels = None

    def _load(self) -> Decoded:
        with self._lock:
            if self._pixels is None:
                with reading(self.name, self._header.kind):
                    self._pixels = self._upright(*self._decode())
            return self._pixels

    def _upright(self, pixels: NDArray[Any], alpha: NDArray[Any] | None) -> Decoded:
        header = self._header
        expected = (header.height, header.width, header.channels)
        if pixels.shape != expected or pixels.dtype != header.dtype or (alpha is not None) != header.has_alpha:
            raise SourceError(
                f"{self.name}: the pixels {pixels.shape} {pixels.dtype} are not what the header says, {expected} "
                f"{header.dtype}: the file is damaged or has changed since it was opened; save it again"
            )
        turned = None if alpha is None else read_only(orient(alpha, header.orientation))
        return read_only(orient(pixels, header.orientation)), turned

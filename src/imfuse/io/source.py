"""What a picture is before it is fused: pixels that are read window by window, and what travels with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from imfuse.io.window import Window


@dataclass(frozen=True, slots=True)
class Metadata:
    r"""What is carried from a source to the result.

    Attributes:
        exif: EXIF block as a TIFF stream (``II*\0…`` or ``MM\0*…``, without the ``Exif\0\0`` prefix). Its
            orientation is 1: readers turn the pixels.
        icc: ICC profile of the colours that the source delivers.
        resolution: horizontal and vertical resolution in pixels per inch.
    """

    exif: bytes | None = None
    icc: bytes | None = None
    resolution: tuple[float, float] | None = None


class PixelSource(Protocol):
    """A picture that is read by windows.

    Attributes:
        name: what messages call it: its path, or ``"source 2"`` for an array.
        height: rows, after the EXIF orientation is applied.
        width: columns, likewise.
        channels: 1 (gray), 3 (RGB) or the number of bands; alpha is not one of them.
        dtype: ``uint8``, ``uint16`` or ``float32``.
        full_range: the values that stand for black and white at full range: (0, 255), (0, 65535), (0, 4095) for
            12-bit files, (0, 1) for float.
        has_alpha: whether ``read_alpha`` returns something.
        metadata: EXIF, ICC profile and resolution.
        notes: conversions that the reader did, each with the name ("scan.tif: CMYK converted to RGB"), for the report;
            nothing is silent.
    """

    name: str
    height: int
    width: int
    channels: int
    dtype: np.dtype[Any]
    full_range: tuple[float, float]
    has_alpha: bool
    metadata: Metadata
    notes: tuple[str, ...]

    def read(self, window: Window) -> NDArray[Any]:
        """The window's pixels, ``(height, width, channels)`` in ``dtype``; not to be written to."""

    def read_alpha(self, window: Window) -> NDArray[Any] | None:
        """The window's opacity, ``(height, width)`` in ``dtype``, or None without alpha."""


@runtime_checkable
class Releasable(Protocol):
    """A source that holds pixels once they are read, and can let go of them."""

    @property
    def holds(self) -> int:
        """Bytes that it holds at most."""

    def release(self) -> None:
        """Forget the pixels; the next read brings them back."""


def release(source: PixelSource) -> None:
    """Let a source go of the picture that it holds, if it holds one."""
    if isinstance(source, Releasable):
        source.release()

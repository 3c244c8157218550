"""A source as it looks in the pixels of another, window by window."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from imfuse.io import PixelSource
from imfuse.io.source import Releasable
from imfuse.io.window import Window
from imfuse.registration.common_area import AFTER, BEFORE, whole_pixels
from imfuse.registration.motion import Matrix, moved

_STEPS = 32
"""Positions per pixel between which OpenCV's interpolation does not distinguish. They are rounded to these before a
window's own corner is subtracted, so that a pixel does not depend on the window that it is read in."""

_BLOCK = 512
"""Side of the blocks whose coordinates are in memory at once: some MB, whatever the window."""


class AlignedSource:
    """A part of a picture, moved: interpolated with Lanczos's window of 8 × 8 pixels, in the depth of the source.

    A motion by whole pixels is read as it is. No value is beyond those that the source holds, although the
    interpolation overshoots at edges.

    Args:
        source: the picture.
        matrix: takes the coordinates of this source to those of the picture; with the pixels around that the
            interpolation reads, all of it must lie in the picture.
        height: of this source.
        width: of this source.
        low: the smallest value of the picture.
        high: the largest.
    """

    def __init__(self, source: PixelSource, matrix: Matrix, height: int, width: int, low: float, high: float) -> None:
        self.name, self.height, self.width = source.name, height, width
        self.channels, self.dtype, self.full_range = source.channels, source.dtype, source.full_range
        self.has_alpha = source.has_alpha
        self.metadata = source.metadata
        self.notes: tuple[str, ...] = ()
        self._source, self._matrix = source, matrix
        self._low, self._high = self.dtype.type(low), self.dtype.type(high)
        self._shift = whole_pixels(matrix)

    def read(self, window: Window) -> NDArray[Any]:
        """The window's pixels, ``(height, width, channels)``.

        Raises:
            SourceError: the picture cannot be read.
        """
        if self._shift is not None:
            return self._source.read(self._shifted(window))
        there = self._needed(window)
        pixels = self._interpolated(self._source.read(there), there, window)
        return np.asarray(np.clip(pixels, self._low, self._high, out=pixels))

    def read_alpha(self, window: Window) -> NDArray[Any] | None:
        """The window's opacity, ``(height, width)``, or None.

        Raises:
            SourceError: the picture cannot be read.
        """
        if not self.has_alpha:
            return None
        there = self._shifted(window) if self._shift is not None else self._needed(window)
        alpha = self._source.read_alpha(there)
        if alpha is None or self._shift is not None:
            return alpha
        moved_alpha = self._interpolated(alpha[..., None], there, window)[..., 0]
        low, high = (self.dtype.type(value) for value in self.full_range)
        return np.asarray(np.clip(moved_alpha, low, high, out=moved_alpha))

    @property
    def holds(self) -> int:
        """Bytes that the picture holds; a moved copy is never kept."""
        return self._source.holds if isinstance(self._source, Releasable) else 0

    def release(self) -> None:
        """Let the picture go of its pixels."""
        if isinstance(self._source, Releasable):
            self._source.release()

    def _shifted(self, window: Window) -> Window:
        right, down = self._shift or (0, 0)
        return Window(window.top + down, window.left + right, window.height, window.width)

    def _needed(self, window: Window) -> Window:
        """The part of the picture that a window is interpolated from: straight lines stay such, so the corners tell."""
        corners = np.array(
            [[x, y] for x in (window.left, window.right - 1) for y in (window.top, window.bottom - 1)], np.float64
        )
        there = np.rint(moved(self._matrix, corners) * _STEPS) / _STEPS
        left, top = np.floor(there.min(0)).astype(int) - BEFORE
        right, bottom = np.floor(there.max(0)).astype(int) + AFTER + 1
        left, top = max(int(left), 0), max(int(top), 0)
        return Window(
            top, left, min(int(bottom), self._source.height) - top, min(int(right), self._source.width) - left
        )

    def _interpolated(self, pixels: NDArray[Any], there: Window, window: Window) -> NDArray[Any]:
        """Pixels (h, w, C) of a window from those of ``there``, which it needs."""
        result = np.empty((window.height, window.width, pixels.shape[2]), pixels.dtype)
        for block in _blocks(window):
            needed = self._needed(block)
            x, y = np.meshgrid(
                np.arange(block.left, block.right, dtype=np.float64),
                np.arange(block.top, block.bottom, dtype=np.float64),
            )
            steps = np.rint(moved(self._matrix, np.stack([x, y], -1)) * _STEPS)
            steps -= np.array([needed.left, needed.top], np.float64) * _STEPS
            places = (steps / _STEPS).astype(np.float32)
            part = pixels[needed.inside(there).slices]
            found = cv2.remap(part, places[..., 0], places[..., 1], cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REPLICATE)
            result[block.inside(window).slices] = found.reshape(block.height, block.width, -1)
        return result


def _blocks(window: Window) -> Iterator[Window]:
    for top in range(window.top, window.bottom, _BLOCK):
        for left in range(window.left, window.right, _BLOCK):
            yield Window(top, left, min(_BLOCK, window.bottom - top), min(_BLOCK, window.right - left))

"""Bringing sources of different size to one size, when the user asks for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from imfuse.errors import SizeMismatchError, UsageError
from imfuse.io import ArraySource, PixelSource
from imfuse.io.source import Releasable
from imfuse.io.window import Window

ResizeTo = Literal["first", "largest"]


def check_resize(resize_to: str | None) -> None:
    """Refuse a size that there is not.

    Raises:
        UsageError: it is neither ``first`` nor ``largest``.
    """
    if resize_to is not None and resize_to not in get_args(ResizeTo):
        raise UsageError(f"unknown size {resize_to!r}: resize to 'first' or 'largest'")


def same_size(sources: Sequence[PixelSource], resize_to: str | None) -> tuple[list[PixelSource], list[str]]:
    """Sources of one size, and what was done for it, in words.

    Raises:
        SizeMismatchError: sizes differ and ``resize_to`` is None.
        UsageError: ``resize_to`` is neither ``first`` nor ``largest``.
    """
    check_resize(resize_to)
    sizes = [(source.height, source.width) for source in sources]
    if len(set(sizes)) == 1:
        return list(sources), []
    if resize_to is None:
        other = next(index for index, size in enumerate(sizes) if size != sizes[0])
        raise SizeMismatchError(
            f"{sources[0].name} is {sizes[0][1]}×{sizes[0][0]} and {sources[other].name} is "
            f"{sizes[other][1]}×{sizes[other][0]} pixels: give pictures of one size, or --resize-to first|largest"
        )
    height, width = sizes[0] if resize_to == "first" else max(sizes, key=lambda size: size[0] * size[1])
    resized: list[PixelSource] = []
    notes = []
    for source, size in zip(sources, sizes, strict=True):
        if size == (height, width):
            resized.append(source)
            continue
        resized.append(ResizedSource(source, height, width))
        shape = "" if abs(size[0] / size[1] / (height / width) - 1) < 0.01 else "; its proportions change"
        notes.append(f"{source.name}: resized from {size[1]}×{size[0]} to {width}×{height}{shape}")
        if source.metadata.resolution:
            notes.append(
                f"{source.name}: its resolution of {source.metadata.resolution[0]:g} pixels per inch is dropped"
            )
    return resized, notes


class ResizedSource:
    """A source at another size, made at the first read: area mean where it shrinks, bicubic where it grows.

    In the depth of the source; like a decoded file it can be released, and is then made again at the next read.
    """

    def __init__(self, source: PixelSource, height: int, width: int) -> None:
        self.name, self.height, self.width = source.name, height, width
        self.channels, self.dtype, self.full_range = source.channels, source.dtype, source.full_range
        self.has_alpha = source.has_alpha
        self.metadata = replace(source.metadata, resolution=None)
        self.notes: tuple[str, ...] = ()
        self._source = source
        self._made: ArraySource | None = None

    def read(self, window: Window) -> NDArray[Any]:
        """The window's pixels, ``(height, width, channels)``; a read-only view."""
        return self._load().read(window)

    def read_alpha(self, window: Window) -> NDArray[Any] | None:
        """The window's opacity, ``(height, width)``, or None."""
        return self._load().read_alpha(window) if self.has_alpha else None

    @property
    def holds(self) -> int:
        """Bytes of the resized picture."""
        return self.height * self.width * (self.channels + self.has_alpha) * self.dtype.itemsize

    def release(self) -> None:
        """Forget the resized pixels; the next read makes them again."""
        self._made = None

    def _load(self) -> ArraySource:
        if self._made is None:
            pixels = _resized(self._source, self.height, self.width)
            self._made = ArraySource(pixels, self.name, has_alpha=self.has_alpha, full_range=self.full_range)
            if isinstance(self._source, Releasable):
                self._source.release()
        return self._made


def _resized(source: PixelSource, height: int, width: int) -> NDArray[Any]:
    """The source at another size, (height, width, C), alpha last, in its own depth."""
    whole = Window(0, 0, source.height, source.width)
    planes = [source.read(whole)]
    alpha = source.read_alpha(whole)
    if alpha is not None:
        planes.append(alpha[..., None])
    stacked = np.ascontiguousarray(np.concatenate(planes, axis=-1))
    pixels = stacked
    mixed = (width < source.width) != (height < source.height) and width != source.width and height != source.height
    # Where one direction shrinks and the other grows, each has its own interpolation.
    for size in ((source.width, height), (width, height)) if mixed else ((width, height),):
        shrinks = size[0] < pixels.shape[1] or size[1] < pixels.shape[0]
        interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
        pixels = cv2.resize(pixels, size, interpolation=interpolation).reshape(size[1], size[0], -1)
    # Bicubic interpolation overshoots at edges: no value that the source does not hold comes into being.
    np.clip(pixels, stacked.min(axis=(0, 1)), stacked.max(axis=(0, 1)), out=pixels)
    return pixels

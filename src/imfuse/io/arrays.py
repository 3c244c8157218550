"""Arrays, tensors and Pillow pictures as sources."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from imfuse.errors import SourceError
from imfuse.io.source import Metadata
from imfuse.io.window import Window

if TYPE_CHECKING:
    import torch

FULL_RANGES: dict[str, tuple[float, float]] = {"uint8": (0, 255), "uint16": (0, 65535), "float32": (0, 1)}


def read_only(array: NDArray[Any]) -> NDArray[Any]:
    """A view of the array that cannot be written to."""
    view = array.view()
    view.flags.writeable = False
    return view


class ArraySource:
    """A picture in memory as a ``PixelSource``.

    Attributes:
        name: what messages call it.
        height: rows.
        width: columns.
        channels: colour channels or bands.
        dtype: uint8, uint16 or float32.
        full_range: the values that stand for black and white.
        has_alpha: whether there is an alpha channel.
        metadata: what travels with the pixels.
        notes: conversions that were done.
    """

    def __init__(
        self,
        pixels: NDArray[Any],
        name: str,
        *,
        has_alpha: bool = False,
        metadata: Metadata | None = None,
        notes: tuple[str, ...] = (),
        full_range: tuple[float, float] | None = None,
    ) -> None:
        """Take ``pixels`` of shape (H, W, C), uint8, uint16 or float32; the last channel is alpha if ``has_alpha``."""
        self.name = name
        self.height, self.width = pixels.shape[:2]
        self.channels = pixels.shape[2] - has_alpha
        self.dtype: np.dtype[Any] = pixels.dtype
        self.full_range = full_range or FULL_RANGES[pixels.dtype.name]
        self.has_alpha = has_alpha
        self.metadata = metadata or Metadata()
        self.notes = notes
        self._pixels = read_only(pixels[:, :, : self.channels])
        self._alpha = read_only(pixels[:, :, -1]) if has_alpha else None

    def read(self, window: Window) -> NDArray[Any]:
        """The window's pixels, ``(height, width, channels)``; a read-only view."""
        return self._pixels[window.slices]

    def read_alpha(self, window: Window) -> NDArray[Any] | None:
        """The window's opacity, ``(height, width)``, or None."""
        return None if self._alpha is None else self._alpha[window.slices]


def taken_dtype(array: NDArray[Any], name: str) -> tuple[NDArray[Any], tuple[str, ...]]:
    """The array as uint8, uint16 or float32 in native byte order, with notes of what was converted.

    Raises:
        SourceError: the dtype is none of bool, uint8, uint16, float16, float32, float64.
    """
    kind = array.dtype.name
    if kind == "bool":
        return array.astype(np.uint8) * np.uint8(255), ("bool converted to uint8: 0 and 255",)
    if kind in ("uint8", "uint16", "float32"):
        return array.astype(array.dtype.newbyteorder("="), copy=False), ()
    if kind in ("float16", "float64"):
        with np.errstate(over="ignore"):
            return array.astype(np.float32), (f"{kind} converted to float32",)
    raise SourceError(
        f"{name}: arrays of {kind} are not taken; convert to uint8, uint16, float32 (or float16, float64, bool) first"
    )


def array_source(array: NDArray[Any], name: str) -> ArraySource:
    """An (H, W) or (H, W, C) array as a source.

    Args:
        array: uint8, uint16, float16, float32, float64 or bool. With 2 or 4 channels the last one is alpha
            (gray + alpha, RGB + alpha); 1 and 3 channels have none; 5 and more are bands.
        name: what messages call it.

    Raises:
        SourceError: the shape or the dtype is not taken, or a side is 0.
    """
    if array.ndim not in (2, 3):
        raise SourceError(f"{name}: an array of shape {array.shape} is not taken; give (H, W) or (H, W, C)")
    if 0 in array.shape:
        raise SourceError(f"{name}: the array is empty, its shape is {array.shape}; give at least one pixel")
    pixels, notes = taken_dtype(array, name)
    pixels = pixels[:, :, None] if pixels.ndim == 2 else pixels
    return ArraySource(pixels, name, has_alpha=pixels.shape[2] in (2, 4), notes=notes)


def tensor_source(tensor: torch.Tensor, name: str) -> ArraySource:
    """A (C, H, W) or (1, C, H, W) tensor, floating point in [0, 1] or uint8, as a source; channels as for arrays.

    Raises:
        SourceError: the shape or the dtype is not taken, or a side is 0.
    """
    shape = tuple(tensor.shape)
    if tensor.ndim == 4 and shape[0] == 1:
        tensor = tensor[0]
    if tensor.ndim != 3:
        raise SourceError(f"{name}: a tensor of shape {shape} is not taken; give (C, H, W) or (1, C, H, W)")
    tensor = tensor.detach().cpu()
    kind = str(tensor.dtype).removeprefix("torch.")
    notes: tuple[str, ...] = ()
    if kind == "bfloat16":
        tensor, notes = tensor.float(), ("bfloat16 converted to float32",)
    elif kind not in ("uint8", "float16", "float32", "float64"):
        raise SourceError(f"{name}: tensors of {kind} are not taken; convert to float in [0, 1] or uint8 first")
    source = array_source(np.moveaxis(tensor.numpy(), 0, 2), name)
    source.notes = notes + source.notes
    return source

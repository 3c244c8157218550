"""Arrays, tensors and Pillow pictures as sources."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from imfuse.errors import SourceError
from imfuse.io.naming import cause, told
from imfuse.io.source import Metadata
from imfuse.io.window import Window

if TYPE_CHECKING:
    import torch

_TAKEN = frozenset({"bool", "uint8", "uint16", "float16", "float32", "float64"})
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
        notes: conversions that were done, each with the name.
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
        """Take ``pixels`` of shape (H, W, C), uint8, uint16 or float32; the last channel is alpha if ``has_alpha``.

        ``notes`` are given without the name.
        """
        self.name = name
        self.height, self.width = pixels.shape[:2]
        self.channels = pixels.shape[2] - has_alpha
        self.dtype: np.dtype[Any] = pixels.dtype
        self.full_range = full_range or FULL_RANGES[pixels.dtype.name]
        self.has_alpha = has_alpha
        self.metadata = metadata or Metadata()
        self.notes = told(name, notes)
        self._pixels = read_only(pixels[:, :, : self.channels])
        self._alpha = read_only(pixels[:, :, -1]) if has_alpha else None

    def read(self, window: Window) -> NDArray[Any]:
        """The window's pixels, ``(height, width, channels)``; a read-only view."""
        return self._pixels[window.slices]

    def read_alpha(self, window: Window) -> NDArray[Any] | None:
        """The window's opacity, ``(height, width)``, or None."""
        return None if self._alpha is None else self._alpha[window.slices]


def _converted(array: NDArray[Any]) -> tuple[NDArray[Any], tuple[str, ...]]:
    """An array of a taken dtype as uint8, uint16 or float32 in native byte order, and notes of what was converted."""
    kind = array.dtype.name
    if kind == "bool":
        return array.astype(np.uint8) * np.uint8(255), ("bool converted to uint8: 0 and 255",)
    if kind in ("uint8", "uint16", "float32"):
        return array.astype(array.dtype.newbyteorder("="), copy=False), ()
    with np.errstate(over="ignore"):
        return array.astype(np.float32), (f"{kind} converted to float32",)


def _unmasked(array: NDArray[Any], name: str) -> NDArray[Any]:
    """The array without its subclass (``np.matrix`` stays two-dimensional whatever is done to it); no mask is lost."""
    if isinstance(array, np.ma.MaskedArray):
        hidden = int(np.count_nonzero(np.ma.getmaskarray(array)))
        if hidden:
            raise SourceError(
                f"{name}: a masked array with {hidden} masked values, which imfuse has no way to leave out; "
                "fill it first: array.filled(value)"
            )
    return np.asarray(array)


def array_source(array: NDArray[Any], name: str, notes: tuple[str, ...] = ()) -> ArraySource:
    """An (H, W) or (H, W, C) array as a source.

    Args:
        array: uint8, uint16, float16, float32, float64 or bool. With 2 or 4 channels the last one is alpha
            (gray + alpha, RGB + alpha); 1 and 3 channels have none; 5 and more are bands.
        name: what messages call it.
        notes: conversions that were done before.

    Raises:
        SourceError: the shape or the dtype is not taken, a side is 0, or values are masked.
    """
    if array.dtype.name not in _TAKEN:
        raise SourceError(
            f"{name}: arrays of {array.dtype.name} are not taken; "
            "convert to uint8, uint16, float32 (or float16, float64, bool) first"
        )
    if array.ndim not in (2, 3):
        raise SourceError(f"{name}: an array of shape {array.shape} is not taken; give (H, W) or (H, W, C)")
    if 0 in array.shape:
        raise SourceError(f"{name}: the array is empty, its shape is {array.shape}; give at least one pixel")
    pixels, more = _converted(_unmasked(array, name))
    pixels = pixels[:, :, None] if pixels.ndim == 2 else pixels
    return ArraySource(pixels, name, has_alpha=pixels.shape[2] in (2, 4), notes=(*notes, *more))


def tensor_source(tensor: torch.Tensor, name: str) -> ArraySource:
    """A (C, H, W) or (1, C, H, W) tensor, floating point in [0, 1] or uint8, as a source; channels as for arrays.

    Its gradient is not followed.

    Raises:
        SourceError: the shape, the dtype or the layout is not taken, a side is 0, or it holds no values.
    """
    layout = "nested" if tensor.is_nested else str(tensor.layout).removeprefix("torch.")
    if layout != "strided":
        raise SourceError(f"{name}: a tensor of layout {layout} is not taken; make it dense first, with to_dense()")
    if tensor.is_meta:
        raise SourceError(f"{name}: a tensor on the meta device holds no values; give one on the CPU or a GPU")
    shape = tuple(tensor.shape)
    if tensor.ndim == 4 and shape[0] == 1:
        tensor = tensor[0]
    if tensor.ndim != 3:
        raise SourceError(f"{name}: a tensor of shape {shape} is not taken; give (C, H, W) or (1, C, H, W)")
    kind = str(tensor.dtype).removeprefix("torch.")
    if kind not in ("uint8", "float16", "float32", "float64", "bfloat16"):
        raise SourceError(f"{name}: tensors of {kind} are not taken; convert to float in [0, 1] or uint8 first")
    notes: tuple[str, ...] = ()
    if kind == "bfloat16":
        tensor, notes = tensor.float(), ("bfloat16 converted to float32",)
    try:
        values = tensor.detach().cpu().resolve_neg().numpy()
    except (RuntimeError, TypeError, NotImplementedError) as error:
        raise SourceError(f"{name}: the tensor's values cannot be read: {cause(error)}; give an array") from error
    return array_source(np.moveaxis(values, 0, 2), name, notes)

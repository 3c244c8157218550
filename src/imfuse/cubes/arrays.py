"""Cubes in memory."""

from __future__ import annotations

from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from imfuse.cubes.checks import check_cube, check_values, check_window
from imfuse.cubes.cube import CubeDescription, is_curved
from imfuse.errors import SourceError
from imfuse.io.arrays import read_only
from imfuse.io.window import Window

if TYPE_CHECKING:
    import torch


class ArrayCube:
    """A cube in memory.

    Attributes:
        name: what messages call it.
        height: rows.
        width: columns.
        bands: how many.
        dtype: of the values.
        description: what travels with them.
        curved: whether they are under the sRGB curve.
        block: the whole cube.
        notes: none.
    """

    def __init__(self, values: NDArray[Any], name: str, description: CubeDescription | None = None) -> None:
        """Take ``values`` (bands, H, W).

        Raises:
            SourceError: they are not of a type that is taken, or there are none.
        """
        values = values.astype(values.dtype.newbyteorder("="), copy=False)
        self.bands, self.height, self.width = values.shape
        check_cube((self.bands, self.height, self.width), values.dtype, name)
        self.name = name
        self.dtype: np.dtype[Any] = values.dtype
        found = description or CubeDescription()
        self.description = found if found.names else replace(found, names=(None,) * self.bands)
        self.curved = is_curved(self.dtype, self.bands)
        self.block = (self.height, self.width)
        self.notes: tuple[str, ...] = ()
        self._values = read_only(values)

    def read(self, window: Window) -> NDArray[Any]:
        """The window's values, (bands, height, width); a read-only view."""
        check_window(window, self.height, self.width, self.name)
        return self._values[(slice(None), *window.slices)]

    def close(self) -> None:
        """Nothing to do."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def array_cube(array: NDArray[Any], name: str) -> ArrayCube:
    """An array (H, W, C), or (H, W) of one band.

    Raises:
        SourceError: the shape or the type is not taken, or values are masked.
    """
    if isinstance(array, np.ma.MaskedArray) and np.ma.getmaskarray(array).any():
        raise SourceError(f"{name}: a masked array with masked values; fill it first: array.filled(value)")
    array = np.asarray(array)
    if array.ndim not in (2, 3):
        raise SourceError(f"{name}: an array of shape {array.shape} is not taken; give (H, W, C) or (H, W)")
    return ArrayCube(array[None] if array.ndim == 2 else array.transpose(2, 0, 1), name)


def tensor_cube(tensor: torch.Tensor, name: str) -> ArrayCube:
    """A tensor (C, H, W) or (1, C, H, W). Its gradient is not followed.

    Raises:
        SourceError: the shape or the type is not taken.
    """
    shape = tuple(tensor.shape)
    values = tensor[0] if tensor.ndim == 4 and shape[0] == 1 else tensor
    if values.ndim != 3:
        raise SourceError(f"{name}: a tensor of shape {shape} is not taken; give (C, H, W) or (1, C, H, W)")
    try:
        return ArrayCube(values.detach().cpu().numpy(), name)
    except (RuntimeError, TypeError) as error:
        raise SourceError(f"{name}: a tensor of {tensor.dtype} is not taken; convert it to float32 first") from error


class ArrayCubeWriter:
    """A writer into an array in memory.

    Attributes:
        name: what messages call it.
        height: rows.
        width: columns.
        bands: how many.
        dtype: of the array.
        block: the whole cube.
        notes: none.
        values: (bands, H, W).
    """

    def __init__(self, bands: int, height: int, width: int, dtype: Any, name: str = "result") -> None:
        self.name, self.height, self.width, self.bands = name, height, width, bands
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        check_cube((bands, height, width), self.dtype, name)
        self.block = (height, width)
        self.notes: tuple[str, ...] = ()
        self.values: NDArray[Any] = np.zeros((bands, height, width), self.dtype)

    def write(self, window: Window, values: NDArray[Any]) -> None:
        """Put ``values`` (bands, height, width) at ``window``.

        Raises:
            ValueError: shape, dtype or place do not fit.
        """
        check_values(values, window, self.values.shape, self.dtype, self.name)
        self.values[(slice(None), *window.slices)] = values

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to do: the array is there."""

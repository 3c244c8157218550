"""Files whose values lie as an array does: mapped for every window, never read whole."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import numpy as np
from numpy.typing import NDArray

from imfuse.cubes.checks import check_cube, check_window
from imfuse.cubes.cube import CubeDescription, is_curved
from imfuse.errors import SourceError
from imfuse.io.naming import reading
from imfuse.io.window import Window


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the values lie in a file.

    Attributes:
        offset: the byte at which they begin.
        dtype: with their byte order.
        shape: of the array, (bands, H, W) or (H, W, bands).
        channels_last: which of both.
        column_major: whether its first axis runs fastest, as in Fortran.
    """

    offset: int
    dtype: np.dtype[Any]
    shape: tuple[int, int, int]
    channels_last: bool = False
    column_major: bool = False

    @property
    def cube_shape(self) -> tuple[int, int, int]:
        """(bands, H, W)."""
        first, second, third = self.shape
        return (third, first, second) if self.channels_last else self.shape

    @property
    def end(self) -> int:
        """The first byte behind the values."""
        first, second, third = self.shape
        return self.offset + first * second * third * self.dtype.itemsize


class RawCube:
    """A file of values as an array has them, as a cube.

    Attributes:
        name: the path as messages show it.
        height: rows.
        width: columns.
        bands: how many.
        dtype: in native byte order.
        description: what travels with the values.
        curved: whether they are under the sRGB curve.
        block: rows are read together.
        notes: of its reader.
    """

    def __init__(
        self, path: Path, name: str, layout: Layout, description: CubeDescription, notes: tuple[str, ...] = ()
    ) -> None:
        """Take what the file's header says.

        Raises:
            SourceError: it holds nothing or values that are not taken, or is cut off.
        """
        check_cube(layout.cube_shape, layout.dtype, name)
        size = path.stat().st_size
        if layout.end > size:
            raise SourceError(
                f"{name}: truncated: its header tells of values up to byte {layout.end}, the file has {size}; copy it "
                "again from its origin"
            )
        self.name, self.description, self.notes = name, description, notes
        self.bands, self.height, self.width = layout.cube_shape
        self.dtype: np.dtype[Any] = layout.dtype.newbyteorder("=")
        self.curved = is_curved(self.dtype, self.bands)
        self.block = (1, self.width)
        self._path, self._layout = path, layout

    def read(self, window: Window) -> NDArray[Any]:
        """The window's values, (bands, height, width).

        Raises:
            SourceError: the file has changed, or the window is not inside the cube.
        """
        check_window(window, self.height, self.width, self.name)
        layout = self._layout
        with reading(self.name, "cube"):
            # Mapped anew for every window: pages of an older map would count as memory of this process.
            mapped = np.memmap(
                self._path, layout.dtype, "r", layout.offset, layout.shape, "F" if layout.column_major else "C"
            )
            part = mapped.transpose(2, 0, 1) if layout.channels_last else mapped
            return np.array(part[(slice(None), *window.slices)], self.dtype, order="C")

    def close(self) -> None:
        """Nothing to do: no map is kept."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def put(file: BinaryIO, layout: Layout, window: Window, values: NDArray[Any]) -> None:
    """Write a window's ``values`` (bands, height, width) where they belong in an open file.

    Row by row and not through a map, in which a full disk kills the process.
    """
    bands, height, width = layout.cube_shape
    stored = values.astype(layout.dtype, copy=False)
    size = layout.dtype.itemsize
    if layout.channels_last:
        for row, line in enumerate(np.ascontiguousarray(stored.transpose(1, 2, 0)), start=window.top):
            file.seek(layout.offset + (row * width + window.left) * bands * size)
            file.write(line.data)
        return
    for band, plane in enumerate(np.ascontiguousarray(stored)):
        for row, line in enumerate(plane, start=window.top):
            file.seek(layout.offset + ((band * height + row) * width + window.left) * size)
            file.write(line.data)

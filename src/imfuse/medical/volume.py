"""A stack of slices, whatever file it comes from, and each slice as a picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from imfuse.errors import SourceError
from imfuse.io import Metadata, PixelSource, Window
from imfuse.levels import Levels
from imfuse.medical.grid import Grid
from imfuse.quantise import Depth

FileKind = Literal["DICOM", "NIfTI", "picture"]


@dataclass(slots=True, eq=False)
class Volume:
    """Slices of one size, from foot to head or as the file has them.

    Attributes:
        name: what messages call it: its path.
        kind: of its files.
        grid: where its voxels lie.
        load: the values of a slice, (rows, columns, channels) in ``dtype``; NaN where there is nothing.
        channels: 1 or 3 (RGB).
        dtype: uint8 or uint16 where the values are taken as they are stored, else float32.
        full_range: the smallest and the largest value that the file could hold.
        depth: of a result that is as deep as this volume.
        window: black and white as the file itself tells them.
        inverted: whether small values are white (MONOCHROME1): values and window have the opposite sign then.
        hounsfield: whether values are CT numbers; None where the file does not tell.
        modality: the standard's code, ``CT``, ``PT`` …; empty where the file does not tell.
        single: whether it is a picture rather than a volume.
        notes: what the reader did, each with the name.
        origin: what a writer needs to know of the files; see :mod:`imfuse.medical.dicom_write` and ``nifti``.
    """

    name: str
    kind: FileKind
    grid: Grid
    load: Callable[[int], NDArray[Any]]
    channels: int
    dtype: np.dtype[Any]
    full_range: tuple[float, float]
    depth: Depth
    window: Levels | None = None
    inverted: bool = False
    hounsfield: bool | None = None
    modality: str = ""
    single: bool = False
    notes: tuple[str, ...] = ()
    origin: Any = None
    _floor: float | None = field(default=None, init=False)
    _empty: int = field(default=0, init=False)

    def values(self, index: int) -> NDArray[Any]:
        """A slice, (rows, columns, channels) in ``dtype``; voxels that hold nothing have the volume's smallest value.

        Raises:
            SourceError: the file is damaged, or holds infinite values or nothing else than NaN.
        """
        values = self.load(index)
        if self.dtype != np.float32:
            return values
        nothing = np.isnan(values)
        return np.where(nothing, np.float32(self._smallest()), values) if nothing.any() else values

    def _smallest(self) -> float:
        """The smallest value of all slices; it counts the voxels without one on its way."""
        if self._floor is None:
            smallest = [float(np.nanmin(v)) for v in map(self.load, range(self.grid.slices)) if not np.isnan(v).all()]
            if not smallest:
                raise SourceError(f"{self.name}: holds no values, only NaN; choose another file")
            self._floor = min(smallest)
            self._empty = sum(int(np.isnan(self.load(index)).sum()) for index in range(self.grid.slices))
        return self._floor

    @property
    def seen_notes(self) -> tuple[str, ...]:
        """Notes of what was met in the pixels, once they are read."""
        if not self._empty:
            return ()
        return (f"{self.name}: {self._empty} voxels hold nothing (NaN or padding) and are black",)

    def picture(self, index: int, levels: Levels, colours: NDArray[np.float32] | None = None) -> SlicePicture:
        """A slice as a picture whose black and white are ``levels``, or gray in ``colours``, (N, 3) in [0, 1]."""
        return SlicePicture(self, index, levels, colours)


class SlicePicture:
    """A slice of a volume as a ``PixelSource`` that knows its levels.

    Attributes:
        own_levels: those of the whole volume, which are also its full range.
        name: that of the volume: what is said of one slice is said of all.
    """

    def __init__(self, volume: Volume, index: int, levels: Levels, colours: NDArray[np.float32] | None = None) -> None:
        self.own_levels = levels
        self.name = volume.name
        self.height, self.width = volume.grid.rows, volume.grid.columns
        self.channels, self.dtype, self.full_range = volume.channels, volume.dtype, (levels.low, levels.high)
        if colours is not None:
            self.channels, self.dtype = 3, np.dtype(np.float32)
        self.has_alpha = False
        self.metadata = Metadata()
        self.notes: tuple[str, ...] = ()
        self._volume, self._index, self._colours = volume, index, colours
        self._values: NDArray[Any] | None = None

    def read(self, window: Window) -> NDArray[Any]:
        """The window's values, ``(height, width, channels)``."""
        if self._values is None:
            values = self._volume.values(self._index)
            self._values = values if self._colours is None else self._coloured(values[..., 0], self._colours)
        return self._values[window.slices]

    def _coloured(self, values: NDArray[Any], colours: NDArray[np.float32]) -> NDArray[np.float32]:
        """Gray values (rows, columns) in colours, on the scale of the levels, so that these stay black and white."""
        low, high = self.own_levels.low, self.own_levels.high
        unit = np.clip((values.astype(np.float64) - low) / (high - low), 0, 1)
        places = np.linspace(0, 1, len(colours))
        found = np.stack([np.interp(unit, places, colours[:, channel]) for channel in range(3)], axis=-1)
        return (low + (high - low) * found).astype(np.float32)

    def read_alpha(self, window: Window) -> None:
        """None: slices have no alpha."""


def picture_volume(source: PixelSource) -> Volume:
    """A plain picture (PNG, array …) beside a medical one, as a volume of one slice without a place."""
    depths: dict[str, Depth] = {"uint8": 8, "uint16": 16, "float32": "float"}
    return Volume(
        source.name,
        "picture",
        Grid.nowhere(1, source.height, source.width),
        lambda _: source.read(Window(0, 0, source.height, source.width)),
        source.channels,
        source.dtype,
        source.full_range,
        depths[source.dtype.name],
        single=True,
        notes=source.notes,
    )

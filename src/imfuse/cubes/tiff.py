"""TIFF files without a place on the ground, as cubes: the pages, planes or samples of a file are the bands."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from imfuse.cubes.checks import check_cube, check_window, is_opacity
from imfuse.cubes.cube import Cube, CubeDescription, is_curved
from imfuse.cubes.pictures import PictureCube
from imfuse.cubes.raw import Layout, RawCube
from imfuse.cubes.tiff_tags import GEOGRAPHIC, read_tags
from imfuse.errors import SourceError
from imfuse.io.naming import reading, told
from imfuse.io.opening import open_source
from imfuse.io.tiff_header import file_reader, first_directory, geometry
from imfuse.io.tiff_segments import CACHE_BYTES, Segments
from imfuse.io.window import Window

_RGB = 2
_CONVERTED = frozenset({0, 3, 5, 6, 8})
"""Photometric interpretations whose samples are no light: white is zero, palette, CMYK, YCbCr, CIELAB."""

_OPACITY = frozenset({1, 2})


def has_place(path: Path, name: str) -> bool:
    """Whether a TIFF file says where its pixels lie, in tags or in a world file beside it.

    Raises:
        SourceError: it cannot be read.
    """
    import tifffile

    with reading(name, "TIFF"):
        with file_reader(path) as (read, _):
            first_directory(read, name)
        with tifffile.TiffFile(path) as file:
            codes = {tag.code for tag in file.pages.first.tags}
    worlds = (".tfw", ".tifw", ".TFW", ".wld")
    return bool(codes & GEOGRAPHIC) or any(path.with_suffix(ending).is_file() for ending in worlds)


def open_tiff(path: Path, name: str) -> Cube:
    """The first series of a file: its pages, planes or samples; a colour picture as one.

    Raises:
        SourceError: it is damaged, or holds no cube.
    """
    import tifffile

    with reading(name, "TIFF"), tifffile.TiffFile(path) as file:
        series, size = file.series[0], path.stat().st_size
        pages: list[Any] = [page.aspage() for page in series.pages if page is not None]
        page = pages[0]
        alpha = _marked_alpha(page)
        if len(pages) == 1 and int(page.photometric) in _CONVERTED:
            return PictureCube(open_source(path, name))
        found = [] if (layout := _layout(series, name)) else [_part(one, path, name, size, len(pages)) for one in pages]
        bands = layout.cube_shape[0] if layout else sum(samples for _, samples in found)
        description, notes = read_tags(page.tags, bands)
        notes = (*notes, f"series 1 of {len(file.series)} taken") if len(file.series) > 1 else notes
        parts = [part for part, _ in found]
        shape = (bands, int(page.imagelength), int(page.imagewidth))
    cube: Cube
    if layout:
        cube = RawCube(path, name, layout, description, told(name, notes))
    else:
        cube = PagedCube(name, parts, shape, description, told(name, notes))
    if alpha is not None and len(pages) == 1 and cube.bands == alpha + 1:
        return _judged(cube, alpha, path)
    return cube


def _marked_alpha(page: Any) -> int | None:
    """Index of the last sample if the page marks it as opacity beside red, green and blue."""
    extra = page.extrasamples if isinstance(page.extrasamples, tuple) else ()
    colour = int(page.photometric) == _RGB and int(page.samplesperpixel) == 4
    return 3 if colour and extra and int(extra[0]) in _OPACITY else None


def _judged(cube: Cube, alpha: int, path: Path) -> Cube:
    """The cube whose last band is marked as opacity: the picture without it, or with a note that it holds more."""
    if is_opacity(lambda window: cube.read(window)[alpha], cube.height, cube.width, cube.dtype):
        return PictureCube(open_source(path, cube.name))
    words = f"band {alpha + 1} is marked as opacity (alpha), but holds other values: taken as a band"
    cube.notes = (*cube.notes, *told(cube.name, (words,)))
    return cube


def _layout(series: Any, name: str) -> Layout | None:
    """Where the values of a series lie, if as those of an array; None if page by page, packed or in tiles.

    Raises:
        SourceError: the series is no cube.
    """
    shape = tuple(int(side) for side in series.shape)
    last = series.axes.endswith("YXS")
    if not (len(shape) == 2 or (len(shape) == 3 and (last or series.axes.endswith("YX")))):
        raise SourceError(f"{name}: holds pages of shape {shape}; a cube has bands alone beside rows and columns")
    if series.dataoffset is None:
        return None
    cube = (1, *shape) if len(shape) == 2 else shape
    page = series.keyframe
    dtype = np.dtype(page.dtype).newbyteorder(page.parent.byteorder)
    return Layout(int(series.dataoffset), dtype, (cube[0], cube[1], cube[2]), channels_last=last)


def _part(page: Any, path: Path, name: str, size: int, pages: int) -> tuple[Segments, int]:
    """The segments of a page, and how many samples it has."""
    found = geometry(page, name, size)
    return Segments(path, name, page, found, CACHE_BYTES // pages), found.samples


class PagedCube:
    """A TIFF whose values are packed or in tiles; a window reads only the strips and tiles that it touches.

    Attributes:
        name: the path as messages show it.
        height: rows.
        width: columns.
        bands: how many.
        dtype: of the values.
        description: names and nodata, as GDAL writes them.
        curved: whether the values are under the sRGB curve.
        block: of the file.
        notes: what was not taken.
    """

    def __init__(
        self,
        name: str,
        parts: list[Segments],
        shape: tuple[int, int, int],
        description: CubeDescription,
        notes: tuple[str, ...],
    ) -> None:
        """Take the pages of a cube of ``shape`` (bands, height, width).

        Raises:
            SourceError: it holds nothing, or values that are not taken.
        """
        self.name, self.description, self.notes = name, description, notes
        self.bands, self.height, self.width = shape
        self.dtype: np.dtype[Any] = parts[0].dtype
        check_cube(shape, self.dtype, name)
        self.curved = is_curved(self.dtype, self.bands)
        self.block = parts[0].block
        self._parts = parts

    def read(self, window: Window) -> NDArray[Any]:
        """The window's values, (bands, height, width).

        Raises:
            SourceError: a strip or tile is damaged, or the window is not inside the cube.
        """
        check_window(window, self.height, self.width, self.name)
        values = np.empty((self.bands, window.height, window.width), self.dtype)
        first = 0
        with reading(self.name, "TIFF"):
            for part in self._parts:
                samples = part.read(window).transpose(2, 0, 1)
                values[first : first + len(samples)] = samples
                first += len(samples)
        return values

    def close(self) -> None:
        """Forget the decoded strips and tiles."""
        for part in self._parts:
            part.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

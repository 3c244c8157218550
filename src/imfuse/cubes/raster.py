"""Files that GDAL reads, as cubes: GeoTIFF, ENVI, Erdas Imagine and JPEG 2000."""

from __future__ import annotations

import math
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from imfuse.cubes.checks import check_cube, check_window, is_opacity
from imfuse.cubes.cube import CubeDescription, is_curved
from imfuse.cubes.gdal import WAVELENGTH, WAVELENGTH_UNIT, bounded, described, rasterio_for, without_georeference
from imfuse.cubes.georeference import Georeference
from imfuse.errors import SourceError
from imfuse.io.naming import reading, told
from imfuse.io.window import Window

DRIVERS = {"GTiff": "GeoTIFF", "ENVI": "ENVI", "HFA": "Erdas Imagine", "JP2OpenJPEG": "JPEG 2000"}


class RasterCube:
    """A file of GDAL's as a cube; a window reads only the blocks that it touches.

    Attributes:
        name: the path as messages show it.
        height: rows.
        width: columns.
        bands: how many; one of mere opacity is none.
        dtype: of the values.
        description: all that is to be had.
        curved: whether the values are under the sRGB curve.
        block: of the file.
        notes: what is left out or not used.
    """

    def __init__(self, path: Path, name: str, driver: str) -> None:
        """Read the header by one of ``DRIVERS``.

        Raises:
            MissingExtraError: rasterio is not installed.
            SourceError: the file is damaged, or holds values that are not taken.
        """
        kind = DRIVERS[driver]
        self._rasterio = rasterio_for(f"{name}: reading {kind}")
        self.name, self._lock = name, threading.Lock()
        with reading(name, kind), bounded(self._rasterio), without_georeference(self._rasterio):
            self._file = self._rasterio.open(path.resolve(), driver=driver)
        try:
            with reading(name, kind), bounded(self._rasterio), without_georeference(self._rasterio):
                self._describe()
        except BaseException:
            self._file.close()
            raise

    def _describe(self) -> None:
        file = self._file
        self.height, self.width = file.height, file.width
        kinds = set(file.dtypes)
        if len(kinds) != 1:
            raise SourceError(f"{self.name}: bands of different types ({', '.join(sorted(kinds))}); give them one")
        check_cube((file.count, file.height, file.width), np.dtype(kinds.copy().pop()), self.name)
        self.dtype: np.dtype[Any] = np.dtype(kinds.pop())
        if file.driver == "ENVI":
            self._check_length()
        self._indices, notes = self._taken()
        self.bands = len(self._indices)
        self.block: tuple[int, int] = file.block_shapes[self._indices[0] - 1]
        self.curved = is_curved(self.dtype, self.bands)
        georeference, more = self._georeference()
        self.description = self._description(georeference)
        self.notes = told(self.name, (*notes, *more, *self._unused()))

    def _check_length(self) -> None:
        """Refuse raw files that are cut off, which GDAL fills with zeros."""
        file = self._file
        header = file.tags(ns="ENVI")
        if header.get("file_compression", "0").strip() not in ("", "0"):
            return
        cells = file.count * file.height * file.width
        needed = int(header.get("header_offset", "0") or 0) + cells * self.dtype.itemsize
        size = Path(file.files[0]).stat().st_size
        if size < needed:
            raise SourceError(
                f"{self.name}: truncated: its header tells of {needed} bytes, the data file has {size}; copy it again "
                "from its origin"
            )

    def _taken(self) -> tuple[list[int], list[str]]:
        """Indices of the bands, from 1, and notes of what was left out."""
        kinds = self._file.colorinterp
        names = [kind.name for kind in kinds]
        if "palette" in names:
            raise SourceError(f"{self.name}: holds indices of a palette; expand it first: gdal_translate -expand rgb")
        indices, notes = [], []
        for index, name in enumerate(names, start=1):
            if name != "alpha" or len(names) == 1:
                indices.append(index)
            elif self._is_opacity(index):
                notes.append(f"band {index} is opacity (alpha) and was left out; transparent pixels are taken as such")
            else:
                indices.append(index)
                notes.append(f"band {index} is marked as opacity (alpha), but holds other values: taken as a band")
        return indices, notes

    def _is_opacity(self, index: int) -> bool:
        return is_opacity(lambda window: self._values(window, index), self.height, self.width, self.dtype)

    def _georeference(self) -> tuple[Georeference | None, list[str]]:
        file = self._file
        crs = file.crs.to_wkt() if file.crs else None
        if not file.transform.is_identity:
            place = file.transform
            values = (place.a, place.b, place.c, place.d, place.e, place.f)
            if not all(math.isfinite(value) for value in values) or place.a * place.e == place.b * place.d:
                raise SourceError(f"{self.name}: its geotransform {values} is none; set one with gdal_edit -a_ullr")
            return Georeference(crs, values), [] if crs else ["has a geotransform, but no reference system (CRS)"]
        for points, words in ((file.gcps[0], "ground control points"), (file.rpcs, "rational polynomials (RPC)")):
            if points:
                return None, [f"located by {words} alone, which were not used; resample it first: gdalwarp IN OUT"]
        return None, ["has a reference system (CRS), but no geotransform: it is nowhere"] if crs else []

    def _description(self, georeference: Georeference | None) -> CubeDescription:
        file = self._file
        at = [index - 1 for index in self._indices]
        scales, offsets = ([values[i] for i in at] for values in (file.scales, file.offsets))
        colours = [file.colorinterp[i].name for i in at]
        band_tags = [file.tags(index) | file.tags(index, ns="IMAGERY") for index in self._indices]
        return described(
            [self._name_of(index) for index in self._indices],
            file.tags(),
            band_tags,
            file.tags(ns="ENVI"),
            nodata=self._nodata([file.nodatavals[i] for i in at]),
            georeference=georeference,
            scales=tuple(scales) if any(scale != 1 for scale in scales) else (),
            offsets=tuple(offsets) if any(offsets) else (),
            colours=tuple(colours) if {*colours} - {"undefined", "gray"} else (),
        )

    def _name_of(self, index: int) -> str | None:
        name: str | None = self._file.descriptions[index - 1]
        if self._file.driver != "ENVI" or not name:
            return name
        # GDAL adds the wavelength, and numbers where names are missing.
        tags = self._file.tags(index)
        name = name.removesuffix(f" ({tags.get(WAVELENGTH)} {tags.get(WAVELENGTH_UNIT)})")
        name = name.removesuffix(f" ({tags.get(WAVELENGTH)})")
        return None if name == f"Band {index}" else name

    def _nodata(self, values: list[float | None]) -> float | None:
        # As texts, for NaN is not NaN.
        if len({str(value) for value in values}) > 1:
            found = ", ".join(str(value) for value in values)
            raise SourceError(
                f"{self.name}: the bands mark pixels without data differently ({found}); give them one value: "
                "gdal_translate -a_nodata VALUE IN OUT"
            )
        return values[0]

    def _unused(self) -> list[str]:
        file = self._file
        masked = [flag.name for flag in file.mask_flag_enums[self._indices[0] - 1]] == ["per_dataset"]
        notes = ["has a mask of its own, which was not used: set a value for pixels without data"] if masked else []
        pages = len(file.subdatasets)
        return [*notes, f"page 1 of {pages} taken"] if pages > 1 else notes

    def _values(self, window: Window, indices: Any) -> NDArray[Any]:
        place = self._rasterio.windows.Window(window.left, window.top, window.width, window.height)
        values: NDArray[Any] = self._file.read(indices, window=place)
        return values

    def read(self, window: Window) -> NDArray[Any]:
        """The window's values, (bands, height, width).

        Raises:
            SourceError: a block is damaged or missing, or the window is not inside the cube.
        """
        check_window(window, self.height, self.width, self.name)
        with self._lock, reading(self.name, DRIVERS[self._file.driver]), bounded(self._rasterio):
            return self._values(window, self._indices)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

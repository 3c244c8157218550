"""GeoTIFF written by windows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imfuse.cubes.cube import CubeDescription
from imfuse.cubes.file_writer import FileCubeWriter
from imfuse.cubes.gdal import band_items, bounded, rasterio_for, without_georeference
from imfuse.io.window import Window

BLOCK = 512
"""Side of a tile in pixels: half a megabyte of 16 bits, as cloud-optimised GeoTIFFs have it."""


class GeoTiffWriter(FileCubeWriter):
    """A writer of tiled GeoTIFF, deflated without loss, band by band; BigTIFF where 4 GB may not do.

    Tiles that are written in parts are packed anew with every part that comes when they have left the cache. Windows
    of whole tiles avoid that.
    """

    def __init__(
        self,
        path: Path,
        shape: tuple[int, int, int],
        dtype: np.dtype[Any],
        description: CubeDescription,
        *,
        overwrite: bool,
        notes: tuple[str, ...] = (),
    ) -> None:
        """Take what is to be written; nothing is made yet.

        Raises:
            MissingExtraError: rasterio is not installed.
            OutputError: the path cannot become a file.
        """
        self._rasterio = rasterio_for(f"{path.name}: writing GeoTIFF")
        super().__init__(path, shape, dtype, overwrite=overwrite, notes=notes)
        self.block = (_tile(self.height), _tile(self.width))
        self._description = description

    def _begin(self, part: Path) -> None:
        with bounded(self._rasterio), without_georeference(self._rasterio):
            self._file = self._rasterio.open(part.resolve(), "w", **self._profile())
            try:
                describe(self._rasterio, self._file, self._description)
            except BaseException:
                self._file.close()
                raise

    def _profile(self) -> dict[str, Any]:
        found = self._description
        profile: dict[str, Any] = {
            "driver": "GTiff",
            "count": self.bands,
            "height": self.height,
            "width": self.width,
            "dtype": self.dtype.name,
            "nodata": found.nodata,
            "tiled": True,
            "blockysize": self.block[0],
            "blockxsize": self.block[1],
            "compress": "deflate",
            "interleave": "band",
            "BIGTIFF": "IF_SAFER",
            # Else the fourth of four bands of 8 bits becomes opacity.
            "photometric": "RGB" if found.colours == ("red", "green", "blue") else "MINISBLACK",
        }
        if self.dtype.itemsize < 8 or self.dtype.kind == "f":  # integers of 64 bits: not in every reader
            profile["predictor"] = 3 if self.dtype.kind == "f" else 2
        if found.georeference is not None:
            profile["crs"] = found.georeference.crs
            profile["transform"] = self._rasterio.Affine(*found.georeference.transform)
        return profile

    def _put(self, window: Window, values: NDArray[Any]) -> None:
        place = self._rasterio.windows.Window(window.left, window.top, window.width, window.height)
        with bounded(self._rasterio):
            self._file.write(values, window=place)

    def _end(self) -> None:
        with bounded(self._rasterio):
            self._file.close()


def describe(rasterio: Any, file: Any, description: CubeDescription) -> None:
    """Give an open file of rasterio's all of a description but nodata and georeference."""
    file.update_tags(**description.tags)
    if description.header:
        file.update_tags(ns="ENVI", **description.header)
    for band, name in enumerate(description.names):
        if name:
            file.set_band_description(band + 1, name)
        items = band_items(description, band)
        if items:
            file.update_tags(band + 1, **items)
    if description.scales:
        file.scales = description.scales
    if description.offsets:
        file.offsets = description.offsets
    if description.colours and file.driver == "GTiff":
        kinds = rasterio.enums.ColorInterp
        known = [kinds[colour] if colour in kinds.__members__ else kinds.undefined for colour in description.colours]
        file.colorinterp = known


def _tile(side: int) -> int:
    """Of a tile: multiples of 16, as the format has it."""
    return min(BLOCK, -(-side // 16) * 16)

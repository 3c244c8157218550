"""Plain TIFF written by windows, without GDAL."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from imfuse.cubes.cube import CubeDescription
from imfuse.cubes.file_writer import RawFileWriter
from imfuse.cubes.raw import Layout
from imfuse.cubes.tiff_tags import written_tags

_STRIP_BYTES = 1 << 20
_CLASSIC_LIMIT = (4 << 30) - (64 << 20)


class PlanarTiffWriter(RawFileWriter):
    """A writer of one page with a plane per band, not compressed: so windows find their place in any order."""

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
        """Take what is to be written; nothing is made yet."""
        super().__init__(path, shape, dtype, overwrite=overwrite, notes=notes)
        self._description = description

    def _head(self, part: Path) -> Layout:
        import tifffile

        shape = (self.bands, self.height, self.width)
        row_bytes = self.width * self.dtype.itemsize
        several: dict[str, Any] = {"planarconfig": "separate"} if self.bands > 1 else {}
        size = self.bands * self.height * row_bytes
        tifffile.imwrite(
            part,
            shape=shape if self.bands > 1 else shape[1:],
            dtype=self.dtype,
            bigtiff=size > _CLASSIC_LIMIT,
            photometric="minisblack",
            rowsperstrip=max(min(_STRIP_BYTES // row_bytes, self.height), 1),
            software=False,
            metadata=None,
            extratags=written_tags(self._description),
            **several,
        )
        with tifffile.TiffFile(part) as file:
            offset = int(file.series[0].dataoffset or 0)
            dtype = self.dtype.newbyteorder(file.byteorder)
        return Layout(offset, dtype, shape)

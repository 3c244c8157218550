"""ENVI cubes: a file of values as an array has them, and a header of text beside it."""

from __future__ import annotations

import re
import tempfile
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from imfuse.cubes.cube import CubeDescription
from imfuse.cubes.file_writer import RawFileWriter
from imfuse.cubes.gdal import bounded, rasterio_for, without_georeference
from imfuse.cubes.georeference import Georeference, Transform
from imfuse.cubes.geotiff_writer import describe
from imfuse.cubes.raw import Layout
from imfuse.errors import OutputError, SourceError
from imfuse.io.atomic import atomic_path, check_output
from imfuse.io.naming import shown

MAGIC = b"ENVI"
HEADER_ENDING = ".hdr"
DATA_ENDINGS = ("", ".img", ".dat", ".bsq", ".bil", ".bip", ".raw", ".bin", ".cube", ".envi")
_TYPES = ("uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64")
_TOLERANCE = 0.01


def header_of(data: Path) -> Path | None:
    """The header beside a data file: ``NAME.hdr``, ``NAME.img.hdr`` or in capitals; None without one."""
    stems = (data.with_suffix(""), data)
    for candidate in (stem.with_name(stem.name + ending) for stem in stems for ending in (".hdr", ".HDR")):
        if candidate != data and _is_header(candidate):
            return candidate
    return None


def data_of(header: Path) -> Path:
    """The data file that belongs to a header.

    Raises:
        SourceError: there is none.
    """
    stem = header.with_suffix("")
    for ending in DATA_ENDINGS:
        for name in dict.fromkeys((stem.name + ending, stem.name + ending.upper())):
            candidate = stem.with_name(name)
            if candidate.is_file() and candidate != header:
                return candidate
    endings = ", ".join(ending for ending in DATA_ENDINGS if ending)
    raise SourceError(
        f"{shown(header)}: is the header of an ENVI cube whose data file is not beside it; it is called "
        f"{shown(stem.name)}, alone or with one of {endings}"
    )


def _is_header(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


class EnviWriter(RawFileWriter):
    """A writer of an ENVI cube, band after band (BSQ); its header comes with it."""

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
        """Take what is to be written, and make its header.

        Args:
            path: of the data file, or of the header: its data file is then called ``.img``.
            shape: (bands, height, width).
            dtype: of the values.
            description: what travels with them.
            overwrite: whether files that are there are replaced.
            notes: what is left out, without the name.

        Raises:
            MissingExtraError: rasterio is not installed.
            OutputError: a path cannot become a file, or the format does not hold this.
        """
        self._rasterio = rasterio_for(f"{path.name}: writing ENVI")
        data = path.with_suffix(".img") if path.suffix.lower() == HEADER_ENDING else path
        self._header = path if data != path else path.with_suffix(HEADER_ENDING)
        super().__init__(data, shape, dtype, overwrite=overwrite, notes=(*notes, *_lost(description)))
        check_output(self._header, overwrite)
        if dtype.name not in _TYPES:
            raise OutputError(f"{self.name}: ENVI does not hold {dtype.name}; write .tif")
        self._text = self._header_text(description)
        self._header_is_mine = False

    def _head(self, part: Path) -> Layout:
        return Layout(0, self.dtype.newbyteorder("<"), (self.bands, self.height, self.width))

    def _end(self) -> None:
        super()._end()
        if self._committing:  # before the data file appears, which without its header is nothing
            with atomic_path(self._header, self._overwrite) as part:
                part.write_text(self._text, "utf-8")
            self._header_is_mine = True

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            super().__exit__(kind, error, trace)
        except BaseException:
            if self._header_is_mine and not self._overwrite:
                self._header.unlink(missing_ok=True)
            raise

    def _header_text(self, description: CubeDescription) -> str:
        """The header that GDAL writes for a picture of one pixel, with the true size."""
        place = description.georeference
        with tempfile.TemporaryDirectory() as folder, bounded(self._rasterio), without_georeference(self._rasterio):
            path = Path(folder) / "one.img"
            options: dict[str, Any] = {"count": self.bands, "height": 1, "width": 1, "dtype": self.dtype.name}
            if place is not None:
                options |= {"crs": place.crs, "transform": self._rasterio.Affine(*place.transform)}
            with self._rasterio.open(path, "w", driver="ENVI", nodata=description.nodata, **options) as file:
                describe(self._rasterio, file, _without_commas(description))
                if description.wavelengths:
                    values = ", ".join(f"{value:.10g}" for value in description.wavelengths)
                    file.update_tags(ns="ENVI", wavelength=f"{{{values}}}")
                    if description.wavelength_unit:
                        file.update_tags(ns="ENVI", wavelength_units=description.wavelength_unit)
            with self._rasterio.open(path) as file:
                kept = tuple(file.transform)[:6]
            text = path.with_suffix(HEADER_ENDING).read_text("utf-8")
        if place is not None:
            self._check_transform(place, kept)
        for field, value in (("samples", self.width), ("lines", self.height), ("byte order", 0)):
            text = re.sub(rf"(?m)^{field}\s*=.*$", f"{field} = {value}", text)
        return re.sub(r"(?s)^description = \{.*?\}", "description = {imfuse}", text, count=1, flags=re.M)

    def _check_transform(self, wanted: Georeference, kept: Transform) -> None:
        """Refuse what the header's fields, a size of pixels and an angle, do not express."""
        found = Georeference(None, kept)
        for column, row in ((0, 0), (self.width, 0), (0, self.height), (self.width, self.height)):
            x, y = wanted.pixel(*found.at(column, row))
            if max(abs(x - column), abs(y - row)) > _TOLERANCE:
                raise OutputError(
                    f"{self.name}: ENVI headers hold a size of pixels and an angle, which do not express the "
                    f"geotransform {wanted.transform}; write .tif"
                )


def _without_commas(description: CubeDescription) -> CubeDescription:
    """With names that a list in braces can hold."""
    names = tuple(name and re.sub(r"[,{}\s]+", " ", name).strip() for name in description.names)
    return replace(description, names=names)


def _lost(description: CubeDescription) -> tuple[str, ...]:
    """Notes of what a header does not hold."""
    notes = []
    if _without_commas(description) != description:
        notes.append("commas and braces in names of bands left out, for ENVI parts its lists with them")
    if description.tags or description.band_tags or description.colours:
        notes.append("ENVI headers hold no further tags or colours of bands; they were left out")
    return tuple(notes)

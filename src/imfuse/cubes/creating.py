"""One door for every cube that is written: format by ending."""

from __future__ import annotations

import math
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from imfuse.cubes.checks import check_cube
from imfuse.cubes.cube import CubeDescription
from imfuse.cubes.file_writer import FileCubeWriter
from imfuse.errors import OutputError
from imfuse.io.naming import shown

TIFF_ENDINGS = (".tif", ".tiff")
ENVI_ENDINGS = (".img", ".dat", ".hdr")
NPY_ENDING = ".npy"


def cube_endings() -> tuple[str, ...]:
    """The endings of names that cubes are written with."""
    return (*TIFF_ENDINGS, NPY_ENDING, *ENVI_ENDINGS)


def create_cube(
    path: str | os.PathLike[str],
    bands: int,
    height: int,
    width: int,
    dtype: Any,
    description: CubeDescription,
    *,
    overwrite: bool = False,
) -> FileCubeWriter:
    """A writer of a cube by windows; what stands in the way is told now, and nothing is made before it is entered.

    Args:
        path: its ending tells the format: ``.tif`` and ``.tiff`` (GeoTIFF, tiled and deflated, where the description
            has a georeference; else planes, not compressed), ``.npy`` (H, W, C), ``.img``, ``.dat`` and ``.hdr``
            (ENVI, band after band).
        bands: how many.
        height: rows.
        width: columns.
        dtype: of the values.
        description: what travels with them.
        overwrite: whether a file that is there is replaced.

    Raises:
        MissingExtraError: the format needs rasterio, which is not installed.
        OutputError: the ending is none of these, or the path cannot become a file.
        SourceError: the cube is empty, or of a type that is not taken.
    """
    target = Path(os.fsdecode(path))
    ending, shape, kind = target.suffix.lower(), (bands, height, width), np.dtype(dtype)
    name = shown(target)
    if ending not in cube_endings():
        raise OutputError(f"{name}: bands are written as {', '.join(cube_endings())}; choose one of these endings")
    check_cube(shape, kind, name)
    if len(description.names) != bands:
        description = replace(description, names=(None,) * bands)
    description, notes = _fitting(description, kind)
    if ending == NPY_ENDING:
        from imfuse.cubes.npy import NpyWriter

        dropped = (".npy holds values alone: no georeference, names of bands, nodata or other facts",)
        says_more = replace(description, names=()) != CubeDescription() or any(description.names)
        return NpyWriter(target, shape, kind, overwrite=overwrite, notes=(*notes, *(dropped if says_more else ())))
    if ending in ENVI_ENDINGS:
        from imfuse.cubes.envi import EnviWriter

        return EnviWriter(target, shape, kind, description, overwrite=overwrite, notes=notes)
    if description.georeference is not None:
        from imfuse.cubes.geotiff_writer import GeoTiffWriter

        return GeoTiffWriter(target, shape, kind, description, overwrite=overwrite, notes=notes)
    from imfuse.cubes.tiff_writer import PlanarTiffWriter

    return PlanarTiffWriter(target, shape, kind, description, overwrite=overwrite, notes=notes)


def _fitting(description: CubeDescription, dtype: np.dtype[Any]) -> tuple[CubeDescription, tuple[str, ...]]:
    """The description without a nodata value that the type does not have, and a note of it."""
    value = description.nodata
    if value is None or dtype.kind == "f":
        return description, ()
    limits = np.iinfo(dtype)
    if math.isfinite(value) and value == int(value) and limits.min <= value <= limits.max:
        return description, ()
    return replace(description, nodata=None), (f"nodata {value:g} dropped: {dtype} does not hold it",)

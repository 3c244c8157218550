"""One door for everything that can be a cube."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from imfuse.cubes import envi, npy
from imfuse.cubes.arrays import array_cube, tensor_cube
from imfuse.cubes.cube import Cube
from imfuse.errors import SourceError
from imfuse.io.formats import is_picture_name, kind_of
from imfuse.io.naming import shown
from imfuse.io.opening import identify, open_source

if TYPE_CHECKING:
    import torch

    Source = str | os.PathLike[str] | NDArray[Any] | torch.Tensor | Cube

_IMAGINE = b"EHFA_HEADER_TAG"
_JPEG_2000 = (b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51")


def open_cube(source: Source, *, name: str | None = None) -> Cube:
    """Open a cube of bands to be read window by window.

    Args:
        source: one of

            - a path, told by the file's content and not by its name: GeoTIFF, ENVI (data file or header), Erdas Imagine
              and JPEG 2000 through rasterio; without it TIFF that says nothing of the ground (pages, planes or samples
              are the bands), ``.npy`` (H, W, C), and any picture that imfuse reads, as its colours;
            - an array (H, W, C), or (H, W) of one band;
            - a tensor (C, H, W) or (1, C, H, W);
            - a cube, which is given back as it is.
        name: what messages call it; the path or ``"source"`` if None.

    Raises:
        MissingExtraError: the file needs rasterio, which is not installed.
        SourceError: it is missing, damaged, or holds no bands; the message says which, why, and what to do.
    """
    if isinstance(source, str | os.PathLike):
        return _open_file(*identify(source, name))
    called = shown(name or "source")
    if isinstance(source, np.ndarray):
        return array_cube(source, called)
    torch = sys.modules.get("torch")  # a library that nobody has imported has made no tensors
    if torch is not None and isinstance(source, torch.Tensor):
        return tensor_cube(source, called)
    if all(hasattr(source, part) for part in ("read", "close", *Cube.__annotations__)):
        return source  # type: ignore[return-value]
    raise SourceError(f"{called}: {type(source).__name__} is not taken; give a path, an array or a tensor")


def _open_file(path: Path, name: str, head: bytes) -> Cube:
    kind = kind_of(head)
    if head.startswith(npy.MAGIC):
        return npy.open_npy(path, name)
    driver = _driver(path, head)
    if driver is not None or kind == "TIFF":
        return _open_tiff(path, name) if driver is None else _open_raster(path, name, driver)
    if kind is not None:
        from imfuse.cubes.pictures import PictureCube

        return PictureCube(open_source(path, name))
    raise SourceError(
        f"{name}: is no cube that imfuse reads (GeoTIFF, TIFF, ENVI with its header beside it, .npy, Erdas Imagine, "
        "JPEG 2000) and no picture; convert it to one: gdal_translate IN OUT.tif"
    )


def _driver(path: Path, head: bytes) -> str | None:
    """GDAL's driver for a file that only it reads."""
    if head.startswith(envi.MAGIC) and path.suffix.lower() == envi.HEADER_ENDING:
        return "ENVI"
    # The data of ENVI may begin with any bytes, those of a picture too.
    if not is_picture_name(path) and envi.header_of(path) is not None:
        return "ENVI"
    return "HFA" if head.startswith(_IMAGINE) else "JP2OpenJPEG" if head.startswith(_JPEG_2000) else None


def _open_tiff(path: Path, name: str) -> Cube:
    from imfuse.cubes.tiff import has_place, open_tiff

    return _open_raster(path, name, "GTiff") if has_place(path, name) else open_tiff(path, name)


def _open_raster(path: Path, name: str, driver: str) -> Cube:
    from imfuse.cubes.raster import RasterCube

    if driver == "ENVI" and path.suffix.lower() == envi.HEADER_ENDING:
        path = envi.data_of(path)
    return RasterCube(path, name, driver)

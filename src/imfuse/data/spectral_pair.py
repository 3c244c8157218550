"""One pair of low-resolution bands and guide from files, whole, in [0, 1]; and the sharpened bands as a file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from imfuse.cubes import (
    Cube,
    CubeDescription,
    CubeWriter,
    create_cube,
    footprint_notes,
    footprint_scale,
    fused_description,
    open_cube,
)
from imfuse.errors import DataError
from imfuse.io import Window


@dataclass(frozen=True, slots=True)
class SpectralPair:
    """A pair to be fused.

    Attributes:
        low: the bands, (1, L, h, w), divided by ``peak``.
        guide: (1, G, H, W), divided by its own.
        scale: H / h.
        peak: of the bands: 255 of 8-bit values, the largest one of others.
        dtype: of the bands' file.
        curved: whether the guide is an 8-bit RGB picture, whose values are under the sRGB curve.
        description: what travels with the sharpened bands.
        empty: (H, W): pixels of which the bands or the guide hold nothing. There each has the mean of its others.
        notes: what the readers tell.
    """

    low: Tensor
    guide: Tensor
    scale: int
    peak: float
    dtype: np.dtype[Any]
    curved: bool
    description: CubeDescription
    empty: NDArray[np.bool_]
    notes: tuple[str, ...]


def read_pair(low_path: Path, guide_path: Path) -> SpectralPair:
    """Read a pair.

    Args:
        low_path: the bands: see :func:`imfuse.cubes.open_cube`.
        guide_path: likewise, or a picture.

    Raises:
        DataError: a file holds values that are no light.
        MissingExtraError: a file needs rasterio, which is not installed.
        SizeMismatchError: the footprints do not fit each other.
        SourceError: a file cannot be read, or holds no bands.
    """
    with open_cube(low_path) as bands, open_cube(guide_path) as seen:
        scale = footprint_scale(bands, seen)
        low, peak, empty = _scaled(bands)
        guide, _, blind = _scaled(seen)
        return SpectralPair(
            low,
            guide,
            scale,
            peak,
            bands.dtype,
            seen.curved,
            fused_description(bands, seen, scale),
            empty.repeat(scale, 0).repeat(scale, 1) | blind,
            (*bands.notes, *seen.notes, *footprint_notes(bands, seen)),
        )


def fused_writer(path: Path, pair: SpectralPair) -> CubeWriter:
    """The writer of a pair's sharpened bands; what stands in its way is told now.

    Raises:
        MissingExtraError: the format needs rasterio, which is not installed.
        OutputError: the ending is no format of cubes, or the path cannot become a file.
    """
    height, width = pair.guide.shape[-2:]
    return create_cube(path, pair.low.shape[1], height, width, pair.dtype, pair.description)


def write_bands(writer: CubeWriter, bands: Tensor, pair: SpectralPair) -> int:
    """Write sharpened bands (1, L, H, W) in the units and type of the pair's; integers are rounded and clipped to them.

    Args:
        writer: of :func:`fused_writer`.
        bands: as the network gives them.
        pair: what was fused.

    Returns:
        How many values were clipped.

    Raises:
        OutputError: it cannot be written.
    """
    values = bands[0].double().numpy() * pair.peak
    clipped = 0
    if pair.dtype.kind in "ui":
        limits = np.iinfo(pair.dtype)
        rounded = np.rint(values)
        values = rounded.clip(limits.min, limits.max)
        clipped = int((values != rounded).sum())
    if pair.description.nodata is not None:
        values[:, pair.empty] = pair.description.nodata
    with writer:
        writer.write(Window(0, 0, writer.height, writer.width), values.astype(pair.dtype))
    return clipped


def _scaled(cube: Cube) -> tuple[Tensor, float, NDArray[np.bool_]]:
    """In [0, 1] (1, L, H, W), what it was divided by, and the pixels (H, W) that hold nothing in some band."""
    values = cube.read(Window(0, 0, cube.height, cube.width))
    nodata = cube.description.nodata
    hidden = np.zeros(values.shape, bool) if nodata is None else _equal(values, nodata)
    empty: NDArray[np.bool_] = np.asarray(hidden.any(0), np.bool_)
    if empty.all():
        raise DataError(f"{cube.name}: holds nothing but {nodata:g}, the value of pixels without data")
    known = values[:, ~empty]
    if not np.isfinite(known).all():
        raise DataError(f"{cube.name}: holds values that are no numbers; fill or crop them")
    low, high = float(known.min()), float(known.max())
    if low < 0 or high <= 0:
        raise DataError(
            f"{cube.name}: holds values from {low:g} to {high:g}; light is not negative, and not 0 everywhere"
        )
    peak = 255.0 if values.dtype == np.uint8 else high
    scaled = np.asarray(values / peak, np.float32)
    if empty.any():
        scaled[:, empty] = scaled[:, ~empty].mean(1, dtype=np.float64, keepdims=True)
    return torch.from_numpy(scaled)[None], peak, empty


def _equal(values: NDArray[Any], nodata: float) -> NDArray[np.bool_]:
    """Where values are that for pixels without data, in their own precision."""
    if np.isnan(nodata):
        return np.asarray(np.isnan(values), np.bool_)
    with np.errstate(over="ignore"):
        return np.asarray(values == (values.dtype.type(nodata) if values.dtype.kind == "f" else nodata))

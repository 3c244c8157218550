"""One pair of low-resolution bands and guide from files, whole, in [0, 1]; and the sharpened bands as a file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
import torch
from numpy.typing import NDArray
from torch import Tensor

from imfuse.data.whole import read_whole
from imfuse.errors import DataError, UsageError
from imfuse.io.atomic import atomic_path
from imfuse.io.naming import reading, shown, writing
from imfuse.ops.resampling import whole_scale

_TIFF = (".tif", ".tiff")


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
    """

    low: Tensor
    guide: Tensor
    scale: int
    peak: float
    dtype: np.dtype[Any]
    curved: bool


def read_pair(low_path: Path, guide_path: Path) -> SpectralPair:
    """Read a pair.

    Args:
        low_path: ``.npy`` (h, w, L), or TIFF of several pages, planes or channels.
        guide_path: likewise, or a picture.

    Raises:
        DataError: a file does not hold bands, holds values that are no numbers, or the sizes do not fit each other.
        SourceError: a file cannot be read.
    """
    bands, seen = read_bands(low_path), read_bands(guide_path)
    (low, peak), (guide, _) = _scaled(bands, low_path), _scaled(seen, guide_path)
    scale = whole_scale(low, guide)
    if scale is None or scale < 2:
        sizes = [f"{height}×{width}" for height, width in (low.shape[-2:], guide.shape[-2:])]
        raise DataError(
            f"{shown(low_path)}: has {sizes[0]} pixels and its guide {sizes[1]}: the guide's size must be the same "
            "whole multiple of the bands' on both sides; crop or resample one of them"
        )
    return SpectralPair(low, guide, scale, peak, bands.dtype, seen.dtype == np.uint8 and seen.shape[0] == 3)


def read_bands(path: Path) -> NDArray[Any]:
    """Bands of a file as stored, (L, H, W).

    Raises:
        DataError: it does not hold bands.
        SourceError: it cannot be read.
    """
    ending = path.suffix.lower()
    if ending == ".npy":
        with reading(shown(path), "NumPy array"):
            values = np.load(path, allow_pickle=False)
        values = values.transpose(2, 0, 1) if values.ndim == 3 else values
    elif ending in _TIFF:
        with reading(shown(path), "TIFF"), tifffile.TiffFile(path) as file:
            series = file.series[0]
            values = series.asarray()
            # Samples of one pixel beside each other come last; pages and planes come first.
            values = values.transpose(2, 0, 1) if series.axes == "YXS" else values
    else:
        values = read_whole(path).transpose(2, 0, 1)
    values = values[None] if values.ndim == 2 else values
    if values.ndim != 3 or 0 in values.shape or values.dtype.kind not in "uif":
        raise DataError(
            f"{shown(path)}: holds {values.dtype} of shape {values.shape}; bands are (height, width, bands) in .npy, "
            "or the pages or channels of a TIFF"
        )
    return np.asarray(values)


def write_bands(path: Path, bands: Tensor, pair: SpectralPair) -> int:
    """Write sharpened bands (1, L, H, W) in the units and type of the pair's; integers are rounded and clipped to them.

    Args:
        path: ``.npy`` (H, W, L), or TIFF with a page per band.
        bands: as the network gives them.
        pair: what was fused.

    Returns:
        How many values were clipped.

    Raises:
        OutputError: it cannot be written.
        UsageError: the ending is neither.
    """
    values = bands[0].double().numpy() * pair.peak
    clipped = 0
    if pair.dtype.kind in "ui":
        limits = np.iinfo(pair.dtype)
        rounded = np.rint(values)
        values = rounded.clip(limits.min, limits.max)
        clipped = int((values != rounded).sum())
    values = values.astype(pair.dtype)
    ending = path.suffix.lower()
    if ending not in (".npy", *_TIFF):
        raise UsageError(f"{shown(path)}: bands are written as .npy, .tif or .tiff; choose one of these endings")
    with writing(shown(path)), atomic_path(path) as target:
        if ending == ".npy":
            with target.open("wb") as stream:
                np.save(stream, values.transpose(1, 2, 0))
        else:
            tifffile.imwrite(target, values, photometric="minisblack", planarconfig="separate", compression="zlib")
    return clipped


def _scaled(values: NDArray[Any], path: Path) -> tuple[Tensor, float]:
    """In [0, 1] (1, L, H, W), and what it was divided by."""
    if not np.isfinite(values).all():
        raise DataError(f"{shown(path)}: holds values that are no numbers; fill or crop them")
    low, high = float(values.min()), float(values.max())
    if low < 0 or high <= 0:
        raise DataError(
            f"{shown(path)}: holds values from {low:g} to {high:g}; light is not negative, and not 0 everywhere"
        )
    peak = 255.0 if values.dtype == np.uint8 else high
    return torch.from_numpy(np.float32(values / peak))[None], peak

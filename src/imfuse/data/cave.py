"""CAVE's scenes: cubes of bands beside RGB renderings of the same light.

F. Yasuma, T. Mitsunaga, D. Iso, S. K. Nayar, "Generalized Assorted Pixel Camera: Postcapture Control of Resolution,
Dynamic Range, and Spectrum", IEEE Transactions on Image Processing 19(9), 2010.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tifffile
import torch
from torch import Tensor

from imfuse.data.natural import natural_key
from imfuse.data.sets import DataSet, Scene
from imfuse.data.whole import read_whole
from imfuse.errors import DataError
from imfuse.io.naming import reading, shown

CUBE_ENDING = ".tif"
GUIDE_ENDING = ".rgb.png"
_TEN_BITS = 1023


def cave_set(folder: Path) -> DataSet:
    """The scenes of a folder; nothing is opened.

    Args:
        folder: with ``NAME.tif``, the bands (L, H, W), and ``NAME.rgb.png``, their rendering; or one that holds such a
            folder ``test``.

    Returns:
        A set called ``cave``. A scene's only source is its guide; the cube is its truth, of which the low-resolution
        bands are made.

    Raises:
        DataError: there is no scene, or a cube without its rendering.
    """
    inner = folder / "test"
    place = inner if inner.is_dir() else folder
    if not place.is_dir():
        raise DataError(f"{shown(place)}: there is no such folder; check the path")
    names = [path.name.removesuffix(CUBE_ENDING) for path in place.glob(f"*{CUBE_ENDING}")]
    scenes = [
        Scene(name, (place / f"{name}{GUIDE_ENDING}",), place / f"{name}{CUBE_ENDING}")
        for name in sorted(names, key=natural_key)
    ]
    if not scenes:
        raise DataError(f"{shown(place)}: no scenes; they are pairs NAME{CUBE_ENDING} and NAME{GUIDE_ENDING}")
    for scene in scenes:
        if not scene.sources[0].is_file():
            raise DataError(f"{shown(place)}: {shown(scene.name)}{CUBE_ENDING} has no {scene.name}{GUIDE_ENDING}")
    return DataSet("cave", "spectral", tuple(scenes), place)


def read_cave(scene: Scene) -> tuple[Tensor, Tensor]:
    """The bands and the guide of a scene of :func:`cave_set`.

    Returns:
        The cube (1, L, H, W) and the guide (1, 3, H, W), float32 in [0, 1]: the cube proportional to light, the guide
        under the sRGB curve.

    Raises:
        SourceError: a file cannot be read.
        DataError: it is no such cube or guide, or the two have different sizes.
    """
    if scene.truth is None or len(scene.sources) != 1:
        raise DataError(f"{shown(scene.name)}: no scene of CAVE, which has a cube and its rendering")
    cube = read_cube(scene.truth)
    path = scene.sources[0]
    pixels = read_whole(path)
    if pixels.dtype != np.uint8 or pixels.shape[2] != 3:
        raise DataError(f"{shown(path)}: {pixels.dtype}, {pixels.shape[2]} channels; the guide is an 8-bit RGB picture")
    if pixels.shape[:2] != tuple(cube.shape[2:]):
        sizes = [f"{height}×{width}" for height, width in (pixels.shape[:2], cube.shape[2:])]
        raise DataError(f"{shown(path)}: has {sizes[0]} pixels and its cube {sizes[1]}; they must be of one size")
    return cube, torch.from_numpy(pixels / np.float32(255)).permute(2, 0, 1)[None]


def read_cube(path: Path) -> Tensor:
    """The bands of a scene.

    Their peak follows from the bit depth: 255 in files of 8 bits, 1023 in files of 16, which hold 10.

    Args:
        path: a TIFF (L, H, W).

    Returns:
        (1, L, H, W), float32 in [0, 1].

    Raises:
        SourceError: it cannot be read.
        DataError: it is no cube, or neither of 8 nor of 10 bits.
    """
    with reading(shown(path), "TIFF"):
        values = tifffile.imread(path)
    if values.ndim != 3 or 0 in values.shape:
        raise DataError(f"{shown(path)}: has shape {values.shape}; a cube (bands, height, width) is needed")
    if values.dtype not in (np.uint8, np.uint16):
        raise DataError(f"{shown(path)}: values of {values.dtype}; a cube has 8 bits, or 10 bits in uint16")
    if values.dtype == np.uint16 and values.max() > _TEN_BITS:
        raise DataError(
            f"{shown(path)}: values up to {values.max()}; in uint16 they are taken for 10 bits, up to {_TEN_BITS}: "
            "divide 16-bit values by 64"
        )
    peak = 255 if values.dtype == np.uint8 else _TEN_BITS
    return torch.from_numpy(values / np.float32(peak))[None]

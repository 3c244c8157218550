"""CAVE's scenes: cubes of bands beside RGB renderings of the same light.

F. Yasuma, T. Mitsunaga, D. Iso, S. K. Nayar, "Generalized Assorted Pixel Camera: Postcapture Control of Resolution,
Dynamic Range, and Spectrum", IEEE Transactions on Image Processing 19(9), 2010.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tifffile
import torch
from numpy.typing import NDArray
from torch import Tensor

from imfuse.data.natural import natural_key
from imfuse.data.sets import DataSet, Scene
from imfuse.data.stacks import folders_in
from imfuse.data.whole import read_whole
from imfuse.errors import DataError
from imfuse.io.naming import reading, shown

CUBE_ENDING = ".tif"
GUIDE_ENDING = ".rgb.png"
BANDS_FOLDER_ENDING = "_ms"
_TEN_BITS = 1023


def cave_set(folder: Path) -> DataSet:
    """The scenes of a folder; nothing is opened.

    Args:
        folder: with ``NAME.tif``, the bands (L, H, W), and ``NAME.rgb.png``, their rendering; or as CAVE is
            distributed, with folders ``NAME_ms`` of one PNG per band (``NAME_ms_01.png`` …) and ``NAME_RGB.bmp``,
            perhaps one folder ``NAME_ms`` in another; or one that holds such a folder ``test``.

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
    scenes = scenes or list(_distributed(place))
    if not scenes:
        raise DataError(
            f"{shown(place)}: no scenes; they are pairs NAME{CUBE_ENDING} and NAME{GUIDE_ENDING}, or folders "
            f"NAME{BANDS_FOLDER_ENDING} of band PNGs as CAVE is distributed"
        )
    for scene in scenes:
        if not scene.sources[0].is_file():
            raise DataError(f"{shown(place)}: {shown(scene.name)}{CUBE_ENDING} has no {scene.name}{GUIDE_ENDING}")
    return DataSet("cave", "spectral", tuple(scenes), place)


def _distributed(place: Path) -> Iterator[Scene]:
    """The scenes of the distributed form; their cube is the folder of the bands."""
    for folder in folders_in(place):
        if not folder.name.endswith(BANDS_FOLDER_ENDING):
            continue
        name = folder.name.removesuffix(BANDS_FOLDER_ENDING)
        inner = folder / folder.name
        bands = inner if inner.is_dir() else folder
        rendering = next(
            (at / f"{name}_RGB.bmp" for at in (bands, folder, place) if (at / f"{name}_RGB.bmp").is_file()), None
        )
        if rendering is None:
            raise DataError(f"{shown(bands)}: has no {name}_RGB.bmp; download the scene again")
        yield Scene(name, (rendering,), bands)


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
        path: a TIFF (L, H, W), or a folder of one PNG per band in natural order, each scaled from its full range.

    Returns:
        (1, L, H, W), float32 in [0, 1].

    Raises:
        SourceError: it cannot be read.
        DataError: it is no cube, or neither of 8 nor of 10 bits.
    """
    if path.is_dir():
        return _read_band_files(path)
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


def _read_band_files(folder: Path) -> Tensor:
    bands: list[NDArray[np.float32]] = []
    for path in sorted(folder.glob(f"*{BANDS_FOLDER_ENDING}_*.png"), key=lambda path: natural_key(path.name)):
        values = read_whole(path)
        # One scene was saved in colour: its gray three times.
        if (values != values[..., :1]).any():
            raise DataError(f"{shown(path)}: is in colour; a band is a gray picture")
        if bands and values.shape[:2] != bands[0].shape:
            sizes = [f"{height}×{width}" for height, width in (values.shape[:2], bands[0].shape)]
            raise DataError(f"{shown(path)}: has {sizes[0]} pixels and the bands before it {sizes[1]}")
        bands.append((values[..., 0] / (255 if values.dtype == np.uint8 else 1)).astype(np.float32))
    if not bands:
        raise DataError(f"{shown(folder)}: no bands; they are NAME{BANDS_FOLDER_ENDING}_01.png and so on")
    return torch.from_numpy(np.stack(bands))[None]

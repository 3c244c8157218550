"""Small cubes, and georeferences for them."""

from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray

from imfuse.cubes import Cube, CubeDescription, Georeference, create_cube
from imfuse.io import Window

UTM = rasterio.crs.CRS.from_epsg(32633).to_wkt()
NORTH_UP = (10.0, 0.0, 500_000.0, 0.0, -10.0, 5_500_000.0)
TURNED = (8.66, 5.0, 500_123.4, 5.0, -8.66, 5_500_321.7)
SHEARED = (8.0, 1.5, 500_123.4, -0.7, -6.0, 5_500_321.7)


def values_of(bands: int, height: int, width: int, dtype: str = "uint16", seed: int = 0) -> NDArray[np.generic]:
    """Random values over much of a type's range."""
    generator = np.random.default_rng(seed)
    if np.dtype(dtype).kind == "f":
        return generator.normal(size=(bands, height, width)).astype(dtype)
    limits = np.iinfo(dtype)
    low, high = max(limits.min, -30_000), min(limits.max, 60_000)
    return generator.integers(low, high, size=(bands, height, width), endpoint=True).astype(dtype)


def windows(height: int, width: int, side: int = 23) -> list[Window]:
    """Odd windows that cover a cube, last ones first."""
    return [
        Window(top, left, min(side, height - top), min(side + 4, width - left))
        for top in range(0, height, side)
        for left in range(0, width, side + 4)
    ][::-1]


def whole(cube: Cube) -> NDArray[np.generic]:
    return cube.read(Window(0, 0, cube.height, cube.width))


def by_windows(cube: Cube) -> NDArray[np.generic]:
    """All values, read in odd windows."""
    values = np.zeros((cube.bands, cube.height, cube.width), cube.dtype)
    for window in windows(cube.height, cube.width):
        values[(slice(None), *window.slices)] = cube.read(window)
    return values


def write(path: Path, values: NDArray[np.generic], description: CubeDescription | None = None, **options: bool) -> Path:
    """A file of all values, written in odd windows."""
    bands, height, width = values.shape
    found = description or CubeDescription()
    with create_cube(path, bands, height, width, values.dtype, found, **options) as writer:
        for window in windows(height, width):
            writer.write(window, values[(slice(None), *window.slices)])
    return path


def georeferenced(transform: tuple[float, ...] = NORTH_UP, crs: str | None = UTM) -> CubeDescription:
    return CubeDescription(georeference=Georeference(crs, transform))

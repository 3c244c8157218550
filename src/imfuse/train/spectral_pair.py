"""The pair that a network is trained on, read as it is when it is sharpened: same levels, same missing values."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from imfuse.cubes import CubeDescription, CubeWriter, create_cube, footprint_notes, fused_description
from imfuse.errors import DataError
from imfuse.io.window import Window
from imfuse.spectral.pair import PairWindow
from imfuse.spectral.plan import layers_of, open_pair
from imfuse.tiles import parse_memory

_LOOK = "256MiB"


@dataclass(frozen=True, slots=True)
class TrainingPair:
    """A pair, whole, with its levels at 0 and 1.

    Attributes:
        low: the bands, (1, L, h, w), filled where they miss.
        guide: (1, G, H, W), likewise.
        valid: (h, w): pixels that have all bands, and all of the guide.
        scale: H / h.
        peak: of the bands, which became 1: 255 of 8-bit values, the largest one of others.
        dtype: of the bands' file.
        curved: whether the guide is a picture, whose values are under the sRGB curve.
        description: what travels with the sharpened bands.
        notes: what the readers tell.
    """

    low: Tensor
    guide: Tensor
    valid: NDArray[np.bool_]
    scale: int
    peak: float
    dtype: np.dtype[Any]
    curved: bool
    description: CubeDescription
    notes: tuple[str, ...]


def read_pair(low_path: Path, guide_path: Path) -> TrainingPair:
    """Read a pair.

    Args:
        low_path: the bands: see :func:`imfuse.cubes.open_cube`.
        guide_path: likewise, or a picture.

    Raises:
        DataError: the bands or the guide hold no light.
        MissingExtraError: a file needs rasterio, which is not installed.
        SizeMismatchError: the footprints do not fit each other.
        SourceError: a file cannot be read, or holds no values.
    """
    with open_pair((low_path, guide_path), ("bands", "guide")) as pair:
        layers, _ = layers_of(pair, (None, None), parse_memory(_LOOK), lambda _: None)
        whole = Window(0, 0, pair.low.height, pair.low.width)
        window = PairWindow(*layers, pair.scale, whole, whole, torch.device("cpu"))
        low, guide = window
        notes = [*pair.low.notes, *pair.guide.notes, *footprint_notes(pair.low, pair.guide)]
        for cube, values in ((pair.low, low), (pair.guide, guide)):
            if not float(values.max()) > 0:
                raise DataError(f"{cube.name}: no value is above 0; light is positive somewhere")
            below = int((values < 0).sum())
            if below:
                notes.append(f"{cube.name}: {below} values below 0 are taken for 0 in the training")
        return TrainingPair(
            low,
            guide,
            window.valid[0].numpy(),
            pair.scale,
            layers[0].levels.high,
            pair.low.dtype,
            pair.guide.curved,
            fused_description(pair.low, pair.guide, pair.scale),
            tuple(notes),
        )


def fused_writer(path: Path, pair: TrainingPair) -> CubeWriter:
    """A writer of the pair's sharpened bands: it tells before the training what stands in their way.

    Raises:
        MissingExtraError: the format needs rasterio, which is not installed.
        OutputError: the ending is no format of cubes, or the path cannot become a file.
    """
    height, width = pair.guide.shape[-2:]
    return create_cube(path, pair.low.shape[1], height, width, pair.dtype, pair.description)

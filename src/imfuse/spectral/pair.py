"""One window of a pair as the networks get it: bands and guide of the same area, in [0, 1], filled where they miss."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from imfuse.cubes import Cube
from imfuse.io.window import Window
from imfuse.levels import Levels
from imfuse.networks.protocol import Core
from imfuse.spectral.missing import REACH, fill_guide, missing_of, spread
from imfuse.spectral.windows import scaled


@dataclass(frozen=True, slots=True)
class Layer:
    """A cube with what was decided of it.

    Attributes:
        cube: the values.
        levels: which of them become 0 and 1.
        means: of each band, in the cube's units; None where no value of it is missing.
    """

    cube: Cube
    levels: Levels
    means: NDArray[np.float64] | None

    def unit(self, values: NDArray[Any], device: torch.device) -> Tensor:
        """Values (bands, h, w) with the levels at 0 and 1, float32 (1, bands, h, w); neither clipped nor filled."""
        planes: NDArray[Any] = values.astype(np.float64 if is_wide(values.dtype) else np.float32, order="C")
        planes -= self.levels.low
        planes *= 1 / (self.levels.high - self.levels.low)
        return torch.from_numpy(planes.astype(np.float32, copy=False)).to(device)[None]

    def unit_means(self) -> Tensor:
        """The means on the scale of :meth:`unit`."""
        means = np.zeros(self.cube.bands) if self.means is None else self.means
        return torch.from_numpy((means - self.levels.low) / (self.levels.high - self.levels.low)).float()


class PairWindow:
    """Bands and guide of a window with the surroundings that its result depends on: two tensors, iterated.

    Args:
        low: the bands.
        guide: the guide.
        scale: how many pixels of the guide a pixel of the bands is wide.
        window: on the grid of the bands.
        grown: the window with its halo.
        device: where the tensors are.

    Attributes:
        place: rows and columns of the bands that are covered, halo included.
        core: those of them that are the window's own.
        valid: see :class:`imfuse.classical.spectral.method.Masked`.
        gone: missing values of the window's result, (bands or 1, H, W); None without any.
    """

    def __init__(
        self, low: Layer, guide: Layer, scale: int, window: Window, grown: Window, device: torch.device
    ) -> None:
        self.place = grown
        self.core: Core = window.inside(grown).slices
        misses = low.means is not None or guide.means is not None
        outer = grown.grown(REACH, low.cube.height, low.cube.width) if misses else grown
        bands, seen = low.cube.read(outer), guide.cube.read(scaled(outer, scale))
        units = low.unit(bands, device), guide.unit(seen, device)
        self.valid = torch.ones(1, grown.height, grown.width, dtype=torch.bool, device=device)
        self.gone: NDArray[np.bool_] | None = None
        if misses:
            gone = _missing(low, bands), np.asarray(_missing(guide, seen).any(0, keepdims=True))
            units = _filled((low, guide), units, gone, scale)
            inner = grown.inside(outer)
            units = units[0][..., *inner.slices], units[1][..., *scaled(inner, scale).slices]
            self.valid = torch.from_numpy(_there(gone, scale)[inner.slices])[None].to(device)
            self.gone = _result_gone(gone, window.inside(outer), scale)
        self._tensors = units

    def __iter__(self) -> Iterator[Tensor]:
        """The bands (1, L, h, w), then the guide (1, G, H, W)."""
        return iter(self._tensors)

    @property
    def empty(self) -> bool:
        """Whether all of the window's result is missing."""
        return self.gone is not None and bool(self.gone.all())


def is_wide(dtype: np.dtype[Any]) -> bool:
    """Whether float32 does not hold all values of a type, so that its levels are subtracted in float64."""
    return dtype.itemsize >= 4 and dtype != np.float32


def _missing(layer: Layer, values: NDArray[Any]) -> NDArray[np.bool_]:
    if layer.means is None:
        return np.zeros(values.shape, bool)
    return missing_of(values, layer.cube.description.nodata)


def _filled(
    layers: tuple[Layer, Layer],
    units: tuple[Tensor, Tensor],
    gone: tuple[NDArray[np.bool_], NDArray[np.bool_]],
    scale: int,
) -> tuple[Tensor, Tensor]:
    low, guide = units
    low_gone, guide_gone = (torch.from_numpy(one)[None].to(low.device) for one in gone)
    if bool(low_gone.any()):
        low = spread(low, ~low_gone, layers[0].unit_means())
    if bool(guide_gone.any()):
        guide = fill_guide(guide, ~guide_gone, layers[1].unit_means(), scale)
    return low, guide


def _there(gone: tuple[NDArray[np.bool_], NDArray[np.bool_]], scale: int) -> NDArray[np.bool_]:
    """Pixels of the bands that have all bands and all of the guide, (h, w)."""
    low, guide = gone
    height, width = low.shape[1:]
    return np.asarray(~(low.any(0) | guide.reshape(height, scale, width, scale).any((1, 3))))


def _result_gone(
    gone: tuple[NDArray[np.bool_], NDArray[np.bool_]], window: Window, scale: int
) -> NDArray[np.bool_] | None:
    low = gone[0][:, *window.slices]
    guide = gone[1][:, *scaled(window, scale).slices]
    if not low.any():
        return guide if guide.any() else None
    return np.asarray(low.repeat(scale, 1).repeat(scale, 2) | guide)

"""Everything that is decided before the first pixel is sharpened: cubes, levels, windows, what marks missing values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from imfuse.classical.spectral.method import GuideEncoding
from imfuse.cubes import Cube, CubeDescription, footprint_notes, footprint_scale, fused_description, open_cube
from imfuse.errors import UsageError
from imfuse.io.window import Window
from imfuse.networks.protocol import FusionNetwork
from imfuse.spectral.choice import PairShape
from imfuse.spectral.encoding import settled_encoding
from imfuse.spectral.levels import CubeRange, find_levels, gather, needs_pass
from imfuse.spectral.missing import REACH, result_nodata
from imfuse.spectral.pair import Layer, PairWindow, is_wide
from imfuse.spectral.windows import pair_windows, reading_windows, scaled

Progress = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Pair:
    """The two cubes of a scene, which fit each other.

    Attributes:
        low: the bands.
        guide: the guide.
        scale: how many pixels of the guide a pixel of the bands is wide.
        given: what they were opened from.
    """

    low: Cube
    guide: Cube
    scale: int
    given: tuple[Any, Any]

    @property
    def shape(self) -> PairShape:
        """What a model must be made for."""
        return PairShape(self.low.bands, self.guide.bands, self.scale)

    @property
    def files(self) -> tuple[str, str] | None:
        """Their paths, if both have one."""
        low, guide = self.given
        return (str(low), str(guide)) if isinstance(low, str | Path) and isinstance(guide, str | Path) else None


@dataclass(frozen=True, slots=True)
class SpectralPlan:
    """How a pair is sharpened.

    Attributes:
        pair: the cubes.
        network: the model, set for this guide.
        layers: bands and guide with their levels.
        windows: on the grid of the bands; they cover it.
        dtype: of the result.
        description: of the result: that of the bands, with the guide's pixels.
        notes: what the report has to say of the decisions.
    """

    pair: Pair
    network: FusionNetwork
    layers: tuple[Layer, Layer]
    windows: list[Window]
    dtype: np.dtype[Any]
    description: CubeDescription
    notes: list[str]

    @property
    def height(self) -> int:
        """Rows of the result."""
        return self.pair.low.height * self.pair.scale

    @property
    def width(self) -> int:
        """Columns of the result."""
        return self.pair.low.width * self.pair.scale

    @property
    def misses(self) -> bool:
        """Whether a value of either is missing."""
        return any(layer.means is not None for layer in self.layers)

    def window(self, window: Window, device: torch.device) -> PairWindow:
        """What the network gets of a window."""
        low = self.pair.low
        grown = window.grown(self.network.halo, low.height, low.width, self.network.alignment)
        return PairWindow(*self.layers, self.pair.scale, window, grown, device)

    def result_window(self, window: Window) -> Window:
        """The window's place in the result."""
        return scaled(window, self.pair.scale)


@contextmanager
def open_pair(given: Sequence[Any], names: Sequence[str]) -> Iterator[Pair]:
    """The cubes of a pair, closed at the end.

    Args:
        given: paths, arrays or tensors of the bands and of the guide.
        names: what messages call those without a path.

    Raises:
        SourceError: a file cannot be read.
        SizeMismatchError: they do not cover the same area in one whole scale from 2 up.
    """
    with ExitStack() as stack:
        low, guide = (
            stack.enter_context(open_cube(source, name=None if isinstance(source, str | Path) else f"the {name}"))
            for source, name in zip(given, names, strict=True)
        )
        yield Pair(low, guide, footprint_scale(low, guide), (given[0], given[1]))


def make_plan(
    pair: Pair,
    network: FusionNetwork,
    name: str,
    ranges: Sequence[CubeRange | None],
    encoding: GuideEncoding | None,
    *,
    as_float: bool,
    memory: int,
    told: Progress,
) -> SpectralPlan:
    """Look at the cubes as far as it is needed, and decide everything.

    Args:
        pair: the cubes.
        network: the model, which is for such pairs.
        name: its name.
        ranges: as asked for the bands and the guide.
        encoding: of the guide, as asked.
        as_float: whether the result is float32 whatever the bands are.
        memory: what a window may take.
        told: called with the finished fraction of the look.

    Raises:
        UsageError: the memory is too little, or the encoding is the model's own.
        SourceError: a cube cannot be read or is empty.
    """
    network, notes = settled_encoding(network, name, pair.guide, pair.given[1], encoding)
    layers, level_notes = layers_of(pair, ranges, memory, told)
    dtype = np.dtype(np.float32) if as_float else pair.low.dtype
    misses = any(layer.means is not None for layer in layers)
    margin = network.halo + network.alignment - 1 + (REACH if misses else 0)
    pixel = _bytes_per_pixel(network, pair, dtype)
    windows = pair_windows(pair.low.height, pair.low.width, pair.scale, pixel, margin, memory, name)
    description, missing_notes = _description(pair, layers, dtype)
    opened = *pair.low.notes, *pair.guide.notes, *footprint_notes(pair.low, pair.guide)
    notes = [*opened, *network.remarks, *notes, *level_notes, *missing_notes]
    return SpectralPlan(pair, network, layers, windows, dtype, description, notes)


def layers_of(
    pair: Pair, ranges: Sequence[CubeRange | None], memory: int, told: Progress
) -> tuple[tuple[Layer, Layer], list[str]]:
    """Bands and guide with their levels, and what the report says of these.

    Args:
        pair: the cubes.
        ranges: as asked for the bands and the guide.
        memory: what a look at a cube may take.
        told: called with the finished fraction of the look.

    Raises:
        SourceError: a cube cannot be read or is empty.
    """
    cubes = pair.low, pair.guide
    looked_at = [cube for cube, asked in zip(cubes, ranges, strict=True) if needs_pass(cube, asked)]
    total = sum(cube.height * cube.width for cube in looked_at)
    done = 0

    def count(pixels: int) -> None:
        nonlocal done
        done += pixels
        told(done / total)

    layers, notes = [], []
    for cube, asked, source in zip(cubes, ranges, pair.given, strict=True):
        unit = isinstance(source, Tensor) and cube.dtype.kind == "f"
        found = None
        if any(cube is one for one in looked_at):
            pixel = cube.bands * (2 * cube.dtype.itemsize + 10)
            found = gather(cube, reading_windows(cube.height, cube.width, pixel, memory), count)
        levels, note = find_levels(cube, found, asked, unit)
        notes += [note] if note else []
        if found is not None and found.missing:
            share = 100 * found.missing / (cube.height * cube.width)
            notes.append(f"{cube.name}: {share:.3g} % of the pixels have no data, and the result has none there")
        layers.append(Layer(cube, levels, found.means if found is not None and found.missing else None))
    return (layers[0], layers[1]), notes


def _bytes_per_pixel(network: FusionNetwork, pair: Pair, dtype: np.dtype[Any]) -> int:
    """What a pixel of the bands takes: the network, the sources as read, as tensors and filled, and the result."""
    area, bands, channels = pair.scale**2, pair.low.bands, pair.guide.bands
    guide = channels * (pair.guide.dtype.itemsize + (16 if is_wide(pair.guide.dtype) else 8) + 8)
    result = bands * ((8 if is_wide(dtype) else 4) + dtype.itemsize + 3)
    low = bands * (pair.low.dtype.itemsize + 24)
    return area * (network.bytes_per_pixel * bands + guide + result) + low


def _description(pair: Pair, layers: tuple[Layer, Layer], dtype: np.dtype[Any]) -> tuple[CubeDescription, list[str]]:
    """What travels with the result, and what the report says of its nodata value."""
    found = fused_description(pair.low, pair.guide, pair.scale)
    nodata, notes = found.nodata, []
    if any(layer.means is not None for layer in layers):
        nodata = result_nodata(found.nodata, dtype)
        if found.nodata is None:
            notes.append(f"{pair.low.name}: names no nodata value; in the result it is {nodata:g}")
    return replace(found, nodata=nodata), notes


def check_apart(target: Path, given: Sequence[Any]) -> None:
    """Refuse an output that is one of the sources.

    Raises:
        UsageError: it is so.
    """
    for source in given:
        if isinstance(source, str | Path) and target.exists() and Path(source).exists() and target.samefile(source):
            raise UsageError(f"{target}: is one of the sources; choose another output")

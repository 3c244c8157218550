"""Everything that is decided before the first pixel is fused: sources, levels, windows, depth."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from imfuse.errors import UsageError
from imfuse.io import PixelSource, open_source
from imfuse.io.window import Window
from imfuse.levels import Levels, RangeName, find_levels
from imfuse.ops.colour import luma
from imfuse.quantise import Depth, OutputDepth, depth_notes, output_depth
from imfuse.sizes import ResizeTo, same_size
from imfuse.tasks import Task
from imfuse.tiles import tile_side, tiles

if TYPE_CHECKING:
    from imfuse.networks.protocol import Core, FusionNetwork


@dataclass(frozen=True, slots=True)
class Plan:
    """How the pictures of one scene are fused.

    Attributes:
        task: the task.
        sources: in the task's order, all of one size.
        levels: of each source.
        windows: cover the picture.
        halo: pixels around a window that are read with it.
        alignment: the first row and column that are read are multiples of it.
        depth: of the result.
        notes: what the report has to say of the decisions.
    """

    task: Task
    sources: list[PixelSource]
    levels: list[Levels]
    windows: list[Window]
    halo: int
    alignment: int
    depth: OutputDepth
    notes: list[str]

    @property
    def detail(self) -> PixelSource:
        """The source whose depth, colour and metadata the result takes."""
        return self.sources[self.task.detail_role]

    def read(self, window: Window, device: torch.device) -> tuple[list[Tensor], list[Tensor], Core]:
        """A window with its halo: every source in [0, 1], (1, C, h, w); its luma; and what of it is not halo."""
        grown = window.grown(self.halo, self.detail.height, self.detail.width, self.alignment)
        pictures = [
            _to_unit(source.read(grown), levels, device)
            for source, levels in zip(self.sources, self.levels, strict=True)
        ]
        return pictures, [luma(picture) for picture in pictures], window.inside(grown).slices


def make_plan(
    task: Task,
    network: FusionNetwork,
    given: Sequence[Any],
    policies: Sequence[RangeName | None],
    resize_to: ResizeTo | None,
    depth: Depth | None,
    memory: int,
    *,
    explained: bool = False,
) -> Plan:
    """Open the sources and decide everything.

    Raises:
        UsageError: wrong number of sources.
        SourceError: a source cannot be read.
        SizeMismatchError: different sizes without ``resize_to``.
    """
    roles = task.roles
    if len(given) != len(roles):
        names = " and ".join(role.name for role in roles)
        raise UsageError(f"task {task.name!r} takes {len(roles)} sources ({names}), {len(given)} given")
    opened = [open_source(source, name=_name(source, role.name)) for source, role in zip(given, roles, strict=True)]
    notes = [note for source in opened for note in source.notes]
    for source in opened:
        _check_channels(source)
    opened, resize_notes = same_size(opened, resize_to)
    notes += resize_notes
    detail = opened[task.detail_role]
    working = network.explain_bytes_per_pixel if explained else network.bytes_per_pixel
    windows = _windows(working, network.halo + network.alignment - 1, opened, detail, memory)
    levels = []
    for source, role, policy in zip(opened, roles, policies, strict=True):
        found, level_notes = find_levels(source, windows, policy, role.stretch)
        levels.append(found)
        notes += level_notes
    for index, source in enumerate(opened):
        if index != task.detail_role and source.channels == 3:
            notes.append(f"{source.name}: colour is turned to luma; chroma comes from {detail.name}")
        if index != task.detail_role and source.has_alpha:
            notes.append(f"{source.name}: its alpha channel is not used")
    stored = output_depth(detail, depth)
    notes += depth_notes(detail, stored)
    return Plan(task, opened, levels, windows, network.halo, network.alignment, stored, notes)


def _windows(working: int, halo: int, sources: list[PixelSource], detail: PixelSource, memory: int) -> list[Window]:
    pixel = working + sum(4 * (source.channels + 1) for source in sources)
    pixel += (8 + detail.dtype.itemsize) * detail.channels + 8 * max(source.channels for source in sources)
    side = tile_side(memory, pixel, halo)
    return list(tiles(detail.height, detail.width, side))


def _name(source: Any, role: str) -> str | None:
    """What messages call a source that has no path: its role."""
    return None if isinstance(source, (str, os.PathLike)) or hasattr(source, "read") else f"the {role} source"


def _check_channels(source: PixelSource) -> None:
    if source.channels not in (1, 3):
        raise UsageError(f"{source.name}: has {source.channels} bands; this task takes gray or RGB pictures")


def _to_unit(pixels: NDArray[Any], levels: Levels, device: torch.device) -> Tensor:
    """Pixels (h, w, C) as a tensor (1, C, h, w) with the levels at 0 and 1, clipped to [0, 1]."""
    planes = np.ascontiguousarray(np.moveaxis(pixels, -1, 0), dtype=np.float32)
    if planes is pixels or not planes.flags.owndata:
        planes = planes.copy()
    unit = torch.from_numpy(planes).to(device)
    scale = 1.0 / (levels.high - levels.low)
    return unit.sub_(levels.low).mul_(scale).clamp_(0.0, 1.0).unsqueeze(0)

"""Everything that is decided before the first pixel is fused: sources, colour, levels, windows, depth."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from imfuse.colour_policies import ColourPolicy, colour_policy
from imfuse.errors import UsageError
from imfuse.io import Metadata, PixelSource, open_source
from imfuse.io.source import Releasable
from imfuse.io.window import Window
from imfuse.levels import Levels, RangeName, find_levels, range_of_stack, ranges_of
from imfuse.quantise import Depth, OutputDepth, depth_notes, output_depth
from imfuse.sizes import ResizeTo, same_size
from imfuse.stack_levels import find_stack_levels
from imfuse.tasks import Role, Task
from imfuse.tiles import CACHE_SIDE, SMALLEST, tile_side, tiles

if TYPE_CHECKING:
    from imfuse.networks.protocol import FusionNetwork

Range = RangeName | Mapping[str, RangeName] | None

_ALWAYS_KEPT = 2
"""So many decoded files stay in memory beside the budget: those of a pair."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How the pictures of one scene are fused.

    Attributes:
        task: the task.
        roles: of the sources.
        sources: in the task's order, all of one size.
        levels: of each source.
        colour: the colour policy.
        channels: of the result, without alpha.
        windows: cover the picture.
        halo: pixels around a window that are read with it.
        alignment: the first row and column that are read are multiples of it.
        kept: whether what was decoded of a file is kept until the end; otherwise it is let go after every read.
        depth: of the result.
        notes: what the report has to say of the decisions.
        order: indices of the sources in the order in which the network wants them.
    """

    task: Task
    roles: tuple[Role, ...]
    sources: list[PixelSource]
    levels: list[Levels]
    colour: ColourPolicy
    channels: int
    windows: list[Window]
    halo: int
    alignment: int
    kept: bool
    depth: OutputDepth
    notes: list[str]
    order: tuple[int, ...]

    @property
    def detail(self) -> PixelSource:
        """The source whose depth and metadata the result takes."""
        return self.sources[self.task.detail_role]

    @property
    def role_names(self) -> list[str]:
        """What parts call the sources, in the network's order."""
        return [self.roles[index].name for index in self.order]

    @property
    def metadata(self) -> Metadata:
        """What the result carries: that of the detail, with another's profile where it has not as many channels."""
        if self.channels == self.detail.channels:
            return self.detail.metadata
        profile = next((source.metadata.icc for source in self.sources if source.channels == self.channels), None)
        return replace(self.detail.metadata, icc=profile)

    def grown(self, window: Window) -> Window:
        """What is read for a window: with its halo, and begun where the network's pyramids begin."""
        return window.grown(self.halo, self.detail.height, self.detail.width, self.alignment)

    def read(self, index: int, window: Window, device: torch.device) -> Tensor:
        """A window of one source, in [0, 1], (1, C, h, w)."""
        source = self.sources[index]
        unit = _to_unit(source.read(window), self.levels[index], device)
        if not self.kept:
            release(source)
        return unit

    def read_alpha(self, window: Window) -> NDArray[Any] | None:
        """The alpha of the result in a window, (h, w) in its depth; None without."""
        alpha = self.detail.read_alpha(window)
        converted = None if alpha is None else np.array(self.depth.convert_alpha(alpha, self.detail))
        if not self.kept:
            release(self.detail)
        return converted


def release(source: PixelSource) -> None:
    """Let a source go of the picture that it holds, if it holds one."""
    if isinstance(source, Releasable):
        source.release()


def make_plan(
    task: Task,
    network: FusionNetwork,
    given: Sequence[Any],
    asked: Range,
    resize_to: ResizeTo | None,
    depth: Depth | None,
    memory: int,
    *,
    explained: bool = False,
) -> Plan:
    """Open the sources and decide everything.

    Raises:
        UsageError: wrong number of sources, or a range that there is not.
        SourceError: a source cannot be read.
        SizeMismatchError: different sizes without ``resize_to``.
    """
    roles = task.roles_for(len(given))
    check_range(task, asked)
    opened = [open_source(source, name=_name(source, role.name)) for source, role in zip(given, roles, strict=True)]
    notes = [note for source in opened for note in source.notes]
    for source in opened:
        _check_channels(source)
    opened, resize_notes = same_size(opened, resize_to)
    detail = opened[task.detail_role]
    colour = colour_policy(task, network)
    channels = colour.channels(opened)
    stored = output_depth(detail, depth)
    pixel = _bytes_per_pixel(network, colour, opened, channels, stored, explained=explained)
    windows, kept = _windows(pixel, network.halo + network.alignment - 1, opened, memory)
    levels, level_notes = _levels(task, opened, windows, asked, kept=kept)
    notes += resize_notes + level_notes + colour.notes(opened, channels)
    notes += [
        f"{source.name}: its alpha channel is not used"
        for source in opened
        if source.has_alpha and source is not detail
    ]
    notes += depth_notes(detail, stored)
    if not kept and len(windows) > 1:
        words = (
            f"the {len(opened)} pictures do not fit into the memory at once: each is decoded for {len(windows)} windows"
        )
        notes.append(f"{words} anew; a larger --memory is faster")
    halo, alignment, order = network.halo, network.alignment, network_order(task, network, len(opened))
    return Plan(task, roles, opened, levels, colour, channels, windows, halo, alignment, kept, stored, notes, order)


def network_order(task: Task, network: FusionNetwork, count: int) -> tuple[int, ...]:
    """Indices of a task's sources in the order in which the network wants them: its own, or the task's."""
    names = [role.name for role in task.roles_for(count)]
    return tuple(names.index(name) for name in network.source_order.get(task.name, names))


def check_range(task: Task, asked: Range) -> None:
    """Refuse ranges that there are not.

    Raises:
        UsageError: a name is unknown, or roles of a stack are asked.
    """
    if task.is_stack:
        range_of_stack(asked)
    else:
        ranges_of(asked, task.roles)


def _levels(
    task: Task, sources: list[PixelSource], windows: list[Window], asked: Range, *, kept: bool
) -> tuple[list[Levels], list[str]]:
    """The levels of every source, and notes of them."""

    def done(source: PixelSource) -> None:
        if not kept:
            release(source)

    if task.is_stack:
        levels, notes = find_stack_levels(sources, windows, range_of_stack(asked), done)
        return levels, list(notes)
    found = []
    for source, role, policy in zip(sources, task.roles, ranges_of(asked, task.roles), strict=True):
        found.append(find_levels(source, windows, policy, role.stretch))
        done(source)
    return [levels for levels, _ in found], [note for _, notes in found for note in notes]


def _bytes_per_pixel(
    network: FusionNetwork,
    colour: ColourPolicy,
    sources: Sequence[PixelSource],
    channels: int,
    depth: OutputDepth,
    *,
    explained: bool,
) -> int:
    """What a pixel of a window takes: the network, the colour, the source at hand and the one before it, the result."""
    working = network.explain_bytes_per_pixel if explained else network.bytes_per_pixel
    working += network.bytes_per_pixel_per_source * len(sources)
    most = max(source.channels for source in sources)
    at_hand = (4 + 8) * most + 2 * 4 * colour.network_channels(channels)
    held = colour.bytes_per_pixel if channels == 3 else 0
    return working + at_hand + held + (8 + depth.dtype.itemsize) * channels


def _windows(pixel: int, halo: int, sources: Sequence[PixelSource], memory: int) -> tuple[list[Window], bool]:
    """The windows, and whether what files hold once they are decoded stays in memory until the end.

    It stays where all of it, beyond what the two of a pair hold, leaves room for a window of the usual size. Otherwise
    every file is decoded anew for every window, and the windows are as large as the memory allows: with room for some
    of the pictures, it saves more decoding to make the windows larger than to keep these.
    """
    height, width = sources[0].height, sources[0].width
    held = sorted(source.holds for source in sources if isinstance(source, Releasable))
    beyond_pair = sum(held[:-_ALWAYS_KEPT])
    usual = pixel * (min(CACHE_SIDE, max(height, width, SMALLEST)) + 2 * halo) ** 2
    if not beyond_pair or beyond_pair + usual <= memory:
        return list(tiles(height, width, tile_side(memory - beyond_pair, pixel, halo, CACHE_SIDE))), True
    return list(tiles(height, width, tile_side(memory, pixel, halo, max(height, width)))), False


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

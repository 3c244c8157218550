"""Everything that is decided before the first pixel is fused: sources, colour, levels, windows, depth."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from imfuse.colour_policies import ColourPolicy, colour_policy
from imfuse.errors import UsageError
from imfuse.exposures import Exposures, find_exposures
from imfuse.io import Metadata, PixelSource, open_source
from imfuse.io.source import Releasable, release
from imfuse.io.window import Window
from imfuse.levels import Levels, RangeName, find_levels, range_of_stack, ranges_of
from imfuse.ops.interleaving import planes
from imfuse.quantise import Depth, OutputDepth, depth_notes, mixed_depth_notes, output_depth
from imfuse.registration import Align, AlignmentReport, align_or_suspect
from imfuse.sizes import ResizeTo, same_size
from imfuse.stack_levels import find_stack_levels
from imfuse.stretch import BYTES_PER_VALUE, is_stretched
from imfuse.tasks import Role, Task
from imfuse.tiles import CACHE_SIDE, SMALLEST, tile_side, tiles

if TYPE_CHECKING:
    from imfuse.networks.protocol import FusionNetwork

Work = Literal["fuse", "shares", "explain"]
"""What is to be done: fuse, fuse and tell the shares of the sources, or show the parts."""

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
        exposures: of a bracket.
        stretched: whether the result is stretched as the last step.
        result_kept: whether the result is kept unquantised until then; otherwise every window is fused twice.
        aligned: how the pictures of a stack were aligned, if it was asked for.
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
    exposures: Exposures | None = None
    stretched: bool = False
    result_kept: bool = False
    aligned: AlignmentReport | None = None

    @property
    def detail(self) -> PixelSource:
        """The source whose depth and alpha the result takes."""
        return self.sources[self.task.detail_role]

    @property
    def role_names(self) -> list[str]:
        """What parts call the sources, in the network's order."""
        return [self.roles[index].name for index in self.order]

    @property
    def metadata(self) -> Metadata:
        """What the result carries: that of the middle exposure of a bracket, otherwise of the detail.

        With another's profile where that has not as many channels.
        """
        described = self.detail if self.exposures is None else self.sources[self.exposures.middle]
        if self.channels == described.channels:
            return described.metadata
        profile = next((source.metadata.icc for source in self.sources if source.channels == self.channels), None)
        return replace(described.metadata, icc=profile)

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


def make_plan(
    task: Task,
    network: FusionNetwork,
    given: Sequence[Any],
    asked: Range,
    resize_to: ResizeTo | None,
    depth: Depth | None,
    memory: int,
    *,
    align: Align | str = False,
    work: Work = "fuse",
    stretch: bool | None = None,
) -> Plan:
    """Open the sources and decide everything.

    Raises:
        UsageError: wrong number of sources, a range or alignment that there is not, or a stretch where there is none.
        SourceError: a source cannot be read.
        SizeMismatchError: different sizes without ``resize_to``.
    """
    roles = task.roles_for(len(given))
    check_range(task, asked)
    stretched = is_stretched(task, network, stretch)
    opened = [open_source(source, name=_name(source, role.name)) for source, role in zip(given, roles, strict=True)]
    notes = [note for source in opened for note in source.notes]
    for source in opened:
        _check_channels(source)
    opened, resize_notes = same_size(opened, resize_to)
    detail = opened[task.detail_role]
    colour = colour_policy(task, network)
    channels = colour.channels(opened)
    stored = output_depth(detail, depth)
    pixel = _bytes_per_pixel(network, colour, opened, channels, stored, work)
    halo = network.explain_halo if work == "explain" else network.halo
    margin = halo + network.alignment - 1
    held = _held_result(pixel, margin, opened, channels, memory) if stretched else 0
    windows, kept = _windows(pixel, margin, opened, memory - held)
    opened, aligned, align_notes = align_or_suspect(opened, task, align, _let_go(kept), kept=kept)
    if aligned is not None:
        detail = opened[task.detail_role]
        windows, kept = _windows(pixel, margin, opened, memory - held)
    levels, level_notes = _levels(task, opened, windows, asked, kept=kept)
    exposures = find_exposures(opened, windows, _let_go(kept)) if task.by_exposure and work != "explain" else None
    notes += network.remarks + resize_notes + align_notes + level_notes + colour.notes(opened, channels)
    notes += exposures.notes(opened) if exposures is not None else []
    notes += [
        f"{source.name}: its alpha channel is not used"
        for source in opened
        if source.has_alpha and source is not detail
    ]
    if work != "explain":  # parts have a depth of their own
        notes += depth_notes(detail, stored) + mixed_depth_notes(opened, stored)
    if stretched and not held:
        notes.append("the memory does not hold the result until it is stretched: every window is fused twice")
    if not kept and len(windows) > 1:
        words = (
            f"the {len(opened)} pictures do not fit into the memory at once: each is decoded for {len(windows)} windows"
        )
        notes.append(f"{words} anew; a larger --memory is faster")
    alignment, order = network.alignment, network_order(task, network, len(opened))
    fixed = (task, roles, opened, levels, colour, channels, windows, halo, alignment, kept, stored, notes, order)
    return Plan(*fixed, exposures=exposures, stretched=stretched, result_kept=held > 0, aligned=aligned)


def network_order(task: Task, network: FusionNetwork, count: int) -> tuple[int, ...]:
    """Indices of a task's sources in the order in which the network wants them: its own, or the task's."""
    names = [role.name for role in task.roles_for(count)]
    return tuple(names.index(name) for name in network.source_order.get(task.name, names))


def _let_go(kept: bool) -> Callable[[PixelSource], None]:
    """What is called with a source that is not read for now."""

    def done(source: PixelSource) -> None:
        if not kept:
            release(source)

    return done


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
    done = _let_go(kept)
    if task.is_stack:
        levels, notes = find_stack_levels(sources, windows, range_of_stack(asked), done)
        return levels, list(notes)
    found = []
    for source, role, policy in zip(sources, task.roles, ranges_of(asked, task.roles), strict=True):
        found.append(find_levels(source, windows, policy, role.stretch))
        done(source)
    return [levels for levels, _ in found], [note for _, notes in found for note in notes]


def working_bytes(network: FusionNetwork, count: int, work: Work) -> int:
    """What a pixel of a window takes in a network, of so many sources."""
    held = network.bytes_per_pixel_per_source * count
    if work == "fuse":
        return network.bytes_per_pixel + held
    # The shares exist twice while they are put together, and are quantised one by one.
    shared = max(network.bytes_per_pixel, network.shares_bytes_per_pixel + 2 * 4 * count) + held
    if work == "shares":
        return shared
    return max(network.explain_bytes_per_pixel + held, shared) + network.explain_bytes_per_pixel_per_source * count


def _bytes_per_pixel(
    network: FusionNetwork,
    colour: ColourPolicy,
    sources: Sequence[PixelSource],
    channels: int,
    depth: OutputDepth,
    work: Work,
) -> int:
    """What a pixel of a window takes: the network, the colour, the source at hand and the one before it, the result."""
    working = working_bytes(network, len(sources), work)
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
    usual = _usual_window(pixel, halo, sources)
    held = sorted(source.holds for source in sources if isinstance(source, Releasable))
    beyond_pair = sum(held[:-_ALWAYS_KEPT])
    if not beyond_pair or beyond_pair + usual <= memory:
        return list(tiles(height, width, tile_side(memory - beyond_pair, pixel, halo, CACHE_SIDE))), True
    return list(tiles(height, width, tile_side(memory, pixel, halo, max(height, width)))), False


def _usual_window(pixel: int, halo: int, sources: Sequence[PixelSource]) -> int:
    """What a window of the usual size takes, in bytes."""
    return pixel * (min(CACHE_SIDE, max(sources[0].height, sources[0].width, SMALLEST)) + 2 * halo) ** 2


def _held_result(pixel: int, halo: int, sources: Sequence[PixelSource], channels: int, memory: int) -> int:
    """What the unquantised result takes until it is stretched; 0 where that leaves no room for a usual window."""
    result = BYTES_PER_VALUE * channels * sources[0].height * sources[0].width
    return result if result + _usual_window(pixel, halo, sources) <= memory else 0


def _name(source: Any, role: str) -> str | None:
    """What messages call a source that has no path: its role."""
    return None if isinstance(source, (str, os.PathLike)) or hasattr(source, "read") else f"the {role} source"


def _check_channels(source: PixelSource) -> None:
    if source.channels not in (1, 3):
        raise UsageError(f"{source.name}: has {source.channels} bands; this task takes gray or RGB pictures")


def _to_unit(pixels: NDArray[Any], levels: Levels, device: torch.device) -> Tensor:
    """Pixels (h, w, C) as a tensor (1, C, h, w) with the levels at 0 and 1, clipped to [0, 1]."""
    height, width, channels = pixels.shape
    unit = np.empty((1, channels, height, width), np.float32)
    low, scale = np.float32(levels.low), np.float32(1.0 / (levels.high - levels.low))
    for plane, values in zip(planes(pixels), unit[0], strict=True):
        above = np.subtract(plane, low, dtype=np.float32) if low else plane
        np.multiply(above, scale, out=values, dtype=np.float32)
    given = torch.from_numpy(unit).to(device)
    of_all = pixels.dtype.kind == "u" and (levels.low, levels.high) == (0, np.iinfo(pixels.dtype).max)
    return given if of_all else given.clamp_(0.0, 1.0)

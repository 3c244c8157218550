"""The Fuser: sources in, fused picture out, window by window."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from imfuse import __version__
from imfuse.errors import UsageError
from imfuse.io import ArrayWriter, PixelSource, open_source
from imfuse.io.window import Window
from imfuse.levels import Levels, RangeName, find_levels, ranges_of
from imfuse.ops.colour import luma, replace_luma
from imfuse.quantise import Depth, OutputDepth, check_depth, depth_notes, output_depth
from imfuse.result import FusionResult, Report, SourceReport
from imfuse.sizes import ResizeTo, check_resize, same_size
from imfuse.tasks import Task
from imfuse.tiles import parse_memory, tile_side, tiles

if TYPE_CHECKING:
    from imfuse.networks.protocol import FusionNetwork
    from imfuse.registry import ModelCard

Progress = Callable[[float], None]

MUCH_DARKER = 0.6
"""A result whose mean luma is below this share of the detail source's is told: addition darkens dark pairs."""


@dataclass(slots=True)
class _Tally:
    """Sums over the pixels fused so far.

    Attributes:
        beyond: pixels with a channel beyond black or white.
        before: luma of the source that carries the detail.
        after: luma of the result.
    """

    beyond: int = 0
    before: float = 0.0
    after: float = 0.0

    def notes(self, detail: PixelSource, depth: OutputDepth) -> list[str]:
        """What the report has to say of the result as a whole."""
        pixels = detail.height * detail.width
        notes = []
        if self.beyond:
            fate = "which float keeps" if depth.is_float else "which is clipped"
            share = 100 * self.beyond / pixels
            notes.append(f"{share:.3g} % of the pixels have a channel beyond black or white, {fate}")
        before, after = self.before / pixels, self.after / pixels
        if after < MUCH_DARKER * before:
            notes.append(
                f"the result is much darker than {detail.name} (mean {after:.2f} after {before:.2f}): both sources are "
                "dark in the same places; --range percentile or --rule average keeps more light"
            )
        return notes


@dataclass(frozen=True, slots=True)
class _Plan:
    """Everything that is decided before the first pixel is fused."""

    sources: list[PixelSource]
    levels: list[Levels]
    windows: list[Window]
    depth: OutputDepth
    notes: list[str]


class Fuser:
    """A network at work on a task.

    Attributes:
        network: the trained network, in evaluation mode.
        task: the task.
        name: the model's name, for reports.
        device: where the network runs.
        card: the model's card, if it has one.
    """

    def __init__(
        self,
        network: FusionNetwork,
        task: Task,
        name: str = "",
        device: str | torch.device = "cpu",
        card: ModelCard | None = None,
    ) -> None:
        try:
            self.device = torch.device(device)
            self.network = network.eval().to(self.device)
            torch.zeros(1, device=self.device).item()
        except (RuntimeError, AssertionError, ImportError, NotImplementedError) as error:
            raise UsageError(f"device {str(device)!r} cannot be used here ({str(error).splitlines()[0]})") from error
        self.task = task
        self.name = name or type(network).__name__
        self.card = card

    def fuse(
        self,
        sources: Sequence[Any],
        *,
        range: RangeName | Mapping[str, RangeName] | None = None,
        resize_to: ResizeTo | None = None,
        depth: Depth | None = None,
        memory: str | int = "1GiB",
        progress: Progress | None = None,
    ) -> FusionResult:
        """Fuse the pictures of one scene.

        Any size from 1×1 up. Pictures are read, fused and quantised in windows that overlap by the network's halo, so
        that the result does not depend on how many there are. At the borders the networks reflect the picture; where
        a reflection is wider than the picture it reflects again.

        Args:
            sources: paths, arrays (H, W) or (H, W, C), PIL images, or tensors (C, H, W) or (B, C, H, W) in [0, 1], in
                the task's order (infrared first). Batches must be of one size and are fused picture by picture.
            range: which values of the infrared source become black and white: ``full`` range of the depth, ``minmax``
                of the source, or its ``percentile`` 0.1 and 99.9; or a mapping from roles to these. By default 8-bit
                sources are taken at full range, and infrared sources deeper than that by percentiles where these use
                less than half of their range; see :func:`imfuse.levels.find_levels`.
            resize_to: size of the ``first`` or of the ``largest`` source, for sources of different sizes.
            depth: 8, 16 or ``float`` (black 0, white 1, neither rounded nor clipped); by default that of the source
                that carries the detail.
            memory: what fusing may take beyond the pictures themselves.
            progress: called with the finished fraction.

        Raises:
            UsageError: wrong number of sources, or an option out of its range.
            SourceError: a source cannot be read.
            SizeMismatchError: different sizes without ``resize_to``.
        """
        given = _sequence(sources)
        count = _batch_size(given)
        if count > 1:
            options: dict[str, Any] = {"range": range, "resize_to": resize_to, "depth": depth, "memory": memory}
            results = []
            for pictures in zip(*given, strict=True):
                results.append(self.fuse(pictures, **options))
                if progress is not None:
                    progress(len(results) / count)
            return _stacked(results)
        started = time.perf_counter()
        plan = self._plan(given, ranges_of(range, self.task.roles), resize_to, depth, parse_memory(memory))
        writer, tally = self._run(plan, progress)
        detail = plan.sources[self.task.detail_role]
        notes = [*plan.notes, *tally.notes(detail, plan.depth)]
        report = self._report(plan, writer.image, time.perf_counter() - started, notes)
        image = _like(writer.image, given[self.task.detail_role])
        return FusionResult(image, report, detail.metadata, detail.has_alpha)

    def check_options(
        self,
        range: RangeName | Mapping[str, RangeName] | None = None,
        resize_to: ResizeTo | None = None,
        depth: Depth | None = None,
        memory: str | int = "1GiB",
    ) -> None:
        """Refuse options of :meth:`fuse` that serve for no picture.

        Raises:
            UsageError: an option is unknown, or the memory is too little for the smallest tile.
        """
        ranges_of(range, self.task.roles)
        check_resize(resize_to)
        check_depth(depth)
        tile_side(parse_memory(memory), self.network.bytes_per_pixel, self.network.halo)

    def _plan(
        self,
        given: Sequence[Any],
        policies: Sequence[RangeName | None],
        resize_to: ResizeTo | None,
        depth: Depth | None,
        memory: int,
    ) -> _Plan:
        roles = self.task.roles
        if len(given) != len(roles):
            names = " and ".join(role.name for role in roles)
            raise UsageError(f"task {self.task.name!r} takes {len(roles)} sources ({names}), {len(given)} given")
        opened = [open_source(source, name=_name(source, role.name)) for source, role in zip(given, roles, strict=True)]
        notes = [note for source in opened for note in source.notes]
        for source in opened:
            _check_channels(source)
        opened, resize_notes = same_size(opened, resize_to)
        notes += resize_notes
        windows = self._windows(opened, memory)
        levels = []
        for source, role, policy in zip(opened, roles, policies, strict=True):
            found, level_notes = find_levels(source, windows, policy, role.stretch)
            levels.append(found)
            notes += level_notes
        detail = opened[self.task.detail_role]
        for index, source in enumerate(opened):
            if index != self.task.detail_role and source.channels == 3:
                notes.append(f"{source.name}: colour is turned to luma; chroma comes from {detail.name}")
            if index != self.task.detail_role and source.has_alpha:
                notes.append(f"{source.name}: its alpha channel is not used")
        stored = output_depth(detail, depth)
        return _Plan(opened, levels, windows, stored, [*notes, *depth_notes(detail, stored)])

    def _windows(self, sources: list[PixelSource], memory: int) -> list[Window]:
        detail = sources[self.task.detail_role]
        pixel = self.network.bytes_per_pixel + sum(4 * (source.channels + 1) for source in sources)
        pixel += (8 + detail.dtype.itemsize) * detail.channels + 8 * max(source.channels for source in sources)
        side = tile_side(memory, pixel, self.network.halo)
        return list(tiles(detail.height, detail.width, side))

    def _run(self, plan: _Plan, progress: Progress | None) -> tuple[ArrayWriter, _Tally]:
        detail = plan.sources[self.task.detail_role]
        writer = ArrayWriter(detail.height, detail.width, detail.channels, plan.depth.dtype, alpha=detail.has_alpha)
        tally = _Tally()
        for done, window in enumerate(plan.windows, start=1):
            fused = self._fuse_window(plan, window, tally)
            pixels, beyond = plan.depth.quantise(fused)
            tally.beyond += beyond
            writer.write(window, pixels)
            alpha = detail.read_alpha(window)
            if alpha is not None:
                writer.write_alpha(window, plan.depth.convert_alpha(alpha, detail))
            if progress is not None:
                progress(done / len(plan.windows))
        return writer, tally

    def _fuse_window(self, plan: _Plan, window: Window, tally: _Tally) -> Tensor:
        """The fused pixels (C, h, w) of a window, computed with the halo that makes them exact."""
        detail = plan.sources[self.task.detail_role]
        grown = window.grown(self.network.halo, detail.height, detail.width)
        pictures = [
            _to_unit(source.read(grown), levels, self.device)
            for source, levels in zip(plan.sources, plan.levels, strict=True)
        ]
        lumas = [luma(picture) for picture in pictures]
        rows, columns = window.inside(grown).slices
        with torch.inference_mode():
            fused = self.network.fuse(lumas)
            before = lumas[self.task.detail_role]
            tally.before += float(before[..., rows, columns].sum())
            tally.after += float(fused[..., rows, columns].sum())
            if detail.channels == 3:
                fused = replace_luma(pictures[self.task.detail_role], before, fused)
        return fused[0, :, rows, columns]

    def _report(self, plan: _Plan, image: NDArray[Any], seconds: float, notes: list[str]) -> Report:
        sources = tuple(
            SourceReport(
                source.name,
                role.name,
                source.height,
                source.width,
                source.channels,
                str(source.dtype),
                levels.low,
                levels.high,
                levels.origin,
            )
            for source, role, levels in zip(plan.sources, self.task.roles, plan.levels, strict=True)
        )
        return Report(
            task=self.task.name,
            model=self.name,
            rule=self.network.rule_name,
            device=str(self.device),
            version=__version__,
            sources=sources,
            height=image.shape[0],
            width=image.shape[1],
            channels=1 if image.ndim == 2 else image.shape[2],
            dtype=str(image.dtype),
            colour=self.task.colour,
            tiles=len(plan.windows),
            seconds=seconds,
            notes=tuple(notes),
        )


def _batch_size(sources: Sequence[Any]) -> int:
    """The common batch size of tensors (B, C, H, W), 1 for everything else.

    Raises:
        UsageError: batches of different size.
    """
    sizes = {len(source) if isinstance(source, Tensor) and source.ndim == 4 else 1 for source in sources}
    if len(sizes) > 1:
        raise UsageError(f"batches of {sorted(sizes)} pictures: give tensors of one batch size")
    return sizes.pop() if sizes else 1


def _stacked(results: list[FusionResult]) -> FusionResult:
    """The results of a batch as one: pictures stacked, notes of all, otherwise the first one's report."""
    images = torch.stack([result.image for result in results if isinstance(result.image, Tensor)])
    notes = dict.fromkeys(note for result in results for note in result.report.notes)
    seconds = sum(result.report.seconds for result in results)
    return replace(results[0], image=images, report=replace(results[0].report, notes=tuple(notes), seconds=seconds))


def _name(source: Any, role: str) -> str | None:
    """What messages call a source that has no path: its role."""
    return None if isinstance(source, (str, os.PathLike)) or hasattr(source, "read") else f"the {role} source"


def _sequence(sources: object) -> Sequence[Any]:
    """The sources as a list.

    Raises:
        UsageError: they are no list or tuple.
    """
    if not isinstance(sources, (list, tuple)):
        raise UsageError(f"sources is of type {type(sources).__name__}: give a list of pictures, infrared first")
    return sources


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


def _like(image: NDArray[Any], given: Any) -> NDArray[Any] | Tensor:
    """The result in the layout of the source that it replaces."""
    if isinstance(given, Tensor):
        planes = image[None] if image.ndim == 2 else np.ascontiguousarray(np.moveaxis(image, -1, 0))
        tensor = torch.from_numpy(planes).to(given.device)
        if given.ndim == 2:
            return tensor[0]
        return tensor.reshape(*([1] * (given.ndim - 3)), *planes.shape)
    if isinstance(given, np.ndarray) and given.ndim == 3 and image.ndim == 2:
        return image[..., None]
    return image

"""The Fuser: sources in, fused picture out, window by window."""

from __future__ import annotations

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
from imfuse.explanation import Explanation
from imfuse.io import ArrayWriter, PixelSource
from imfuse.io.window import Window
from imfuse.levels import RangeName, ranges_of
from imfuse.ops.colour import replace_luma
from imfuse.plan import Plan, make_plan
from imfuse.quantise import Depth, OutputDepth, check_depth
from imfuse.result import FusionResult, Report, SourceReport
from imfuse.sizes import ResizeTo, check_resize
from imfuse.tasks import Task
from imfuse.tiles import parse_memory, tile_side

if TYPE_CHECKING:
    from imfuse.networks.protocol import FusionNetwork, Survey
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
        policies = ranges_of(range, self.task.roles)
        plan = make_plan(self.task, self.network, given, policies, resize_to, depth, parse_memory(memory))
        writer, tally = self._run(plan, progress)
        notes = [*plan.notes, *tally.notes(plan.detail, plan.depth)]
        report = self._report(plan, writer.image, time.perf_counter() - started, notes)
        image = _like(writer.image, given[self.task.detail_role])
        return FusionResult(image, report, plan.detail.metadata, plan.detail.has_alpha)

    def explain(
        self,
        sources: Sequence[Any],
        *,
        range: RangeName | Mapping[str, RangeName] | None = None,
        resize_to: ResizeTo | None = None,
        memory: str | int = "1GiB",
        progress: Progress | None = None,
    ) -> Explanation:
        """The parts that the algorithm saw on its way to the fused picture, as named arrays (H, W) of float32.

        Which parts there are, the network says: see :meth:`imfuse.networks.two_scale.TwoScaleNetwork.explain`. They are
        computed window by window, as the fused picture is, and do not depend on how many there are.

        Args:
            sources: as for :meth:`fuse`, but no batches.
            range: as for :meth:`fuse`.
            resize_to: as for :meth:`fuse`.
            memory: what it may take beyond the pictures and the parts themselves.
            progress: called with the finished fraction.

        Raises:
            UsageError: the network has no parts to show; or as for :meth:`fuse`.
            SourceError: a source cannot be read.
            SizeMismatchError: different sizes without ``resize_to``.
        """
        given = _sequence(sources)
        if _batch_size(given) > 1:
            raise UsageError("a batch of several pictures: explain them one by one")
        policies = ranges_of(range, self.task.roles)
        plan = make_plan(
            self.task, self.network, given, policies, resize_to, None, parse_memory(memory), explained=True
        )
        survey = self._survey(plan, _share(progress, 0.0, 0.5))
        told = _share(progress, 0.5 if survey is not None else 0.0, 1.0)
        names = self.task.role_names
        explanation = Explanation(plan.detail.height, plan.detail.width, self.name, self.network.rule_name, plan.notes)
        for done, window in enumerate(plan.windows, start=1):
            _, lumas, (rows, columns) = plan.read(window, self.device)
            with torch.inference_mode():
                parts = self.network.explain(lumas, names, survey)
            for name, part in parts.items():
                explanation.write(name, part, window, part.image[0, 0, rows, columns].cpu().numpy())
            told(done / len(plan.windows))
        return explanation

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
        tile_side(parse_memory(memory), self.network.bytes_per_pixel, self.network.halo + self.network.alignment - 1)

    def _run(self, plan: Plan, progress: Progress | None) -> tuple[ArrayWriter, _Tally]:
        detail = plan.detail
        writer = ArrayWriter(detail.height, detail.width, detail.channels, plan.depth.dtype, alpha=detail.has_alpha)
        tally = _Tally()
        survey = self._survey(plan, _share(progress, 0.0, 0.5))
        told = _share(progress, 0.5 if survey is not None else 0.0, 1.0)
        for done, window in enumerate(plan.windows, start=1):
            fused = self._fuse_window(plan, window, survey, tally)
            pixels, beyond = plan.depth.quantise(fused)
            tally.beyond += beyond
            writer.write(window, pixels)
            alpha = detail.read_alpha(window)
            if alpha is not None:
                writer.write_alpha(window, plan.depth.convert_alpha(alpha, detail))
            told(done / len(plan.windows))
        return writer, tally

    def part_names(self) -> list[str]:
        """Names of the parts that :meth:`explain` gives.

        Raises:
            UsageError: the network has no parts to show.
        """
        return self.network.part_names(self.task.role_names)

    def _survey(self, plan: Plan, told: Progress) -> Survey | None:
        """What the network needs to know of the whole pictures; None where it needs nothing or sees them whole."""
        if not self.network.surveyed or len(plan.windows) == 1:
            return None
        survey: Survey | None = None
        for done, window in enumerate(plan.windows, start=1):
            _, lumas, core = plan.read(window, self.device)
            with torch.inference_mode():
                part = self.network.survey(lumas, core)
            survey = part if survey is None else survey.merged(part)
            told(done / len(plan.windows))
        return survey

    def _fuse_window(self, plan: Plan, window: Window, survey: Survey | None, tally: _Tally) -> Tensor:
        """The fused pixels (C, h, w) of a window, computed with the halo that makes them exact."""
        pictures, lumas, (rows, columns) = plan.read(window, self.device)
        with torch.inference_mode():
            fused = self.network.fuse(lumas, survey)
            before = lumas[self.task.detail_role]
            tally.before += float(before[..., rows, columns].sum())
            tally.after += float(fused[..., rows, columns].sum())
            if plan.detail.channels == 3:
                fused = replace_luma(pictures[self.task.detail_role], before, fused)
        return fused[0, :, rows, columns]

    def _report(self, plan: Plan, image: NDArray[Any], seconds: float, notes: list[str]) -> Report:
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


def _share(progress: Progress | None, start: float, end: float) -> Progress:
    """A function that tells a fraction of one pass as what it is of the whole."""
    return lambda done: progress(start + (end - start) * done) if progress is not None else None


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


def _sequence(sources: object) -> Sequence[Any]:
    """The sources as a list.

    Raises:
        UsageError: they are no list or tuple.
    """
    if not isinstance(sources, (list, tuple)):
        raise UsageError(f"sources is of type {type(sources).__name__}: give a list of pictures, infrared first")
    return sources


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

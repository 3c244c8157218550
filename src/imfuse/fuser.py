"""The Fuser: sources in, fused picture out, window by window."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from imfuse import __version__
from imfuse.errors import UsageError
from imfuse.explanation import Explanation
from imfuse.io import ArrayWriter
from imfuse.io.window import Window
from imfuse.layouts import as_sequence, batch_size, like, stacked
from imfuse.medical.colour_maps import check_colour_map
from imfuse.medical.explaining import explain_slice
from imfuse.medical.fusing import fuse_volumes
from imfuse.medical.kinds import is_medical
from imfuse.medical.names import functional_name
from imfuse.medical.scene import refuse_for_pictures, refuse_for_volumes
from imfuse.medical.windows import AskedWindow, windows_of
from imfuse.ops.colour import luma
from imfuse.plan import Plan, Range, Work, check_range, make_plan, network_order, working_bytes
from imfuse.quantise import Depth, check_depth
from imfuse.registration import Align, motion_asked
from imfuse.result import FusionResult, Report, SourceReport
from imfuse.sizes import ResizeTo, check_resize
from imfuse.source_shares import Shares, SourceShares, check_shares
from imfuse.stretch import Stretch, is_stretched
from imfuse.tally import Tally
from imfuse.tasks import LEAST, Task
from imfuse.tiles import parse_memory, tile_side
from imfuse.window_sources import WindowSources

if TYPE_CHECKING:
    from imfuse.networks.protocol import FusionNetwork, Survey
    from imfuse.registry import ModelCard

Progress = Callable[[float], None]


def usable_device(device: str | torch.device) -> torch.device:
    """The device of this name, which is there.

    Raises:
        UsageError: it is not, or nothing is called so.
    """
    try:
        chosen = torch.device(device)
        torch.zeros(1, device=chosen).item()
    except (RuntimeError, AssertionError, ImportError, NotImplementedError) as error:
        raise UsageError(f"device {str(device)!r} cannot be used here ({str(error).splitlines()[0]})") from error
    return chosen


class Fuser:
    """A network at work on a task.

    Attributes:
        network: the network or method, in evaluation mode.
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
        self.device = usable_device(device)
        self.network = network.eval().to(self.device)
        self.task = task
        self.name = name or type(network).__name__
        self.card = card

    def fuse(
        self,
        sources: Sequence[Any],
        *,
        range: Range = None,
        resize_to: ResizeTo | None = None,
        depth: Depth | None = None,
        align: Align | str = False,
        memory: str | int = "1GiB",
        stretch: bool | None = None,
        shares: Shares | None = None,
        window: AskedWindow | None = None,
        colour_map: str | None = None,
        progress: Progress | None = None,
    ) -> FusionResult:
        """Fuse the pictures of one scene.

        Any size from 1×1 up. Pictures are read, fused and quantised in windows that overlap by the network's halo, so
        that the result does not depend on how many there are. At the borders the networks reflect the picture; where
        a reflection is wider than the picture it reflects again. In a window the sources are read one after the other:
        a stack takes no more memory than two pictures do, if the network keeps none of them.

        Args:
            sources: paths, arrays (H, W) or (H, W, C), PIL images, or tensors (C, H, W) or (B, C, H, W) in [0, 1], in
                the task's order (infrared first; CT, PET or SPECT first; a stack in any). Batches must be of one size
                and are fused picture by picture. DICOM files, folders with a DICOM series and NIfTI files for the task
                ``medical``, which give a :class:`imfuse.medical.result.VolumeResult`.
            range: which values become black and white: ``full`` range of the depth, ``minmax`` of the source, or its
                ``percentile`` 0.1 and 99.9; of infrared and of medical sources, or of all pictures of a stack
                together; or a mapping from roles to these, for tasks with roles. By default 8-bit sources are taken at
                full range, and infrared and medical sources deeper than that by percentiles where these use less than
                half of their range; stacks at full range. See :func:`imfuse.levels.find_levels`,
                :func:`imfuse.stack_levels.find_stack_levels`.
            resize_to: size of the ``first`` or of the ``largest`` source, for sources of different sizes.
            depth: 8, 16 or ``float`` (black 0, white 1, neither rounded nor clipped); by default that of the source
                that carries the detail.
            align: align the pictures of a stack before, and crop to what all show: True, or by ``translation``,
                ``similarity``, ``affine`` or ``homography``. See :mod:`imfuse.registration.alignment`.
            memory: what fusing may take beyond the result and two pictures; a stack whose pictures have no room in it
                besides is decoded anew for every window.
            stretch: whether the result of a bracket is stretched as the last step, so that its percentiles 0.5 and 99.5
                (one pair for all channels) become black and white; by default as the model has it. See
                :mod:`imfuse.stretch`.
            shares: tell which source won where, as ``.shares`` of the result: ``winner`` the index of the source of the
                greatest share alone, ``weights`` all shares as well. Not for batches.
            window: of DICOM and NIfTI sources, which values become black and white: centre and width, a name (brain,
                bone …), or one of these by role; by default the file's own. See :mod:`imfuse.medical.windows`.
            colour_map: of a gray PET or SPECT from DICOM or NIfTI, which is gray in the result without; see
                :mod:`imfuse.medical.colour_maps`.
            progress: called with the finished fraction.

        Raises:
            UsageError: wrong number of sources, an option out of its range, or shares of a model that has none.
            SourceError: a source cannot be read.
            SizeMismatchError: different sizes without ``resize_to``.
        """
        given = as_sequence(sources, self.task)
        if is_medical(given):
            refuse_for_volumes(resize_to=resize_to, align=align, stretch=stretch, shares=shares)
            seen: dict[str, Any] = {"range": range, "window": window, "depth": depth, "memory": memory}
            return fuse_volumes(self, given, **seen, colour_map=colour_map, progress=progress)
        refuse_for_pictures(window, colour_map)
        count = batch_size(given)
        if shares is not None and count > 1:
            raise UsageError("a batch of several pictures: fuse them one by one to see which source won")
        check_shares(self.network, shares, len(given))
        if count > 1:
            if align:
                raise UsageError("a batch of several stacks: align and fuse them one by one")
            options: dict[str, Any] = {"range": range, "resize_to": resize_to, "depth": depth, "memory": memory}
            options["stretch"] = stretch
            results = []
            for pictures in zip(*given, strict=True):
                results.append(self.fuse(pictures, **options))
                if progress is not None:
                    progress(len(results) / count)
            return stacked(results)
        started = time.perf_counter()
        work: Work = "shares" if shares else "fuse"
        asked = self.task, self.network, given, range, resize_to, depth, parse_memory(memory)
        plan = make_plan(*asked, align=align, work=work, stretch=stretch)
        size = plan.detail.height, plan.detail.width
        shown = SourceShares.empty(tuple(plan.role_names), *size, shares) if shares else None
        writer, tally = self._run(plan, shown, progress)
        report = self._report(plan, writer.image, time.perf_counter() - started, tally)
        image = like(writer.image, given[self.task.detail_role])
        return FusionResult(image, report, plan.metadata, plan.detail.has_alpha, shown)

    def explain(
        self,
        sources: Sequence[Any],
        *,
        range: Range = None,
        resize_to: ResizeTo | None = None,
        align: Align | str = False,
        memory: str | int = "1GiB",
        window: AskedWindow | None = None,
        colour_map: str | None = None,
        slice: int | None = None,
        progress: Progress | None = None,
    ) -> Explanation:
        """The parts that the algorithm saw on its way to the fused picture, as named arrays (H, W) of float32.

        Which parts there are, the network says: see :meth:`imfuse.networks.two_scale.TwoScaleNetwork.explain`. They are
        computed window by window, as the fused picture is, and do not depend on how many there are.

        Args:
            sources: as for :meth:`fuse`, but no batches.
            range: as for :meth:`fuse`.
            resize_to: as for :meth:`fuse`.
            align: as for :meth:`fuse`.
            memory: what it may take beyond the pictures and the parts themselves.
            window: as for :meth:`fuse`.
            colour_map: as for :meth:`fuse`.
            slice: of DICOM or NIfTI sources, which one, from 1; by default the middle one.
            progress: called with the finished fraction.

        Raises:
            UsageError: the network has no parts to show, there is no such slice; or as for :meth:`fuse`.
            SourceError: a source cannot be read.
            SizeMismatchError: different sizes without ``resize_to``.
        """
        given = as_sequence(sources, self.task)
        names = self._part_sources(len(given), given)
        if is_medical(given):
            refuse_for_volumes(resize_to=resize_to, align=align)
            explained = partial(self._explain, names=names, memory=memory, progress=progress)
            asked: dict[str, Any] = {"range": range, "window": window, "colour_map": colour_map}
            return explain_slice(self.task, given, explained, slice=slice, **asked)
        refuse_for_pictures(window, colour_map, slice)
        if batch_size(given) > 1:
            raise UsageError("a batch of several pictures: explain them one by one")
        return self._explain(given, names, range, resize_to, align, memory, progress)

    def _explain(
        self,
        given: Sequence[Any],
        names: Sequence[str],
        range: Range = None,
        resize_to: ResizeTo | None = None,
        align: Align | str = False,
        memory: str | int = "1GiB",
        progress: Progress | None = None,
    ) -> Explanation:
        """The parts of one scene of pictures, whose sources are called ``names``."""
        asked = self.task, self.network, given, range, resize_to, None, parse_memory(memory)
        plan = make_plan(*asked, align=align, work="explain")
        survey = self._survey(plan, self.network.explain_surveyed, part_of(progress, 0.0, 0.5))
        told = part_of(progress, 0.5 if survey is not None else 0.0, 1.0)
        explanation = Explanation(plan.detail.height, plan.detail.width, self.name, self.network.rule_name, plan.notes)
        for done, window in enumerate(plan.windows, start=1):
            given_window = self._given(plan, window)
            rows, columns = given_window.core
            with torch.inference_mode():
                parts = self.network.explain(given_window, names, survey)
            for name, part in parts.items():
                explanation.write(name, part, window, part.image[0, 0, rows, columns].cpu().numpy())
            told(done / len(plan.windows))
        return explanation

    def check_options(
        self,
        range: Range = None,
        resize_to: ResizeTo | None = None,
        depth: Depth | None = None,
        align: Align | str = False,
        memory: str | int = "1GiB",
        stretch: bool | None = None,
        shares: Shares | None = None,
        window: AskedWindow | None = None,
        colour_map: str | None = None,
    ) -> None:
        """Refuse options of :meth:`fuse` that serve for no picture.

        Raises:
            UsageError: an option is unknown, the model has no shares, or the memory is too little for the smallest
                tile.
        """
        is_stretched(self.task, self.network, stretch)
        check_range(self.task, range)
        windows_of(window, self.task)
        check_colour_map(colour_map, self.task)
        check_resize(resize_to)
        check_depth(depth)
        motion_asked(align, self.task)
        network = self.network
        check_shares(network, shares, LEAST)
        working = working_bytes(network, LEAST, "shares" if shares else "fuse")
        tile_side(parse_memory(memory), working, network.halo + network.alignment - 1)

    def _run(self, plan: Plan, shown: SourceShares | None, progress: Progress | None) -> tuple[ArrayWriter, Tally]:
        detail = plan.detail
        writer = ArrayWriter(detail.height, detail.width, plan.channels, plan.depth.dtype, alpha=detail.has_alpha)
        tally = Tally()
        survey = self._survey(plan, self.network.surveyed, part_of(progress, 0.0, 0.5))
        told = part_of(progress, 0.5 if survey is not None else 0.0, 1.0)
        stretch = Stretch(partial(self._fuse_window, plan, survey, tally), plan)
        for window, fused in stretch.windows(told):
            if shown is not None:
                self._share_window(plan, window, survey, shown)
            pixels, beyond = plan.depth.quantise(fused, plan.colour.fitted if plan.stretched else None)
            tally.beyond += beyond
            writer.write(window, pixels)
            alpha = plan.read_alpha(window)
            if alpha is not None:
                writer.write_alpha(window, alpha)
        tally.stretch = stretch.limits
        return writer, tally

    def part_names(self, count: int = LEAST, sources: Sequence[Any] = ()) -> list[str]:
        """Names of the parts that :meth:`explain` gives of so many sources.

        Parts are named after the sources' roles; with the medical ``sources`` themselves, the functional one is ``ct``,
        ``pet`` or ``spect`` if it says so (:func:`imfuse.medical.names.functional_name`).

        Raises:
            UsageError: the network has no parts to show, or the task does not take so many.
        """
        return self.network.part_names(self._part_sources(count, sources))

    def _part_sources(self, count: int, sources: Sequence[Any]) -> list[str]:
        """What parts call the sources, in the network's order."""
        names = [role.name for role in self.task.roles_for(count)]
        if self.task.name == "medical" and sources:
            names[0] = functional_name(sources[0], names[0])
        return [names[index] for index in network_order(self.task, self.network, count)]

    def _given(self, plan: Plan, window: Window) -> WindowSources:
        """What the network gets of a window, where its colour does not matter."""
        return WindowSources(plan, window, self.device, plan.colour.start(plan.channels))

    def _survey(self, plan: Plan, needed: bool, told: Progress) -> Survey | None:
        """What the network needs to know of the whole pictures; None where it needs nothing or sees them whole."""
        if not needed or len(plan.windows) == 1:
            return None
        survey: Survey | None = None
        for done, window in enumerate(plan.windows, start=1):
            given = self._given(plan, window)
            with torch.inference_mode():
                part = self.network.survey(given, given.core)
            survey = part if survey is None else survey.merged(part)
            told(done / len(plan.windows))
        return survey

    def _fuse_window(self, plan: Plan, survey: Survey | None, tally: Tally, window: Window) -> Tensor:
        """The fused pixels (C, h, w) of a window, computed with the halo that makes them exact."""
        fold = plan.colour.start(plan.channels)

        def seen(index: int, picture: Tensor, prepared: Tensor) -> None:
            fold.add(index, picture, prepared)
            if plan.task.keeps_light and index == plan.task.detail_role:
                tally.before += float(luma(prepared)[..., rows, columns].sum())

        given = WindowSources(plan, window, self.device, fold, seen)
        rows, columns = given.core
        with torch.inference_mode():
            fused = self.network.fuse(given, survey)
            given.see_rest()
            if plan.task.keeps_light:
                tally.after += float(luma(fused)[..., rows, columns].sum())
            return fold.result(fused)[0, :, rows, columns]

    def _share_window(self, plan: Plan, window: Window, survey: Survey | None, shown: SourceShares) -> None:
        given = self._given(plan, window)
        rows, columns = given.core
        with torch.inference_mode():
            shown.write(window, self.network.source_shares(given, survey)[0, :, rows, columns])

    def _report(self, plan: Plan, image: NDArray[Any], seconds: float, tally: Tally) -> Report:
        sources = map(SourceReport.of, plan.sources, plan.roles, plan.levels)
        return Report(
            task=self.task.name,
            model=self.name,
            rule=self.network.rule_name,
            device=str(self.device),
            version=__version__,
            sources=tuple(sources),
            height=image.shape[0],
            width=image.shape[1],
            channels=1 if image.ndim == 2 else image.shape[2],
            dtype=str(image.dtype),
            colour=plan.colour.words,
            tiles=len(plan.windows),
            seconds=seconds,
            notes=(*plan.notes, *tally.notes(plan)),
            exposures=plan.exposures.report if plan.exposures is not None else None,
            stretch=tally.stretch,
            beyond=tally.share_beyond(plan),
            alignment=plan.aligned,
        )


def part_of(progress: Progress | None, start: float, end: float) -> Progress:
    """A function that tells a fraction of one pass as what it is of the whole."""
    return lambda done: progress(start + (end - start) * done) if progress is not None else None

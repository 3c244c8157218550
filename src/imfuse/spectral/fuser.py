"""The SpectralFuser: low-resolution bands and a guide in, sharp bands out, window by window."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch

from imfuse.classical.spectral.method import GuideEncoding
from imfuse.cubes import ArrayCubeWriter, CubeDescription, CubeWriter, create_cube, open_cube
from imfuse.errors import UsageError
from imfuse.fuser import Fuser, Progress, part_of
from imfuse.layouts import as_sequence, batch_size, like, stacked
from imfuse.medical.scene import refuse_for_pictures
from imfuse.medical.windows import AskedWindow
from imfuse.plan import Range
from imfuse.quantise import Depth
from imfuse.registration import Align
from imfuse.registry import list_models
from imfuse.result import Report
from imfuse.sizes import ResizeTo
from imfuse.source_shares import Shares
from imfuse.spectral.choice import check_fit
from imfuse.spectral.encoding import check_encoding
from imfuse.spectral.levels import AskedRange, ranges_of
from imfuse.spectral.missing import mark
from imfuse.spectral.plan import SpectralPlan, check_apart, make_plan, open_pair
from imfuse.spectral.quantise import to_units
from imfuse.spectral.result import SpectralResult
from imfuse.spectral.tally import SpectralTally, spectral_report
from imfuse.spectral.wavelengths import wavelength_note
from imfuse.tiles import parse_memory

if TYPE_CHECKING:
    from imfuse.io.window import Window
    from imfuse.networks.protocol import Survey
    from imfuse.spectral.show.explanation import SpectralExplanation
    from imfuse.spectral.show.looks import Looks

_LOOK, _SURVEY = 0.1, 0.4
"""Fractions of the progress bar at which the look at the cubes and the survey end."""


class SpectralFuser(Fuser):
    """A network or method of the task ``spectral`` at work: bands are sharpened by a guide of the same area.

    Attributes:
        chosen: why this model was taken, where the user named none; it goes into the report.
    """

    chosen: str = ""

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
        guide_encoding: GuideEncoding | None = None,
    ) -> SpectralResult:
        """Sharpen bands in memory. :meth:`fuse_file` does it from file to file, whatever the size.

        The guide has a whole number of times the bands' resolution, at least two, and covers the same area. Bands and
        guide are read and sharpened in windows on the grid of the bands, so that the result does not depend on how
        many there are.

        A value is missing where it is the file's nodata value or no number. Filters see its surroundings in its place,
        and surveys of the whole picture leave it out; the result misses it in all of the area that its pixel covers,
        and misses all bands where the guide is missing.

        Args:
            sources: the bands, then the guide: paths, arrays (H, W) or (H, W, C), or tensors (C, H, W) or
                (B, C, H, W), those of floats in [0, 1]. Batches are sharpened one by one.
            range: the values that networks get as 0 and 1: ``full`` range of the type, or ``minmax``; one for both or
                by role (``bands``, ``guide``). By default those of 8 bits and tensors at full range, others from 0 to
                the largest value. See :func:`imfuse.spectral.levels.find_levels`.
            resize_to: of no use here.
            depth: ``float`` for float32 in the units of the bands, neither rounded nor clipped; by default the bands'
                own type.
            align: of no use here.
            memory: what a window may take; the result is held beside it.
            stretch: of no use here.
            shares: of no use here.
            window: of no use here.
            colour_map: of no use here.
            progress: called with the finished fraction.
            guide_encoding: of classical methods: whether the guide is ``srgb`` or ``linear``; see
                :func:`imfuse.spectral.encoding.settled_encoding`.

        Raises:
            UsageError: wrong number of sources, a model for other pairs, or an option that does not serve.
            SourceError: a source cannot be read, or holds no values.
            SizeMismatchError: the two do not cover the same area in one whole scale.
        """
        self.check_options(range, resize_to, depth, align, memory, stretch, shares, window, colour_map, guide_encoding)
        given = as_sequence(sources, self.task)
        if batch_size(given) > 1:
            options: dict[str, Any] = {"range": range, "depth": depth, "memory": memory}
            pairs = zip(*given, strict=True)
            results = [self.fuse(pair, guide_encoding=guide_encoding, **options) for pair in pairs]
            return cast(SpectralResult, stacked(list(results)))
        started = time.perf_counter()
        with self._planned(given, range, depth, memory, guide_encoding, progress) as plan:
            writer = ArrayCubeWriter(plan.pair.low.bands, plan.height, plan.width, plan.dtype)
            with writer:
                tally = self._sharpen(plan, writer, progress)
            report = self._told(plan, tally, time.perf_counter() - started)
            image = like(np.moveaxis(writer.values, 0, -1) if writer.bands > 1 else writer.values[0], given[0])
            return SpectralResult(image, report, description=plan.description)

    def fuse_file(
        self,
        sources: Sequence[str | Path],
        output: str | Path,
        *,
        overwrite: bool = False,
        range: AskedRange = None,
        depth: Depth | None = None,
        memory: str | int = "1GiB",
        guide_encoding: GuideEncoding | None = None,
        progress: Progress | None = None,
    ) -> Report:
        """Sharpen bands from file to file; neither the sources nor the result are ever whole in memory.

        Args:
            sources: as for :meth:`fuse`.
            output: where to; the ending names the format: ``.tif`` (GeoTIFF where the bands are georeferenced),
                ``.npy``, ``.img`` (ENVI).
            overwrite: replace what is there.
            range: as for :meth:`fuse`.
            depth: likewise.
            memory: likewise.
            guide_encoding: likewise.
            progress: called with the finished fraction.

        Returns:
            How it was made.

        Raises:
            OutputError: the file exists or cannot be written; nothing is left of it then.
            UsageError: as for :meth:`fuse`, or no format has this ending, or the output is a source.
            SourceError: as for :meth:`fuse`.
            SizeMismatchError: likewise.
        """
        self.check_options(cast(Range, range), depth=depth, memory=memory, guide_encoding=guide_encoding)
        given, target = as_sequence(sources, self.task), Path(output)
        create_cube(target, 1, 1, 1, np.float32, CubeDescription(), overwrite=overwrite)  # refuses what cannot be one
        check_apart(target, given)
        started = time.perf_counter()
        with self._planned(given, range, depth, memory, guide_encoding, progress) as plan:
            size = plan.pair.low.bands, plan.height, plan.width
            with create_cube(target, *size, plan.dtype, plan.description, overwrite=overwrite) as writer:
                tally = self._sharpen(plan, writer, progress)
            plan.notes.extend(writer.notes)
            return self._told(plan, tally, time.perf_counter() - started)

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
        guide_encoding: GuideEncoding | None = None,
        truth: Any = None,
        looks: Looks | None = None,
    ) -> SpectralExplanation:
        """Sharpened bands beside the guide and the bicubic bands: composites, bands, spectra, errors from a truth.

        Args:
            sources: as for :meth:`fuse`, but no batches.
            range: as for :meth:`fuse`.
            resize_to: of no use here.
            align: of no use here.
            memory: what a window may take; the maps and composites are held beside it.
            window: of no use here.
            colour_map: of no use here.
            slice: of no use here.
            progress: called with the finished fraction.
            guide_encoding: as for :meth:`fuse`.
            truth: what the result should be, a path, array or tensor as the sources, in the units of the bands.
            looks: which bands and pixels are to be seen, and how.

        Raises:
            UsageError: as for :meth:`fuse`, or there is no such band or pixel.
            SourceError: as for :meth:`fuse`.
            SizeMismatchError: as for :meth:`fuse`, or the truth is of another size.
            MissingExtraError: spectra are asked for, and matplotlib is not installed.
        """
        from imfuse.spectral.show.looks import Looks
        from imfuse.spectral.show.shots import explanation_of, fill

        self.check_options(range, resize_to, None, align, memory, guide_encoding=guide_encoding)
        refuse_for_pictures(window, colour_map, slice)
        given = as_sequence(sources, self.task)
        if batch_size(given) > 1:
            raise UsageError("a batch of several pairs: explain them one by one")
        with ExitStack() as stack:
            plan = stack.enter_context(self._planned(given, range, None, memory, guide_encoding, progress))
            named = None if isinstance(truth, str | Path) else "the truth"
            known = None if truth is None else stack.enter_context(open_cube(truth, name=named))
            explanation = explanation_of(plan, self.name, known, looks or Looks())
            survey = self._whole_survey(plan, part_of(progress, _LOOK, _SURVEY))
            fill(explanation, plan, survey, known, self.device, part_of(progress, _SURVEY, 1.0))
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
        guide_encoding: GuideEncoding | None = None,
    ) -> None:
        """Refuse options of :meth:`fuse` that serve for no pair.

        Raises:
            UsageError: an option is unknown, or is one of pictures.
        """
        refused: dict[str, Any] = {"resize_to": resize_to, "align": align, "stretch": stretch, "shares": shares}
        refused |= {"window": window, "colour_map": colour_map}
        for name, value in refused.items():
            if value:
                raise UsageError(f"{name} is of no use for bands, which stay on their grid and in their units; drop it")
        ranges_of(cast(AskedRange, range), self.task)
        if depth not in (None, "float"):
            raise UsageError(f"depth {depth!r}: bands keep their own type; float is the only other one")
        check_encoding(guide_encoding)
        parse_memory(memory)

    @contextmanager
    def _planned(
        self,
        given: Sequence[Any],
        range: Any,
        depth: Depth | None,
        memory: str | int,
        encoding: GuideEncoding | None,
        progress: Progress | None,
    ) -> Iterator[SpectralPlan]:
        names = [role.name for role in self.task.roles_for(len(given))]
        with open_pair(given, names) as pair:
            check_fit(self.network, self.name, pair.shape, list_models("spectral"), pair.files)
            plan = make_plan(
                pair,
                self.network,
                self.name,
                ranges_of(range, self.task),
                encoding,
                as_float=depth == "float",
                memory=parse_memory(memory),
                told=part_of(progress, 0.0, _LOOK),
            )
            wavelengths = pair.low.description.nanometres
            told = "" if self.card is None else wavelength_note(self.card, wavelengths, pair.low.name)
            plan.notes[:0] = [note for note in (self.chosen, told) if note]
            yield plan

    def _sharpen(self, plan: SpectralPlan, writer: CubeWriter, progress: Progress | None) -> SpectralTally:
        survey = self._whole_survey(plan, part_of(progress, _LOOK, _SURVEY))
        told = part_of(progress, _LOOK if survey is None else _SURVEY, 1.0)
        tally = SpectralTally()
        for done, window in enumerate(plan.windows, start=1):
            writer.write(plan.result_window(window), self._window(plan, window, survey, tally))
            told(done / len(plan.windows))
        return tally

    def _whole_survey(self, plan: SpectralPlan, told: Progress) -> Survey | None:
        """What the network needs to know of all of the pair; None where it needs nothing or sees all at once."""
        if not plan.network.surveyed or (len(plan.windows) == 1 and not plan.misses):
            return None
        survey: Survey | None = None
        for done, window in enumerate(plan.windows, start=1):
            pair = plan.window(window, self.device)
            with torch.inference_mode():
                part = plan.network.survey(pair, pair.core)
            survey = part if survey is None else survey.merged(part)
            told(done / len(plan.windows))
        return survey

    def _window(
        self, plan: SpectralPlan, window: Window, survey: Survey | None, tally: SpectralTally
    ) -> np.ndarray[Any, Any]:
        """The values (bands, H, W) of a window of the result."""
        pair, scale = plan.window(window, self.device), plan.pair.scale
        shape = plan.pair.low.bands, window.height * scale, window.width * scale
        tally.values += int(np.prod(shape))
        nodata = plan.description.nodata
        if pair.empty and nodata is not None:
            return np.full(shape, nodata, plan.dtype)
        rows, columns = (slice(part.start * scale, part.stop * scale) for part in pair.core)
        with torch.inference_mode():
            fused = plan.network.fuse(pair, survey)[0, :, rows, columns]
        values, clipped = to_units(fused, plan.layers[0].levels, plan.dtype, pair.gone)
        tally.clipped += clipped
        if plan.misses and nodata is not None:
            gone = np.zeros((1, *shape[1:]), bool) if pair.gone is None else pair.gone
            tally.moved += mark(values, np.broadcast_to(gone, shape), nodata)
        return values

    def _told(self, plan: SpectralPlan, tally: SpectralTally, seconds: float) -> Report:
        return spectral_report(plan, tally, seconds, self.task, self.name, str(self.device))

"""``imfuse explain --task spectral``: sharpened bands beside what they were made of, and the truth if it is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from imfuse.batch import Job, check_sources
from imfuse.commands.explain import tell_explanation
from imfuse.commands.progress import bar
from imfuse.errors import OutputError, SourceError, UsageError
from imfuse.explanation import part_paths
from imfuse.io import check_output
from imfuse.io.naming import shown
from imfuse.spectral.loading import load_default, load_spectral
from imfuse.spectral.show.looks import GAIN, Looks, parse_composite, parse_pixel


@dataclass(frozen=True, slots=True)
class SpectralRequest:
    """What is asked for beside the options of all tasks, as it stands on the command line; see ``imfuse explain``."""

    truth: Path | None = None
    bands: Sequence[int] = ()
    gain: float | None = None
    pixels: Sequence[str] = ()
    composite: str | None = None
    guide_encoding: str | None = None

    def check_absent(self, task: str) -> None:
        """Refuse it beside a task of pictures.

        Raises:
            UsageError: something is asked for.
        """
        for name, value in (
            ("--truth", self.truth),
            ("--band", self.bands),
            ("--gain", self.gain),
            ("--pixel", self.pixels),
            ("--composite", self.composite),
            ("--guide-encoding", self.guide_encoding),
        ):
            if value:
                raise UsageError(f"{name} is for --task spectral; task {task!r} has no bands")

    def looks(self) -> Looks:
        """As it is understood.

        Raises:
            UsageError: a pixel, band, gain or composite is none.
        """
        gain = GAIN if self.gain is None else self.gain
        pixels = tuple(map(parse_pixel, self.pixels))
        return Looks(tuple(self.bands), pixels, gain, parse_composite(self.composite))


def run_explain_spectral(
    sources: Sequence[Path],
    folder: Path,
    model: str | None,
    request: SpectralRequest,
    settings: Mapping[str, Any],
    options: Mapping[str, Any],
    *,
    values: bool,
    overwrite: bool,
    quiet: bool,
) -> None:
    """Write the pictures of one sharpening into a folder and say where the sheet lies.

    Args:
        sources: the bands, then the guide.
        folder: where to.
        model: its name, or None for the one that is best for the pair.
        request: what is to be looked at.
        settings: of :func:`imfuse.load`.
        options: of :meth:`imfuse.spectral.fuser.SpectralFuser.explain`.
        values: write the values of the maps too.
        overwrite: replace what is there.
        quiet: show errors only.
    """
    given = [*sources, *([request.truth] if request.truth is not None else [])]
    for source in given:
        if source.is_dir():
            raise SourceError(f"{shown(source)}: is a folder; give a file of bands")
        if not source.exists():
            raise SourceError(f"{shown(source)}: no such file")
    looks = request.looks()
    fuser = load_default(sources, **settings) if model is None else load_spectral(model, **settings)
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{shown(folder)}: is a file; give the name of a folder")
    for path in part_paths(folder, looks.names(truth=request.truth is not None), values=True):
        check_sources(Job(tuple(given), path))
        if folder.exists():
            check_output(path, overwrite or (not values and path.suffix == ".tif"))
    console = Console(stderr=True, quiet=quiet)
    with bar(console, "explaining", 1.0, count=False) as advance:
        explanation = fuser.explain(
            list(sources),
            truth=request.truth,
            looks=looks,
            guide_encoding=request.guide_encoding,  # type: ignore[arg-type]
            progress=advance,
            **options,
        )
    written = explanation.save(folder, overwrite=overwrite, values=values)
    tell_explanation(explanation, written, console)

"""``imfuse fuse --task spectral``: bands and a guide from file to file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from imfuse.batch import Job, Outcome, check_sources
from imfuse.commands.fuse import plain_settings, reported
from imfuse.commands.progress import bar
from imfuse.commands.summary import tell
from imfuse.errors import SourceError, UsageError
from imfuse.io import check_output, remove_dead_parts
from imfuse.io.naming import shown
from imfuse.outputs import output_stem
from imfuse.registry import find_card
from imfuse.spectral.loading import load_default, load_spectral

if TYPE_CHECKING:
    from imfuse.commands.fuse import FuseRequest
    from imfuse.spectral.fuser import SpectralFuser
    from imfuse.tasks import Task

_OF_CUBES = (".tif", ".tiff", ".npy", ".img", ".dat")
"""Endings of cubes whose results get the same one; those of other files become GeoTIFF."""


def run_fuse_spectral(request: FuseRequest, task: Task) -> int:
    """Do what the request says; the exit status is 0.

    Raises:
        ImfuseError: it cannot be done, or an option is for pictures.
    """
    _check(request, task)
    fuser = _fuser(request)
    low, guide = request.sources
    output = request.output or low.parent / _name(low, guide, fuser.name)
    job = Job((low, guide), output / _name(low, guide, fuser.name) if output.is_dir() else output)
    check_sources(job)
    check_output(job.output, request.overwrite)
    console = Console(stderr=True, quiet=request.quiet)
    remove_dead_parts(job.output.parent, job.output.name)
    options = _options(request)
    card = fuser.card or find_card(fuser.name)
    plain = {**plain_settings(request, fuser, card), "options": options}
    with reported(request.report, plain, job) as outcomes, bar(console, "fusing", 1.0, count=False) as advance:
        report = fuser.fuse_file(job.sources, job.output, overwrite=request.overwrite, progress=advance, **options)
        outcomes[job] = Outcome(job, "fused", notes=report.notes, report=report.to_dict())
    tell(outcomes[job], console)
    return 0


def _check(request: FuseRequest, task: Task) -> None:
    """Refuse what serves pictures alone, and sources that are no two files."""
    named = {
        "--group-by": request.group_by,
        "--save-map": request.save_map,
        "--save-weights": request.save_weights,
        "--skip-orphans": request.skip_orphans,
        "--jobs": request.jobs > 1,
    }
    for name, value in named.items():
        if value:
            raise UsageError(f"{name} is for pictures; task {task.name!r} takes {task.takes}, one file each")
    task.roles_for(len(request.sources))
    for source in request.sources:
        if source.is_dir():
            raise UsageError(
                f"{shown(source)}: is a folder; task {task.name!r} takes {task.takes}, one file each: call it once for "
                "each scene"
            )
        if not source.exists():
            raise SourceError(f"{shown(source)}: no such file")


def _fuser(request: FuseRequest) -> SpectralFuser:
    settings: dict[str, Any] = {**dict(request.rules), "device": request.device}
    if request.model is None:
        fuser = load_default(request.sources, **settings)
    else:
        fuser = load_spectral(request.model, **settings)
    fuser.check_options(**dict(request.options), guide_encoding=request.guide_encoding)  # type: ignore[arg-type]
    return fuser


def _options(request: FuseRequest) -> dict[str, Any]:
    """Those of :meth:`imfuse.spectral.fuser.SpectralFuser.fuse_file`."""
    given = dict(request.options)
    return {
        **{name: given[name] for name in ("range", "depth", "memory")},
        "guide_encoding": request.guide_encoding,
    }


def _name(low: Path, guide: Path, model: str) -> str:
    """A telling name for the result: ``lr+guide.fused-glp-hs.tif``."""
    ending = low.suffix if low.suffix.lower() in _OF_CUBES else ".img" if low.suffix.lower() == ".hdr" else ".tif"
    return output_stem(low.stem, guide.stem, model) + ending

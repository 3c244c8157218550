"""Names of outputs, and the jobs of a folder run."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from imfuse.batch import Job
from imfuse.data.pairs import pair_by_stem
from imfuse.errors import OutputError, UsageError

_LONGEST_STEM = 180


def output_stem(first: Path, second: Path, model: str) -> str:
    """A telling name: ``dusk.fused-auif`` for two pictures named dusk, ``thermal+visible.fused-auif`` for others."""
    stem = first.stem if first.stem == second.stem else f"{first.stem}+{second.stem}"
    if len(os.fsencode(stem)) > _LONGEST_STEM:
        # File systems hold 255 bytes; the hash keeps shortened names apart.
        digest = hashlib.sha256(os.fsencode(stem)).hexdigest()[:8]
        stem = os.fsencode(stem)[:_LONGEST_STEM].decode(errors="ignore") + f"~{digest}"
    return f"{stem}.fused-{model}"


def output_ending(detail: Path) -> str:
    """TIFF for TIFF, since it may hold float or many bands; lossless PNG for everything else."""
    return ".tif" if detail.suffix.lower() in {".tif", ".tiff"} else ".png"


def default_output(sources: tuple[Path, ...], detail: int, model: str) -> Path:
    """The output beside the first source."""
    stem = output_stem(sources[0], sources[-1], model)
    return sources[0].parent / (stem + output_ending(sources[detail]))


def folder_jobs(
    first: Path, second: Path, output: Path | None, detail: int, model: str, skip_orphans: bool
) -> tuple[list[Job], tuple[Path, ...]]:
    """The jobs of two folders whose pictures pair by stem, and the pictures without a partner.

    Args:
        first: folder of the first sources.
        second: folder of the second sources.
        output: folder for the results; by default ``FIRST-fused-MODEL`` beside the first folder.
        detail: index of the source whose format decides that of the result.
        model: for the default output.
        skip_orphans: leave pictures without a partner out.

    Raises:
        UsageError: there are orphans and they are not to be skipped, or there is no pair.
    """
    if first.samefile(second):
        raise UsageError(f"{second}: is given twice; give the folder of the other sensor")
    pairing = pair_by_stem(first, second)
    if pairing.orphans and not skip_orphans:
        names = ", ".join(str(path) for path in pairing.orphans[:5])
        more = f" and {len(pairing.orphans) - 5} more" if len(pairing.orphans) > 5 else ""
        raise UsageError(f"without a partner of the same stem: {names}{more}; --skip-orphans leaves them out")
    if not pairing.pairs:
        raise UsageError(f"{first} and {second}: hold no pictures of the same stem")
    beside = first.resolve()
    folder = output or beside.parent / f"{beside.name}-fused-{model}"
    if folder.exists() and any(folder.samefile(source) for source in (first, second)):
        raise UsageError(f"{folder}: is one of the source folders; choose another output folder")
    jobs = []
    for stem, left, right in pairing.pairs:
        sources = (left, right)
        jobs.append(Job(sources, folder / (stem + output_ending(sources[detail]))))
    return jobs, pairing.orphans


def make_folder(folder: Path) -> None:
    """Make a folder for results, with those above it, where it is not there yet.

    Raises:
        OutputError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be made a folder ({error.strerror})") from error

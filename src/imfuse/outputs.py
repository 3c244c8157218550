"""Names of outputs, and the jobs of a folder run."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

from imfuse.batch import Job
from imfuse.data.brackets import GroupBy, group_pictures
from imfuse.data.pairs import group_by_stem
from imfuse.data.stacks import folders_in, pictures_in
from imfuse.errors import OutputError, UsageError
from imfuse.medical.kinds import is_nifti_name

_LONGEST_STEM = 180


def output_stem(first: str, last: str, model: str) -> str:
    """A telling name: ``dusk.fused-auif`` for pictures named dusk, ``thermal+visible.fused-auif`` for others."""
    stem = first if first == last else f"{first}+{last}"
    if len(os.fsencode(stem)) > _LONGEST_STEM:
        # File systems hold 255 bytes; the hash keeps shortened names apart.
        digest = hashlib.sha256(os.fsencode(stem)).hexdigest()[:8]
        stem = os.fsencode(stem)[:_LONGEST_STEM].decode(errors="ignore") + f"~{digest}"
    return f"{stem}.fused-{model}"


def output_ending(detail: Path) -> str:
    """TIFF for TIFF, since it may hold float or many bands; NIfTI for NIfTI; lossless PNG for everything else."""
    if is_nifti_name(detail):
        return ".nii.gz" if detail.suffix.lower() == ".gz" else ".nii"
    return ".tif" if detail.suffix.lower() in {".tif", ".tiff"} else ".png"


def default_output(sources: Sequence[Path], detail: int, model: str) -> Path:
    """The output beside the first source, named after the first and the last."""
    stem = output_stem(sources[0].stem, sources[-1].stem, model)
    return sources[0].parent / (stem + output_ending(sources[detail]))


def stack_output(folder: Path, detail: Path, model: str) -> Path:
    """The output of all pictures of a folder: beside the folder, named after it."""
    beside = folder.resolve()
    return beside.parent / (output_stem(beside.name, beside.name, model) + output_ending(detail))


def folder_jobs(
    folders: Sequence[Path], output: Path | None, detail: int, model: str, skip_orphans: bool, *, volumes: bool = False
) -> tuple[list[Job], tuple[Path, ...]]:
    """The jobs of folders whose pictures belong together by stem, and the pictures without a partner.

    Args:
        folders: one for each source, in the task's order.
        output: folder for the results; by default ``FIRST-fused-MODEL`` beside the first folder.
        detail: index of the source whose format decides that of the result.
        model: for the default output.
        skip_orphans: leave pictures without a partner out.
        volumes: whether NIfTI volumes are taken, too.

    Raises:
        UsageError: there are orphans and they are not to be skipped, or no pictures belong together.
    """
    for first, second in combinations(folders, 2):
        if first.samefile(second):
            raise UsageError(f"{second}: is given twice; give another folder for each source")
    grouping = group_by_stem(folders, volumes=volumes)
    if grouping.orphans and not skip_orphans:
        names = ", ".join(str(path) for path in grouping.orphans[:5])
        more = f" and {len(grouping.orphans) - 5} more" if len(grouping.orphans) > 5 else ""
        raise UsageError(f"without a partner of the same stem: {names}{more}; --skip-orphans leaves them out")
    if not grouping.groups:
        kinds = (
            "pictures or NIfTI volumes of the same stem; of DICOM give two folders with the files of one series each"
        )
        words = f"hold no {kinds if volumes else 'pictures of the same stem'}"
        raise UsageError(f"{' and '.join(map(str, folders))}: {words}")
    folder = _result_folder(folders[0], output, model)
    if folder.exists() and any(folder.samefile(source) for source in folders):
        raise UsageError(f"{folder}: is one of the source folders; choose another output folder")
    jobs = [Job(sources, folder / (stem + output_ending(sources[detail]))) for stem, sources in grouping.groups]
    return jobs, grouping.orphans


def stack_jobs(folder: Path, output: Path | None, detail: int, model: str) -> tuple[list[Job], tuple[Path, ...]]:
    """The jobs of a folder of folders, each of which holds one stack, and the folders that hold no pictures.

    Args:
        folder: holds a folder for each stack.
        output: folder for the results, each named after its stack; by default ``FOLDER-fused-MODEL`` beside it.
        detail: index of the picture whose format decides that of the result.
        model: for the default output.

    Raises:
        UsageError: there is no picture in any of them, or the results would go among them.
    """
    stacks = {inner: pictures_in(inner) for inner in folders_in(folder)}
    if not any(stacks.values()):
        raise UsageError(f"{folder}: holds neither pictures nor folders of pictures")
    target = _result_folder(folder, output, model)
    if target.exists() and any(target.samefile(source) for source in (folder, *stacks)):
        raise UsageError(f"{target}: is one of the source folders; choose another output folder")
    jobs = [
        Job(pictures, target / (inner.name + output_ending(pictures[detail])))
        for inner, pictures in stacks.items()
        if pictures
    ]
    return jobs, tuple(inner for inner, pictures in stacks.items() if not pictures)


def grouped_jobs(
    pictures: Sequence[Path], output: Path | None, by: GroupBy, detail: int, model: str, skip_orphans: bool
) -> tuple[list[Job], tuple[tuple[Path, str], ...]]:
    """The jobs of brackets or stacks that lie mixed, and the pictures that are in none of them, with the reason.

    Args:
        pictures: of one or more folders.
        output: folder for the results, each named after the first picture of its bracket; by default
            ``FOLDER-fused-MODEL`` beside the folder of the first picture.
        by: how they are grouped.
        detail: index of the picture whose format decides that of the result.
        model: for the default output.
        skip_orphans: leave pictures that are in no bracket out.

    Raises:
        UsageError: there are orphans and they are not to be skipped, there is no bracket at all, two results have one
            name, or the results would go among the pictures.
    """
    found = group_pictures(pictures, by)
    told = [f"{path} ({reason})" for path, reason in found.orphans[:5]]
    names = ", ".join(told) + (f" and {len(found.orphans) - 5} more" if len(found.orphans) > 5 else "")
    if not found.groups:
        other = "exif or gap" if by.rule == "count" else "count=N"
        raise UsageError(f"no pictures that belong together: {names}; try --group-by {other}")
    if found.orphans and not skip_orphans:
        raise UsageError(f"in no group: {names}; --skip-orphans leaves them out")
    target = _result_folder(pictures[0].parent, output, model)
    if target.exists() and any(target.samefile(folder) for folder in {path.parent for path in pictures}):
        raise UsageError(f"{target}: is one of the source folders; choose another output folder")
    jobs: dict[Path, Job] = {}
    for group in found.groups:
        made = target / (group[0].stem + output_ending(group[detail]))
        if made in jobs:
            raise UsageError(
                f"{jobs[made].sources[0]} and {group[0]}: both would be fused into {made.name}; rename one"
            )
        jobs[made] = Job(group, made)
    return list(jobs.values()), found.orphans


def _result_folder(first: Path, output: Path | None, model: str) -> Path:
    beside = first.resolve()
    return output or beside.parent / f"{beside.name}-fused-{model}"


def make_folder(folder: Path) -> None:
    """Make a folder for results, with those above it, where it is not there yet.

    Raises:
        OutputError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be made a folder ({error.strerror})") from error

"""Two volumes fused slice by slice, each slice as the Fuser fuses any picture."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from imfuse.errors import SizeMismatchError, UsageError
from imfuse.levels import Levels, ranges_of
from imfuse.medical.colour_maps import check_colour_map, colours_of
from imfuse.medical.grid import Grid, check_one_grid
from imfuse.medical.opening import open_volume
from imfuse.medical.result import VolumeReport, VolumeResult
from imfuse.medical.volume import Volume
from imfuse.medical.windows import AskedWindow, volume_levels, windows_of
from imfuse.quantise import Depth
from imfuse.result import FusionResult, Report, as_array
from imfuse.tally import beyond_words

if TYPE_CHECKING:
    from imfuse.fuser import Fuser
    from imfuse.plan import Range


def fuse_volumes(
    fuser: Fuser,
    sources: Sequence[Any],
    *,
    range: Range = None,
    window: AskedWindow | None = None,
    colour_map: str | None = None,
    depth: Depth | None = None,
    memory: str | int = "1GiB",
    progress: Callable[[float], None] | None = None,
    opened: Callable[[Sequence[Volume]], None] | None = None,
) -> VolumeResult:
    """Fuse DICOM or NIfTI files of one grid, slice by slice; black and white are the same in all slices.

    Args:
        fuser: of the task ``medical``.
        sources: paths of DICOM files, of folders with a DICOM series or of NIfTI files; one may be a plain picture
            where the other is a single slice.
        range: as for :meth:`imfuse.fuser.Fuser.fuse`; of all slices together.
        window: see :data:`imfuse.medical.windows.AskedWindow`.
        colour_map: of a gray PET or SPECT; see :mod:`imfuse.medical.colour_maps`.
        depth: of the result; by default that of the MRI.
        memory: what a slice may take.
        progress: called with the finished fraction.
        opened: called with the volumes before their pixels are read, to refuse what cannot be saved.

    Raises:
        UsageError: another task, a wrong number of sources, or a window or range that does not serve.
        SourceError: a source cannot be read.
        SizeMismatchError: the volumes are not of one grid.
    """
    task = fuser.task
    if task.name != "medical":
        raise UsageError(f"task {task.name!r} takes no DICOM and no NIfTI files; they are fused with task 'medical'")
    check_colour_map(colour_map, task)
    roles, policies, windows = task.roles_for(len(sources)), ranges_of(range, task.roles), windows_of(window, task)
    started = time.perf_counter()
    volumes = [open_volume(source, _name(source, role.name)) for source, role in zip(sources, roles, strict=True)]
    notes = [note for volume in volumes for note in volume.notes]
    notes += [*_checked_grids(volumes), *_doubts(volumes)]
    if opened is not None:
        opened(volumes)
    colours, colour_notes = colours_of(colour_map, volumes, task)
    notes += colour_notes
    levels = []
    for volume, role, policy, asked in zip(volumes, roles, policies, windows, strict=True):
        found, told = volume_levels(volume, asked, policy, role)
        levels.append(found)
        notes += told
    detail = volumes[task.detail_role]
    tables = [colours if index == task.chroma_role else None for index in (0, 1)]
    scene = list(zip(volumes, levels, tables, strict=True))
    image, reports = _fused(fuser, scene, depth or detail.depth, memory, progress)
    notes += [note for volume in volumes for note in volume.seen_notes]
    report = _report(reports, volumes[0].grid, notes, time.perf_counter() - started)
    sole = all(volume.single for volume in volumes)
    return VolumeResult(image[0] if sole else image, report, volumes=tuple(volumes), detail=task.detail_role)


def refuse_for_volumes(**options: Any) -> None:
    """Refuse options of :meth:`imfuse.fuser.Fuser.fuse` that volumes do not have.

    Raises:
        UsageError: one of them is set.
    """
    asked = [name for name, value in options.items() if value]
    if not asked:
        return
    words = f"{asked[0].replace('_', '-')}: is not for DICOM and NIfTI files"
    if asked[0] in ("resize_to", "align"):
        words += ", whose voxels must lie on each other; resample them first, with 3D Slicer, FSL or SimpleITK"
    raise UsageError(words)


def _name(source: Any, role: str) -> str | None:
    return None if isinstance(source, str) or hasattr(source, "__fspath__") else f"the {role} source"


def _checked_grids(volumes: Sequence[Volume]) -> tuple[str, ...]:
    first, second = volumes
    if "picture" in (first.kind, second.kind) and first.grid.shape[0] != second.grid.shape[0]:
        raise SizeMismatchError(
            f"{first.name} has {first.grid.slices} slices and {second.name} has {second.grid.slices}: a picture is "
            "fused with a single slice; give a volume for a volume"
        )
    return check_one_grid((first.name, first.grid), (second.name, second.grid))


def _doubts(volumes: Sequence[Volume]) -> list[str]:
    """Whether two DICOM sources seem not to belong together, in words that name nobody."""
    if any(volume.kind != "DICOM" for volume in volumes):
        return []
    first, second = (volume.origin[0].header for volume in volumes)

    def differ(*attributes: str) -> bool:
        return any(first.get(a) and second.get(a) and first.get(a) != second.get(a) for a in attributes)

    doubts = []
    if volumes[0].modality == "MR" and volumes[1].modality in ("CT", "PT", "NM"):
        doubts.append(
            f"{volumes[0].name} is MR and {volumes[1].name} {volumes[1].modality}, but CT, PET or SPECT comes first "
            "and MRI second: exchange them"
        )
    if differ("PatientID", "PatientName", "PatientBirthDate"):
        doubts.append("the sources tell different patients; a DICOM result carries that of the MRI")
    if differ("FrameOfReferenceUID") and all(volume.grid.origins is not None for volume in volumes):
        doubts.append(
            "the sources have different frames of reference: that their coordinates agree does not show that they are "
            "registered"
        )
    return doubts


def _fused(
    fuser: Fuser,
    scene: Sequence[tuple[Volume, Levels, NDArray[np.float32] | None]],
    depth: Depth,
    memory: str | int,
    progress: Callable[[float], None] | None,
) -> tuple[NDArray[Any], list[Report]]:
    """The result, (slices, rows, columns) or with a last axis of 3, and the reports of its slices."""
    count = scene[0][0].grid.slices

    def fused(index: int) -> FusionResult:
        pair = [volume.picture(index, levels, colours) for volume, levels, colours in scene]
        return fuser.fuse(pair, depth=depth, memory=memory, progress=_part(progress, index, count))

    first = fused(0)
    image = np.empty((count, *first.image.shape), as_array(first.image).dtype)
    image[0], reports = as_array(first.image), [first.report]
    for index in range(1, count):
        result = fused(index)
        image[index] = as_array(result.image)
        reports.append(result.report)
    return image, reports


def _part(progress: Callable[[float], None] | None, index: int, count: int) -> Callable[[float], None] | None:
    return None if progress is None else lambda done: progress((index + done) / count)


def _report(reports: Sequence[Report], grid: Grid, notes: list[str], seconds: float) -> VolumeReport:
    """One report of all slices: what is said of each of them is said once."""
    beyond = float(np.mean([report.beyond for report in reports]))
    single = {beyond_words(report.beyond, report.dtype == "float32") for report in reports}
    own = (note for report in reports for note in report.notes if note not in single)
    gathered = list(dict.fromkeys([*notes, *own]))
    if beyond:
        gathered.append(beyond_words(beyond, reports[0].dtype == "float32"))
    fields = {name: getattr(reports[0], name) for name in Report.__dataclass_fields__}
    fields |= {"seconds": seconds, "notes": tuple(gathered), "beyond": beyond}
    return VolumeReport(**fields, slices=grid.slices, grid=grid.words())

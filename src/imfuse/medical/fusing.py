"""Two volumes fused slice by slice, each slice as the Fuser fuses any picture."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from imfuse.medical.grid import Grid
from imfuse.medical.result import VolumeReport, VolumeResult
from imfuse.medical.scene import Scene, open_scene
from imfuse.medical.volume import Volume
from imfuse.medical.windows import AskedWindow
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
    started = time.perf_counter()
    scene = open_scene(fuser.task, sources, range=range, window=window, colour_map=colour_map, opened=opened)
    detail = scene.volumes[fuser.task.detail_role]
    image, reports = _fused(fuser, scene, depth or detail.depth, memory, progress)
    report = _report(reports, scene.grid, scene.notes, time.perf_counter() - started)
    sole = all(volume.single for volume in scene.volumes)
    volumes = tuple(scene.volumes)
    return VolumeResult(image[0] if sole else image, report, volumes=volumes, detail=fuser.task.detail_role)


def _fused(
    fuser: Fuser,
    scene: Scene,
    depth: Depth,
    memory: str | int,
    progress: Callable[[float], None] | None,
) -> tuple[NDArray[Any], list[Report]]:
    """The result, (slices, rows, columns) or with a last axis of 3, and the reports of its slices."""
    count = scene.slices

    def fused(index: int) -> FusionResult:
        return fuser.fuse(scene.pictures(index), depth=depth, memory=memory, progress=_part(progress, index, count))

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


def _report(reports: Sequence[Report], grid: Grid, notes: Sequence[str], seconds: float) -> VolumeReport:
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

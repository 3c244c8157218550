"""Two volumes of one grid, what is black and white in all of their slices, and each pair of slices as pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from imfuse.errors import SizeMismatchError, UsageError
from imfuse.levels import Levels, ranges_of
from imfuse.medical.colour_maps import check_colour_map, colours_of
from imfuse.medical.grid import Grid, check_one_grid
from imfuse.medical.opening import open_volume
from imfuse.medical.volume import SlicePicture, Volume
from imfuse.medical.windows import AskedWindow, volume_levels, windows_of
from imfuse.tasks import Task

if TYPE_CHECKING:
    from imfuse.plan import Range


@dataclass(frozen=True)
class Scene:
    """Volumes of one scene, in the task's order.

    Attributes:
        volumes: of one grid.
        levels: black and white of each.
        colours: of each, (N, 3) in [0, 1], or None for its own.
        told: what was done to them, in words.
    """

    volumes: Sequence[Volume]
    levels: Sequence[Levels]
    colours: Sequence[NDArray[np.float32] | None]
    told: tuple[str, ...]

    @property
    def slices(self) -> int:
        """How many each has."""
        return self.volumes[0].grid.slices

    @property
    def grid(self) -> Grid:
        """Where their voxels lie, as the first that knows it tells."""
        return next((volume.grid for volume in self.volumes if volume.grid.origins is not None), self.volumes[0].grid)

    def pictures(self, index: int) -> list[SlicePicture]:
        """A slice of each, from 0."""
        scene = zip(self.volumes, self.levels, self.colours, strict=True)
        return [volume.picture(index, levels, colours) for volume, levels, colours in scene]

    @property
    def notes(self) -> tuple[str, ...]:
        """What was done to them, and what was met in the pixels that were read so far."""
        return (*self.told, *(note for volume in self.volumes for note in volume.seen_notes))


def open_scene(
    task: Task,
    sources: Sequence[Any],
    *,
    range: Range = None,
    window: AskedWindow | None = None,
    colour_map: str | None = None,
    opened: Callable[[Sequence[Volume]], None] | None = None,
) -> Scene:
    """Open DICOM or NIfTI files of one grid.

    Args:
        task: ``medical``.
        sources: paths of DICOM files, of folders with a DICOM series or of NIfTI files; one may be a plain picture
            where the other is a single slice.
        range: as for :meth:`imfuse.fuser.Fuser.fuse`; of all slices together.
        window: see :data:`imfuse.medical.windows.AskedWindow`.
        colour_map: of a gray PET or SPECT; see :mod:`imfuse.medical.colour_maps`.
        opened: called with the volumes before their pixels are read, to refuse what cannot be saved.

    Raises:
        UsageError: another task, a wrong number of sources, or a window or range that does not serve.
        SourceError: a source cannot be read.
        SizeMismatchError: the volumes are not of one grid.
    """
    if task.name != "medical":
        raise UsageError(f"task {task.name!r} takes no DICOM and no NIfTI files; they are fused with task 'medical'")
    check_colour_map(colour_map, task)
    roles, policies, windows = task.roles_for(len(sources)), ranges_of(range, task.roles), windows_of(window, task)
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
    tables = [colours if index == task.chroma_role else None for index in (0, 1)]
    return Scene(volumes, levels, tables, tuple(notes))


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


def refuse_for_pictures(window: AskedWindow | None, colour_map: str | None, slice: int | None = None) -> None:
    """Refuse options that other sources than volumes do not have.

    Raises:
        UsageError: one of them is set.
    """
    if window is not None:
        raise UsageError("window: is for DICOM and NIfTI files; of other sources, set the range")
    if colour_map is not None:
        raise UsageError("colour-map: is for DICOM and NIfTI files; give other pictures in colours")
    if slice is not None:
        raise UsageError("slice: is for DICOM and NIfTI files; other sources have none")


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
        doubts.append("the sources tell different patients; a DICOM result would carry that of the MRI")
    if differ("FrameOfReferenceUID") and all(volume.grid.origins is not None for volume in volumes):
        doubts.append(
            "the sources have different frames of reference: that their coordinates agree does not show that they are "
            "registered"
        )
    return doubts

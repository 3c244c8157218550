"""One slice of two volumes explained."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from numbers import Integral
from typing import TYPE_CHECKING, Any

from imfuse.errors import UsageError
from imfuse.explanation import Explanation
from imfuse.medical.scene import open_scene
from imfuse.medical.volume import SlicePicture, Volume
from imfuse.medical.windows import AskedWindow
from imfuse.tasks import Task

if TYPE_CHECKING:
    from imfuse.plan import Range


def explain_slice(
    task: Task,
    sources: Sequence[Any],
    explain: Callable[[Sequence[SlicePicture]], Explanation],
    *,
    slice: int | None = None,
    range: Range = None,
    window: AskedWindow | None = None,
    colour_map: str | None = None,
) -> Explanation:
    """What each source gave to one slice; black and white are those of the whole volumes, as when they are fused.

    Args:
        task: ``medical``.
        sources: as for :func:`imfuse.medical.fusing.fuse_volumes`.
        explain: explains two pictures.
        slice: from 1, as slices that are saved as pictures are numbered; by default the middle one.
        range: as for :meth:`imfuse.fuser.Fuser.fuse`; of all slices together.
        window: see :data:`imfuse.medical.windows.AskedWindow`.
        colour_map: of a gray PET or SPECT; see :mod:`imfuse.medical.colour_maps`.

    Raises:
        UsageError: there is no such slice; or as for the fusion.
        SourceError: a source cannot be read.
        SizeMismatchError: the volumes are not of one grid.
    """

    def check(volumes: Sequence[Volume]) -> None:
        slices = volumes[0].grid.slices
        if slice is not None and not (isinstance(slice, Integral) and 1 <= int(slice) <= slices):
            have = f"the sources have slices 1 to {slices}" if slices > 1 else "the sources are single slices"
            raise UsageError(f"slice {slice}: {have}")

    scene = open_scene(task, sources, range=range, window=window, colour_map=colour_map, opened=check)
    chosen = (scene.slices + 1) // 2 if slice is None else int(slice)
    explanation = explain(scene.pictures(chosen - 1))
    words = () if scene.slices == 1 else (f"slice {chosen} of {scene.slices}",)
    explanation.notes = tuple(dict.fromkeys([*words, *scene.notes, *explanation.notes]))
    return explanation

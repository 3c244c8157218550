"""Pictures as people look at them: 8 bits, whatever the file holds."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from imfuse.bench.fingerprints import DIGITS
from imfuse.bench.plan import BenchPlan
from imfuse.data.sets import DataSet
from imfuse.data.whole import read_whole
from imfuse.errors import ImfuseError
from imfuse.io import save_image
from imfuse.outputs import make_folder
from imfuse.registry import file_hash
from imfuse.tasks import TASKS

FOLDER = "sources"


def source_names(data_set: DataSet) -> list[str]:
    """What the sources of a data set are called: the task's roles where it has one for each, or numbers."""
    count = max(len(scene.sources) for scene in data_set.scenes)
    task = TASKS.get(data_set.task)
    if task is None or task.is_stack or task.of_bands:  # of bands the guide alone is a source, the bands are made
        return [f"source {number}" for number in range(1, count + 1)]
    return [role.name for role in task.roles_for(count)]


def write_source_views(plan: BenchPlan) -> dict[tuple[str, str], list[PurePosixPath | None]]:
    """Save the sources of all scenes as 8-bit PNG in ``sources/SET/``, for the page; those that are there stay.

    Returns:
        Per data set and scene the views in the order of the sources, as paths within the folder; None for a source
        that cannot be read.
    """
    views = {}
    for data_set in plan.data_sets:
        make_folder(plan.folder / FOLDER / data_set.name)
        for scene in data_set.scenes:
            views[data_set.name, scene.name] = [_view(plan, data_set, path) for path in scene.sources]
    return views


def _view(plan: BenchPlan, data_set: DataSet, path: Path) -> PurePosixPath | None:
    try:
        # By content: another file of the same name gets a view of its own.
        relative = PurePosixPath(FOLDER, data_set.name, f"{file_hash(path)[:DIGITS]}.png")
        target = plan.folder / relative
        if not target.is_file():
            save_image(target, display(path))
    except (ImfuseError, OSError):
        return None
    return relative


def display(path: Path) -> NDArray[np.uint8]:
    """A picture as 8 bits, (H, W) or (H, W, 3).

    8 bits as they are. Deeper pictures from their smallest to their largest value where they use less than half of
    their range, as raw thermal counts do, and at full range where they do not. Of more than three bands the first.

    Raises:
        SourceError: it cannot be read.
    """
    pixels = read_whole(path)
    pixels = pixels if pixels.shape[2] == 3 else pixels[..., :1]
    if pixels.dtype != np.uint8:
        pixels = np.nan_to_num(pixels)
        low, high = float(pixels.min()), float(pixels.max())
        if high - low < 0.5 or low < 0 or high > 1:
            pixels = (pixels - low) / ((high - low) or 1.0)
        pixels = np.rint(pixels * 255).astype(np.uint8)
    return pixels if pixels.shape[2] == 3 else pixels[..., 0]

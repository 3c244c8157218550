"""Pictures as people look at them: 8 bits, whatever the file holds."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imfuse.bench.fingerprints import DIGITS
from imfuse.bench.plan import BenchPlan
from imfuse.data.sets import DataSet, Scene
from imfuse.errors import ImfuseError
from imfuse.io import open_source, save_image
from imfuse.io.window import Window
from imfuse.outputs import make_folder
from imfuse.registry import file_hash
from imfuse.tasks import TASKS

FOLDER = "sources"


def source_names(data_set: DataSet) -> list[str]:
    """What the sources of a data set are called: the task's roles where it has one for each, or numbers."""
    count = max(len(scene.sources) for scene in data_set.scenes)
    task = TASKS.get(data_set.task)
    roles = task.role_names if task is not None else []
    return list(roles) if len(roles) == count else [f"source {number}" for number in range(1, count + 1)]


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


def scene_views(scene: Scene, cell_pictures: list[Path]) -> list[NDArray[np.uint8]]:
    """Sources and fused pictures of a scene as 8 bits."""
    return [display(path) for path in (*scene.sources, *cell_pictures)]


def display(path: Path) -> NDArray[np.uint8]:
    """A picture as 8 bits, (H, W) or (H, W, 3).

    8 bits as they are. Deeper pictures from their smallest to their largest value where they use less than half of
    their range, as raw thermal counts do, and at full range where they do not. Of more than three bands the first.

    Raises:
        SourceError: it cannot be read.
    """
    source = open_source(path)
    pixels: NDArray[Any] = source.read(Window(0, 0, source.height, source.width))
    pixels = pixels if source.channels == 3 else pixels[..., :1]
    if pixels.dtype != np.uint8:
        values = np.nan_to_num(pixels.astype(np.float64))
        black, white = source.full_range
        low, high = float(values.min()), float(values.max())
        if high - low < (white - black) / 2 or low < black or high > white:
            black, white = low, high
        pixels = np.rint(np.clip((values - black) / ((white - black) or 1.0), 0, 1) * 255).astype(np.uint8)
    shown: NDArray[np.uint8] = pixels if pixels.shape[2] == 3 else pixels[..., 0]
    return shown

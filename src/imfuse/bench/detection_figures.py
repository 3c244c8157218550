"""Pictures with boxes: what was marked, and what a detector found."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from imfuse.bench.detection import DetectionResults, Standing, rgb
from imfuse.data.sets import DataSet, Scene
from imfuse.detection import Annotations
from imfuse.errors import ImfuseError
from imfuse.sheet import Cell, contact_sheet

SHOWN_FROM = 0.25
"""The least score of a box that is drawn: what detectors show by default."""

_ROWS, _WIDTH, _CAPTION = 4, 320, 44
_MARKED = (255, 255, 255)
_COLOURS = ((255, 88, 76), (72, 176, 255), (255, 204, 51), (86, 214, 128), (214, 120, 255), (255, 150, 60))
"""Of the classes, again from the first after the last."""


def detection_sheet(results: DetectionResults, data_set: DataSet, order: Sequence[str]) -> NDArray[np.uint8]:
    """Some scenes with objects, spread over the data set: a row each, with every method's picture and boxes.

    Args:
        results: of the benchmark.
        data_set: one of its data sets.
        order: names of the methods.

    Returns:
        (H, W, 3): marked objects in thin white, found ones in the colour of their class.
    """
    marked = results.plan.annotations[data_set.name]
    scenes = [scene for scene in data_set.scenes if marked.objects[scene.name]] or list(data_set.scenes)
    count = min(_ROWS, len(scenes))
    chosen = [scenes[(2 * index + 1) * len(scenes) // (2 * count)] for index in range(count)]
    by_name = {one.method.name: one for one in results.of(data_set)}
    rows = [[_cell(results, by_name[name], scene, marked) for name in order] for scene in chosen]
    # A sheet needs a picture in every row; where all of a scene's are broken there is nothing to see.
    rows = [row for row in rows if any(row)] or [[Cell("no picture", np.zeros((8, 8, 3), np.uint8))]]
    title = f"{data_set.name}: marked objects white, found ones (score from {SHOWN_FROM:g}) in colour"
    return contact_sheet(rows, _WIDTH, title)


def _cell(results: DetectionResults, one: Standing, scene: Scene, marked: Annotations) -> Cell | None:
    """A picture with its boxes; None where it cannot be had."""
    if scene.name not in one.found:
        return None
    if one.method.source is not None:
        path = scene.sources[one.method.source]
    else:
        path = results.plan.bench.folder / "pictures" / one.data_set / one.method.name / f"{scene.name}.png"
    try:
        pixels, visible = rgb(path), rgb(scene.sources[-1])
    except (ImfuseError, OSError):
        return None
    caption = f"{one.method.name} · {scene.name}"
    caption = caption if len(caption) <= _CAPTION else f"{caption[: _CAPTION - 1]}…"
    return Cell(caption, _drawn(pixels, visible.shape, one, scene.name, marked))


def _drawn(
    pixels: NDArray[np.uint8], shape: tuple[int, ...], one: Standing, scene: str, marked: Annotations
) -> NDArray[np.uint8]:
    """A picture with its boxes, which are in pixels of a picture of the given shape."""
    from PIL import Image, ImageDraw

    # Drawn at the size of the sheet, so that lines are as thin there as they are here.
    scale = _WIDTH / pixels.shape[1]
    size = _WIDTH, max(1, round(pixels.shape[0] * scale))
    image = Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS)
    draw = ImageDraw.Draw(image)
    across, down = size[0] / shape[1], size[1] / shape[0]
    for each in marked.objects[scene]:
        left, top, right, bottom = each.box
        draw.rectangle((left * across, top * down, right * across, bottom * down), outline=_MARKED)
    seen = one.found[scene]
    for box, score, label in zip(seen.boxes, seen.scores, seen.labels, strict=True):
        if score >= SHOWN_FROM:
            edges = tuple(np.multiply(box, (across, down, across, down)).tolist())
            draw.rectangle(edges, outline=_COLOURS[int(label) % len(_COLOURS)], width=2)
    return np.asarray(image)

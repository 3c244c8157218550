"""Annotations as COCO has them: one JSON file for all pictures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from imfuse.detection.annotations import Annotations, Collector, Sizes, is_text
from imfuse.errors import DataError
from imfuse.io.naming import cause, shown


def read_coco(path: Path, sizes: Sizes) -> Annotations:
    """The objects of a COCO file: ``images``, ``categories``, ``annotations`` with ``bbox`` [left, top, width, height].

    Pictures belong to scenes by the stem of their ``file_name``.

    Args:
        path: the file.
        sizes: of the pictures.

    Raises:
        DataError: the file is no such file, or contradicts itself.
    """
    entries = _entries(path)
    collector = Collector(sizes)
    names = _numbered(path, entries["categories"], "categories", "name")
    stems: dict[int, str | None] = {}
    files = _numbered(path, entries["images"], "images", "file_name")
    for entry in entries["images"]:
        stem = PurePosixPath(files[entry["id"]].replace("\\", "/")).stem
        size = entry.get("height"), entry.get("width")
        told = (size[0], size[1]) if isinstance(size[0], int) and isinstance(size[1], int) else None
        there = collector.picture(stem, shown(path), told)
        stems[entry["id"]] = None if there is None else stem
    for place, entry in enumerate(entries["annotations"]):
        _add(collector, entry, f"{shown(path)}: annotation {place + 1}", stems, names)
    return collector.result(names.values(), path, "COCO")


def _add(
    collector: Collector, entry: Any, where: str, stems: Mapping[int, str | None], names: Mapping[int, str]
) -> None:
    if not isinstance(entry, dict):
        raise DataError(f"{where}: is no entry with a picture, a class and a box; mend it")
    image, category, box = (entry.get(key) for key in ("image_id", "category_id", "bbox"))
    if not isinstance(image, int) or image not in stems:
        raise DataError(f"{where}: belongs to picture {image!r}, which the file does not list; mend image_id")
    if not isinstance(category, int) or category not in names:
        raise DataError(f"{where}: is of category {category!r}, which the file does not list; mend category_id")
    if not isinstance(box, list) or len(box) != 4 or not all(isinstance(one, int | float) for one in box):
        raise DataError(f"{where}: its bbox is {box!r}; write [left, top, width, height]")
    stem = stems[image]
    if stem is not None:
        try:
            left, top, width, height = map(float, box)
        except OverflowError as error:
            raise DataError(f"{where}: its bbox has a number that is too large; mend it") from error
        crowd = bool(entry.get("iscrowd", 0))
        collector.add(stem, names[category], (left, top, left + width, top + height), where, crowd=crowd)


def _entries(path: Path) -> dict[str, list[Any]]:
    try:
        found = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{shown(path)}: cannot be read as JSON ({cause(error)}); give a COCO file") from error
    keys = ("images", "annotations", "categories")
    if not isinstance(found, dict) or not all(isinstance(found.get(key), list) for key in keys):
        raise DataError(f"{shown(path)}: is no COCO file of boxes; it lacks the lists {', '.join(keys)}")
    return {key: found[key] for key in keys}


def _numbered(path: Path, entries: list[Any], what: str, key: str) -> dict[int, str]:
    """Entries by their id."""
    found: dict[int, str] = {}
    for entry in entries:
        if not isinstance(entry, dict) or not isinstance(entry.get("id"), int) or not isinstance(entry.get(key), str):
            raise DataError(f"{shown(path)}: an entry of {what} without id (a number) and {key} (a text); mend it")
        if entry["id"] in found:
            raise DataError(f"{shown(path)}: two entries of {what} have the id {entry['id']}; mend one")
        if not entry[key].strip() or not is_text(entry[key]):
            raise DataError(f"{shown(path)}: the {key} of {what} {entry['id']} is empty or no text; mend it")
        found[entry["id"]] = entry[key]
    if what == "categories" and len(set(found.values())) < len(found):
        raise DataError(f"{shown(path)}: two categories have one name; mend one")
    return found

"""Annotations of a data set, wherever they lie and whatever their form."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from imfuse.data.stacks import folders_in
from imfuse.detection.annotations import Annotations, Sizes, files_of
from imfuse.detection.coco_file import read_coco
from imfuse.detection.voc_files import read_voc
from imfuse.detection.yolo_files import read_yolo
from imfuse.errors import DataError
from imfuse.io.naming import shown

_FOLDERS = ("annotation", "annotations", "labels")
_FILES = ("annotations.json", "instances.json", "_annotations.coco.json")


def read_annotations(data_set: Path, stems: Iterable[str], sizes: Sizes, place: Path | None = None) -> Annotations:
    """The objects of a data set's pictures.

    Looked for are ``annotations.json`` (or ``instances.json``, COCO), and the folders ``Annotation/``, ``annotations/``
    or ``labels/`` with one COCO file, XML files (VOC, as M3FD has them) or text files (YOLO). Upper and lower case are
    the same.

    Args:
        data_set: folder of the data set.
        stems: of its pictures.
        sizes: of its pictures.
        place: file or folder of the annotations, where they lie elsewhere.

    Raises:
        DataError: there are no annotations, several, or they cannot be read.
    """
    found = place if place is not None else _found(data_set)
    if found.is_file():
        return read_coco(found, sizes)
    if not found.is_dir():
        raise DataError(f"{shown(found)}: there are no annotations there; check the path")
    json_files = files_of(found, ".json")
    if len(json_files) == 1:
        return read_coco(json_files[0], sizes)
    if json_files:
        raise DataError(f"{shown(found)}: holds several JSON files; give one of them: --annotations {json_files[0]}")
    if files_of(found, ".xml"):
        return read_voc(found, sizes)
    if next(found.rglob("*.txt"), None) is not None:
        return read_yolo(found, stems, sizes)
    raise DataError(f"{shown(found)}: holds neither a COCO file (.json) nor VOC's (.xml) or YOLO's (.txt)")


def _found(data_set: Path) -> Path:
    places = [folder for folder in folders_in(data_set) if folder.name.lower() in _FOLDERS]
    places += [data_set / name for name in _FILES if (data_set / name).is_file()]
    if len(places) > 1:
        told = " and ".join(shown(place) for place in places)
        raise DataError(f"{told}: which are the annotations? give them: --annotations {places[0]}")
    if not places:
        raise DataError(
            f"{shown(data_set)}: no annotations; they are looked for in annotations.json (COCO), Annotation/ (XML "
            "files of VOC, as in M3FD) and labels/ (text files of YOLO), or give them: --annotations PATH"
        )
    return places[0]

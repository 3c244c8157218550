"""Annotations as Pascal VOC has them: an XML file per picture. M3FD is annotated so."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from imfuse.detection.annotations import Annotations, Box, Collector, Sizes, class_order, files_of
from imfuse.errors import DataError
from imfuse.io.naming import cause, shown

_LARGEST = 8 << 20
"""Bytes: a file of one picture has thousands."""


def read_voc(folder: Path, sizes: Sizes) -> Annotations:
    """The objects of a folder of XML files, each about the picture of its own stem.

    Corners are taken as edges in pixels, as tools write them nowadays and YOLO's converters read them; VOC itself
    counted from 1. Objects marked as difficult are objects like the others, as in YOLO's validation.

    Args:
        folder: of the files.
        sizes: of the pictures.

    Raises:
        DataError: a file is no such file.
    """
    collector = Collector(sizes)
    names: set[str] = set()
    for path in files_of(folder, ".xml"):
        root = _root(path)
        if collector.picture(path.stem, shown(path), _size(root)) is None:
            continue
        for number, entry in enumerate(root.iter("object"), start=1):
            where = f"{shown(path)}: object {number}"
            label = (entry.findtext("name") or "").strip()
            if not label:
                raise DataError(f"{where}: has no name; mend it")
            names.add(label)
            collector.add(path.stem, label, _box(entry, where), where)
    return collector.result(class_order(names), folder, "VOC")


def _root(path: Path) -> ElementTree.Element:
    try:
        data = path.read_bytes()
        if len(data) > _LARGEST or b"<!ENTITY" in data:
            raise ValueError("it is too large, or declares entities")
        root = ElementTree.fromstring(data)
    except (OSError, ValueError, LookupError, ElementTree.ParseError) as error:
        raise DataError(f"{shown(path)}: cannot be read as XML ({cause(error)}); give a VOC file") from error
    if root.tag != "annotation":
        raise DataError(f"{shown(path)}: is no VOC file: its root is <{shown(root.tag)}>, not <annotation>")
    return root


def _size(root: ElementTree.Element) -> tuple[int, int] | None:
    """Height and width by the file; None where it does not say, or says 0 as some tools do."""
    try:
        size = int(root.findtext("size/height") or 0), int(root.findtext("size/width") or 0)
    except ValueError:
        return None
    return size if min(size) > 0 else None


def _box(entry: ElementTree.Element, where: str) -> Box:
    try:
        left, top, right, bottom = (
            float(entry.findtext(f"bndbox/{key}") or "") for key in ("xmin", "ymin", "xmax", "ymax")
        )
    except ValueError as error:
        raise DataError(f"{where}: its bndbox lacks xmin, ymin, xmax or ymax; mend it") from error
    return left, top, right, bottom

"""The objects that people marked in pictures."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from imfuse.errors import DataError
from imfuse.io.naming import shown

Box = tuple[float, float, float, float]
"""Left, top, right and bottom edge in pixels; the left edge of the first pixel is 0."""

Sizes = Callable[[str], tuple[int, int] | None]
"""Height and width of the picture of a stem; None if there is no such picture."""


@dataclass(frozen=True, slots=True)
class AnnotatedObject:
    """One marked object.

    Attributes:
        label: its class.
        box: where it is, within the picture.
        crowd: whether the box is round a crowd (COCO's ``iscrowd``), which need not be found.
    """

    label: str
    box: Box
    crowd: bool = False


@dataclass(frozen=True)
class Annotations:
    """All that is marked in the pictures of a data set.

    Attributes:
        classes: names, in the order of the file that lists them, or of :func:`class_order`.
        objects: of every picture that is annotated, by the stem of its name; an empty tuple where nothing is to be
            seen.
        place: file or folder that they are from.
        form: ``COCO``, ``YOLO`` or ``VOC``.
        notes: what was cut, dropped or not used, in words.
    """

    classes: tuple[str, ...]
    objects: Mapping[str, tuple[AnnotatedObject, ...]]
    place: Path
    form: str
    notes: tuple[str, ...] = ()


def is_text(name: str) -> bool:
    """Whether a name can be written to a file: JSON may hold halves of characters."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def files_of(folder: Path, ending: str) -> list[Path]:
    """The files of a folder with this ending, of which upper and lower case are the same, by name."""
    return sorted(path for path in folder.iterdir() if path.suffix.lower() == ending and path.is_file())


class Collector:
    """Gathers objects, cuts their boxes at the edges of the picture, and counts what that changed."""

    def __init__(self, sizes: Sizes) -> None:
        self.sizes = sizes
        self.objects: dict[str, list[AnnotatedObject]] = {}
        self._cut = self._dropped = self._strangers = 0

    def picture(self, stem: str, where: str, size: tuple[int, int] | None = None) -> tuple[int, int] | None:
        """Begin with a picture; its height and width, None if there is no such picture.

        Args:
            stem: of its name.
            where: the file, for messages.
            size: what the annotations say of its height and width, if anything.

        Raises:
            DataError: the picture has another size, or was there before.
        """
        true = self.sizes(stem)
        if true is None:
            self._strangers += 1
            return None
        if size is not None and size != true:
            raise DataError(
                f"{where}: is about a picture of {size[1]}×{size[0]} pixels, {shown(stem)} has {true[1]}×{true[0]}; "
                "give the annotations of these pictures"
            )
        if stem in self.objects:
            raise DataError(f"{where}: annotates {shown(stem)}, which has annotations already; which are meant?")
        self.objects[stem] = []
        return true

    def add(self, stem: str, label: str, box: Box, where: str, *, crowd: bool = False) -> None:
        """Take an object of a picture that was begun with.

        Raises:
            DataError: its box is not made of numbers, or its edges are exchanged.
        """
        size = self.sizes(stem)
        if size is None:
            return
        height, width = size
        if not all(map(math.isfinite, box)) or box[2] < box[0] or box[3] < box[1]:
            raise DataError(f"{where}: a box {_told(box)}, which has no left, top, right and bottom edge; mend it")
        inside = tuple(min(max(edge, 0.0), limit) for edge, limit in zip(box, (width, height) * 2, strict=True))
        left, top, right, bottom = inside
        if right <= left or bottom <= top:
            self._dropped += 1
            return
        # Normalised corners come back with rounding of their own: that is no box beyond the edge.
        self._cut += any(abs(given - kept) > 0.5 for given, kept in zip(box, inside, strict=True))
        self.objects[stem].append(AnnotatedObject(label, (left, top, right, bottom), crowd))

    def result(self, classes: Iterable[str], place: Path, form: str) -> Annotations:
        """All of them.

        Raises:
            DataError: none of the annotated pictures is there.
        """
        if not self.objects:
            raise DataError(
                f"{shown(place)}: annotates none of the pictures; annotations belong to pictures of the same stem"
            )
        notes = [
            (self._cut, "boxes reach beyond their picture and were cut at its edge"),
            (self._dropped, "boxes without area within their picture were left out"),
            (self._strangers, "annotated pictures are not among the scenes that can be read"),
        ]
        words = tuple(f"{shown(place)}: {count} {what}" for count, what in notes if count)
        found = {stem: tuple(objects) for stem, objects in self.objects.items()}
        return Annotations(tuple(classes), found, place, form, words)


M3FD_CLASSES = ("People", "Car", "Truck", "Bus", "Lamp", "Motorcycle")
"""The classes of M3FD, in the order of FNet's Table II."""


def class_order(names: Iterable[str]) -> tuple[str, ...]:
    """The order of classes that no file lists: that of M3FD if they are M3FD's, by name if not."""
    found = set(names)
    if found and found <= set(M3FD_CLASSES):
        return M3FD_CLASSES
    return tuple(sorted(found))


def _told(box: Box) -> str:
    return ", ".join(f"{edge:g}" for edge in box)

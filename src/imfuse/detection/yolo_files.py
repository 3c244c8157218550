"""Annotations as YOLO has them: a text file per picture, ``class x y width height`` in parts of the picture."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from imfuse.detection.annotations import Annotations, Collector, Sizes
from imfuse.errors import DataError, MissingExtraError
from imfuse.io.naming import cause, shown

_NO_LABELS = ("classes", "train", "val", "test", "readme")
"""Stems of text files that are not about pictures."""


def read_yolo(folder: Path, stems: Iterable[str], sizes: Sizes) -> Annotations:
    """The objects of a folder of label files; a picture without a file shows nothing, as YOLO has it.

    Files in folders within (``labels/train/``, ``labels/val/``) are read too. The names of the classes are those of
    ``classes.txt``, ``data.yaml`` or ``dataset.yaml`` there, in the folder above, or in the one above that.

    Args:
        folder: of the files.
        stems: of all pictures.
        sizes: of the pictures.

    Raises:
        DataError: a line is none, a class has no name, or no names are to be had.
    """
    names = _listed(folder)
    collector = Collector(sizes)
    for path in sorted(folder.rglob("*.txt")):
        if path.stem.lower() in _NO_LABELS:
            continue
        size = collector.picture(path.stem, shown(path))
        if size is not None:
            for number, line in enumerate(_lines(path), start=1):
                if line.strip():
                    _add(collector, path.stem, line.split(), f"{shown(path)}: line {number}", size, names)
    if collector.objects:
        for stem in stems:
            if stem not in collector.objects:
                collector.picture(stem, shown(folder))
    return collector.result(names, folder, "YOLO")


def _add(
    collector: Collector, stem: str, words: Sequence[str], where: str, size: tuple[int, int], names: Sequence[str]
) -> None:
    try:
        numbers = [float(word) for word in words]
        label = int(words[0])
        x, y, width, height = numbers[1:]
    except (ValueError, IndexError) as error:
        raise DataError(f"{where}: is not of the form: class x y width height; mend it") from error
    if not 0 <= label < len(names):
        raise DataError(
            f"{where}: class {label}, but there are names of {len(names)} ({', '.join(names)}); add its name"
        )
    if max(map(abs, numbers[1:])) > 2:
        raise DataError(f"{where}: numbers beyond 1; YOLO's are parts of the picture's width and height; divide them")
    rows, columns = size
    box = ((x - width / 2) * columns, (y - height / 2) * rows, (x + width / 2) * columns, (y + height / 2) * rows)
    collector.add(stem, names[label], box, where)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, ValueError) as error:
        raise DataError(f"{shown(path)}: cannot be read as text ({cause(error)})") from error


def _listed(folder: Path) -> tuple[str, ...]:
    """The names of the classes in a file near the labels."""
    for place in (folder, *list(folder.resolve().parents)[:2]):
        text = place / "classes.txt"
        if text.is_file():
            return _checked(text, [line.strip() for line in _lines(text) if line.strip()])
        for name in ("data.yaml", "dataset.yaml"):
            if (place / name).is_file():
                return _of_yaml(place / name)
    raise DataError(
        f"{shown(folder)}: nothing tells the names of the classes; write classes.txt with one name per line, in "
        "the order of their numbers"
    )


def _of_yaml(path: Path) -> tuple[str, ...]:
    try:
        import yaml
    except ImportError as error:
        raise MissingExtraError(f"{shown(path)}: reading it", "detect") from error
    try:
        entries = yaml.safe_load("\n".join(_lines(path)))
    except (yaml.YAMLError, RecursionError) as error:
        raise DataError(f"{shown(path)}: is not valid YAML ({cause(error)})") from error
    names = entries.get("names") if isinstance(entries, dict) else None
    if isinstance(names, dict):
        names = [names[key] for key in names] if list(names) == list(range(len(names))) else None
    if not isinstance(names, list):
        raise DataError(f"{shown(path)}: has no names of classes; write names: [first, second]")
    return _checked(path, [str(name) for name in names])


def _checked(path: Path, names: list[str]) -> tuple[str, ...]:
    if not names or len(set(names)) < len(names):
        raise DataError(f"{shown(path)}: names no class, or one twice; write every name once")
    return tuple(names)

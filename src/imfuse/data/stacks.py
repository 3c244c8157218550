"""Stacks of pictures in folders: all pictures of one folder in natural order, or those of several folders by stem."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from imfuse.data.pairs import pictures_by_stem
from imfuse.errors import DataError
from imfuse.io import is_picture_name
from imfuse.io.naming import shown


@dataclass(frozen=True, slots=True)
class Grouping:
    """Pictures of several folders by stem.

    Attributes:
        groups: (stem, one picture of each folder in the order of the folders), by stem.
        orphans: pictures whose stem is not in every folder.
    """

    groups: tuple[tuple[str, tuple[Path, ...]], ...]
    orphans: tuple[Path, ...]


def group_by_stem(folders: Sequence[Path]) -> Grouping:
    """Match the pictures of two or more folders by the stem of their names.

    Raises:
        DataError: a folder cannot be read, or holds two pictures of one stem.
    """
    found = [pictures_by_stem(folder) for folder in folders]
    common = set.intersection(*(set(pictures) for pictures in found))
    groups = tuple((stem, tuple(pictures[stem] for pictures in found)) for stem in sorted(common))
    orphans = tuple(pictures[stem] for pictures in found for stem in sorted(pictures.keys() - common))
    return Grouping(groups, orphans)


def natural_key(name: str) -> tuple[list[str | int], str]:
    """Sorts names as people count: ``shot2`` before ``shot10``, whatever the case of the letters."""
    parts = re.split(r"([0-9]+)", name.casefold())
    return [int(part) if index % 2 else part for index, part in enumerate(parts)], name


def pictures_in(folder: Path) -> tuple[Path, ...]:
    """The pictures of a folder in natural order; files that are no pictures by name, and hidden ones, are left out.

    Raises:
        DataError: the folder cannot be read.
    """
    return tuple(path for path in _entries(folder) if is_picture_name(path) and not path.is_dir())


def folders_in(folder: Path) -> tuple[Path, ...]:
    """The folders in a folder in natural order, hidden ones left out.

    Raises:
        DataError: the folder cannot be read.
    """
    return tuple(path for path in _entries(folder) if path.is_dir() and not path.name.startswith("."))


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir(), key=lambda path: natural_key(path.name))
    except OSError as error:
        raise DataError(f"{shown(folder)}: cannot be read as a folder ({error.strerror or error})") from error

"""What a folder holds, in natural order: the pictures of a stack, or the folders of several."""

from __future__ import annotations

from pathlib import Path

from imfuse.data.natural import natural_key
from imfuse.errors import DataError
from imfuse.io import is_picture_name
from imfuse.io.naming import cause, shown


def pictures_in(folder: Path) -> tuple[Path, ...]:
    """The pictures of a folder in natural order; files that are no pictures by name, and hidden ones, are left out.

    Raises:
        DataError: the folder cannot be read.
    """
    return tuple(path for path in _entries(folder) if is_picture_name(path) and not path.is_dir())


def folders_in(folder: Path) -> list[Path]:
    """The folders in a folder, and links to such, in natural order; hidden ones are left out.

    Raises:
        DataError: the folder cannot be read.
    """
    return [path for path in _entries(folder) if path.is_dir() and not path.name.startswith(".")]


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir(), key=lambda path: natural_key(path.name))
    except OSError as error:
        raise DataError(f"{shown(folder)}: cannot be read as a folder ({cause(error)})") from error

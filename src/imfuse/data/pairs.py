"""Pictures of several folders, matched by the stem of their names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from imfuse.data.whole import read_whole
from imfuse.errors import DataError
from imfuse.io import is_picture_name
from imfuse.medical.kinds import is_nifti_name, stem


@dataclass(frozen=True, slots=True)
class Grouping:
    """Pictures of several folders by stem.

    Attributes:
        groups: (stem, one picture of each folder in the order of the folders), by stem.
        orphans: pictures whose stem is not in every folder.
    """

    groups: tuple[tuple[str, tuple[Path, ...]], ...]
    orphans: tuple[Path, ...]


def pictures_by_stem(folder: Path, *, volumes: bool = False) -> dict[str, Path]:
    """The pictures of a folder by stem; files that are no pictures by name, and hidden ones, are left out.

    Args:
        folder: where they are.
        volumes: whether NIfTI volumes are taken, too.

    Raises:
        DataError: no such folder, it cannot be read, or two pictures have one stem.
    """
    try:
        taken = (path for path in folder.iterdir() if is_picture_name(path) or (volumes and _is_volume(path)))
        paths = sorted(taken)
    except OSError as error:
        raise DataError(f"{folder}: cannot be read as a folder ({error.strerror or error})") from error
    found: dict[str, Path] = {}
    for path in paths:
        name = stem(path) if volumes else path.stem
        if name in found:
            raise DataError(f"{found[name]} and {path.name}: two pictures of one stem, which pairs with the other?")
        found[name] = path
    return found


def _is_volume(path: Path) -> bool:
    return is_nifti_name(path) and not path.name.startswith(".")


def group_by_stem(folders: Sequence[Path], *, volumes: bool = False) -> Grouping:
    """Match the pictures of two or more folders by the stem of their names; NIfTI ``volumes`` too, if they are taken.

    Raises:
        DataError: a folder cannot be read, or holds two pictures of one stem.
    """
    found = [pictures_by_stem(folder, volumes=volumes) for folder in folders]
    common = set.intersection(*(set(pictures) for pictures in found))
    groups = tuple((stem, tuple(pictures[stem] for pictures in found)) for stem in sorted(common))
    orphans = tuple(pictures[stem] for pictures in found for stem in sorted(pictures.keys() - common))
    return Grouping(groups, orphans)


def read_gray(path: Path) -> NDArray[np.uint8]:
    """A picture as 8-bit luma (H, W), rounded: 0.299 R + 0.587 G + 0.114 B for colour."""
    pixels = read_whole(path)
    channels = pixels.shape[2]
    if channels == 1 and pixels.dtype == np.uint8:
        return np.array(pixels[..., 0])
    if channels not in (1, 3):
        raise DataError(f"{path}: has {channels} bands; gray or RGB is needed")
    unit = pixels / 255 if pixels.dtype == np.uint8 else pixels
    gray = unit[..., 0] if channels == 1 else unit @ np.array([0.299, 0.587, 0.114])
    return np.rint(np.clip(gray, 0, 1) * 255).astype(np.uint8)

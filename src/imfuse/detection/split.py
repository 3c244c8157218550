"""Which scenes a detector is trained on, and which it is tested on."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from imfuse.errors import DataError
from imfuse.io.naming import cause, shown

M3FD_PICTURES, M3FD_TEST = 4200, 400
"""The paper's (FNet, IV-D): 3,800 pairs for training, 400 for testing."""

_LISTS = ("train.txt", "val.txt")
_PLACES = (".", "meta")


@dataclass(frozen=True)
class Split:
    """Names of scenes in two parts.

    Attributes:
        train: for training.
        test: for testing.
        words: where the split is from.
    """

    train: tuple[str, ...]
    test: tuple[str, ...]
    words: str


def find_split(folder: Path, scenes: Sequence[str]) -> Split | None:
    """The split of ``train.txt`` and ``val.txt`` in a folder or its ``meta/``; None if they are not there.

    Lines are stems, names or paths of pictures. Scenes that are in neither list are in neither part.

    Args:
        folder: where the lists are.
        scenes: names of all scenes.

    Raises:
        DataError: a list cannot be read, names nothing that is there, or a scene is in both.
    """
    for place in _PLACES:
        files = [folder / place / name for name in _LISTS]
        if all(file.is_file() for file in files):
            train, test = (_listed(file, scenes) for file in files)
            both = sorted(set(train) & set(test))
            if both:
                raise DataError(f"{shown(files[0])} and {files[1].name}: {shown(both[0])} is in both; mend one")
            return Split(train, test, f"the lists {shown(files[0])} and {files[1].name}")
    return None


def seeded_split(scenes: Sequence[str], seed: int = 0) -> Split:
    """A split drawn at random in the paper's proportion: 400 of 4,200 for testing, at least one of each part.

    Args:
        scenes: names of all scenes.
        seed: of the draw; the order of the names does not matter.

    Raises:
        DataError: there are fewer than two scenes.
    """
    if len(scenes) < 2:
        raise DataError("one scene cannot be split into a part for training and one for testing")
    count = min(max(1, round(len(scenes) * M3FD_TEST / M3FD_PICTURES)), len(scenes) - 1)
    drawn = set(random.Random(seed).sample(sorted(scenes), count))
    return Split(
        tuple(scene for scene in scenes if scene not in drawn),
        tuple(scene for scene in scenes if scene in drawn),
        f"a draw with seed {seed}, since there are no lists: not the paper's split, which is not published",
    )


def _listed(path: Path, scenes: Sequence[str]) -> tuple[str, ...]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, ValueError) as error:
        raise DataError(f"{shown(path)}: cannot be read as text ({cause(error)})") from error
    words = {line.strip().replace("\\", "/") for line in lines if line.strip()}
    named = words | {PurePosixPath(word).stem for word in words}
    found = tuple(scene for scene in scenes if scene in named)
    if not found:
        raise DataError(f"{shown(path)}: names none of the scenes; its lines are stems or names of pictures")
    return found

"""Which fused picture belongs to which scene, and which method made it: by names alone."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from imfuse.data.natural import natural_key
from imfuse.data.pairs import pictures_by_stem
from imfuse.data.sets import Scene, several
from imfuse.errors import DataError, UsageError
from imfuse.io.naming import shown

_FUSED_NAME = re.compile(r"(?P<scene>.+)\.fused-(?P<model>.+)", re.DOTALL)
"""``dusk.fused-auif``, as ``imfuse fuse`` names a picture beside its sources."""

_NAMED_AT_MOST = 5


@dataclass(frozen=True, slots=True)
class Fusion:
    """A fused picture to look at.

    Attributes:
        method: what made it: the name of its folder, as far as needed to tell it from the others.
        scene: what it shows.
        path: the file.
    """

    method: str
    scene: Scene
    path: Path


def fusions_of_one(files: Sequence[Path], scene: Scene) -> list[Fusion]:
    """Files that all show one scene: each is a method, called by its stem."""
    _refuse_twins(files)
    labels = _distinct([path.with_suffix("") for path in files])
    return [Fusion(label, scene, path) for label, path in zip(labels, files, strict=True)]


def pair_fusions(
    fused: Sequence[Path], scenes: Sequence[Scene] | None, *, skip_orphans: bool = False
) -> tuple[list[Fusion], list[Path]]:
    """Match fused pictures with scenes by stem, ``dusk.png`` or ``dusk.fused-MODEL.png`` with ``dusk``.

    Args:
        fused: folders, each the results of a method; or files, whose folders (and models in their names) are methods.
        scenes: all there are; None if the fused pictures alone are looked at.
        skip_orphans: leave out fused pictures without a scene, and scenes that not every method has fused, so that
            methods are compared on the same ones.

    Returns:
        The pairs, method by method in the order given, scenes in theirs; and the fused pictures that were left out.

    Raises:
        DataError: a fused picture has no scene, a scene is not fused by a method, or names are ambiguous.
        UsageError: files and folders are mixed, or one is given twice.
    """
    _refuse_twins(fused)
    folders = [path.is_dir() for path in fused]
    if any(folders) and not all(folders):
        file = fused[folders.index(False)]
        raise UsageError(
            f"{shown(file)} is no folder, but {shown(fused[folders.index(True)])} is: give one or the other"
        )
    known = None if scenes is None else {scene.name for scene in scenes}
    groups, strangers = _grouped(fused, known)
    if strangers and not skip_orphans:
        raise DataError(
            f"no sources of the same stem for {_some(strangers)}; rename, or leave them out with --skip-orphans"
        )
    if scenes is None:
        names = sorted({name for group in groups.values() for name in group}, key=natural_key)
        scenes = [Scene(name, ()) for name in names]
    # Files were picked one by one; folders are meant to hold every scene.
    wanted = scenes if any(folders) else [scene for scene in scenes if any(scene.name in g for g in groups.values())]
    missing = [(key, scene) for key, group in groups.items() for scene in wanted if scene.name not in group]
    if missing and not skip_orphans:
        told = ", ".join(f"{shown(key[0])} has none for {shown(scene.name)}" for key, scene in missing[:_NAMED_AT_MOST])
        more = f" and {len(missing) - _NAMED_AT_MOST} more" if len(missing) > _NAMED_AT_MOST else ""
        raise DataError(
            f"scenes without a fused picture: {told}{more}; add them, or leave them out with --skip-orphans"
        )
    shared = [scene for scene in wanted if all(scene.name in group for group in groups.values())]
    if not groups or not shared:
        raise DataError(f"{several(fused)}: no fused picture has the stem of a scene; pictures pair by their stems")
    labels = _labels(list(groups))
    pairs = [Fusion(labels[key], scene, group[scene.name]) for key, group in groups.items() for scene in shared]
    kept = {pair.path for pair in pairs}
    return pairs, [*strangers, *(path for group in groups.values() for path in group.values() if path not in kept)]


_Key = tuple[Path, str]
"""The folder of a method and, where the names of its pictures tell one, the model."""


def _grouped(fused: Sequence[Path], known: set[str] | None) -> tuple[dict[_Key, dict[str, Path]], list[Path]]:
    """Fused pictures by method and scene, and those of no scene."""
    groups: dict[_Key, dict[str, Path]] = {}
    strangers = []
    for given in fused:
        files = list(pictures_by_stem(given).values()) if given.is_dir() else [given]
        if not files:
            raise DataError(f"{shown(given)}: no pictures in this folder; give the folder of the fused pictures")
        for path in files:
            scene, model = _scene_of(path.stem, known)
            if known is not None and scene not in known:
                strangers.append(path)
                continue
            group = groups.setdefault((path.parent, model), {})
            if scene in group:
                raise DataError(f"{several([group[scene], path])}: two fused pictures of one scene; which is meant?")
            group[scene] = path
    return groups, strangers


def _scene_of(stem: str, known: set[str] | None) -> tuple[str, str]:
    """The scene and, if the name tells it, the model."""
    match = _FUSED_NAME.fullmatch(stem)
    if match is None or (known is not None and stem in known):
        return stem, ""
    return match["scene"], match["model"]


def _labels(keys: Sequence[_Key]) -> dict[_Key, str]:
    """What methods are called: their folders, and the model where a folder holds the results of several."""
    folders = list(dict.fromkeys(folder for folder, _ in keys))
    names = dict(zip(folders, _distinct(folders), strict=True))
    alone = {folder: sum(other == folder for other, _ in keys) == 1 for folder in folders}
    return {key: names[key[0]] if alone[key[0]] or not key[1] else f"{names[key[0]]} {key[1]}" for key in keys}


def _distinct(paths: Sequence[Path]) -> list[str]:
    """As much of the ends of paths as tells them apart."""
    parts = [Path(os.path.normpath(path.absolute())).parts for path in paths]
    depth = next(d for d in range(1, 2 + max(map(len, parts))) if len({p[-d:] for p in parts}) == len(set(parts)))
    return ["/".join(part[-depth:]) for part in parts]


def _refuse_twins(paths: Sequence[Path]) -> None:
    seen = set()
    for path in paths:
        try:
            found = path.stat()
        except (OSError, ValueError) as error:
            raise UsageError(f"{shown(path)}: no such file or folder; check the path") from error
        if (found.st_dev, found.st_ino) in seen:
            raise UsageError(f"{shown(path)}: is given twice")
        seen.add((found.st_dev, found.st_ino))


def _some(paths: Sequence[Path]) -> str:
    more = f" and {len(paths) - _NAMED_AT_MOST} more" if len(paths) > _NAMED_AT_MOST else ""
    return ", ".join(shown(path) for path in paths[:_NAMED_AT_MOST]) + more

"""Data sets: folders of scenes, each with its sources and, where it is known, the picture that fusion should give."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from imfuse.data.natural import natural_key
from imfuse.data.pairs import pictures_by_stem
from imfuse.data.set_file import SET_FILE, SetFile, read_set_file
from imfuse.data.stacks import folders_in
from imfuse.errors import DataError, UsageError
from imfuse.io.naming import shown

ROLE_FOLDERS: dict[str, tuple[tuple[str, ...], ...]] = {
    "infrared": (("ir", "infrared", "thermal", "nir"), ("vis", "vi", "visible")),
    "medical": (("ct", "pet", "spect"), ("mri", "mr")),
    "focus": (("near",), ("far",)),
    "exposure": (("under",), ("over",)),
    "spectral": (("ms", "lrms"), ("pan", "guide")),
}
"""For every task its sources in the order in which they are given, each with the names that its folder may have."""

_TELLING_TASKS = ("infrared", "medical")
"""Those that the names of the folders tell."""

_ANY_NUMBER = ("focus", "exposure")
"""Those that take any number of sources from two on."""

_TRUTH_FOLDERS = ("truth", "gt")
_NUMBERED = re.compile(r"[a-z]|[0-9]+", re.IGNORECASE)
_NAMED_AT_MOST = 5


@dataclass(frozen=True, slots=True)
class Scene:
    """One scene of a data set.

    Attributes:
        name: the stem that its pictures share, or the name of its folder.
        sources: paths in the task's order.
        truth: the picture that fusion should give, if it is known.
    """

    name: str
    sources: tuple[Path, ...]
    truth: Path | None = None


@dataclass(frozen=True, slots=True)
class DataSet:
    """A folder of scenes for one task.

    Attributes:
        name: of the set; its folder's unless ``dataset.toml`` has another.
        task: name of the task.
        scenes: in natural order of their names.
        folder: where it is.
        description: from ``dataset.toml``, or empty.
    """

    name: str
    task: str
    scenes: tuple[Scene, ...]
    folder: Path
    description: str = ""


def read_data_set(folder: Path, task: str | None = None) -> DataSet:
    """The scenes of a folder; no picture is opened.

    Two layouts are known. *Roles*: one folder per source (``ir/ vis/``, ``ct/ mri/``, ``near/ far/``, ``a/ b/ c/``,
    ``1/ 2/``), whose pictures belong together by stem. *Scenes*: one folder per scene (an exposure bracket) with its
    pictures in natural order. A folder ``truth/`` or ``gt/`` beside them holds the true pictures. What differs stands
    in ``dataset.toml``; see docs/datasets.md.

    Args:
        folder: the data set.
        task: what is fused; if left out, ``dataset.toml`` or the names ``ir/ vis/``, ``ct|pet|spect/ mri/`` must tell.

    Raises:
        DataError: the folder does not have the form of a data set; the message names files and says what to do.
        UsageError: the task is unknown, not told, or another one than that of ``dataset.toml``.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise DataError(f"{shown(folder)}: there is no such folder; check the path")
    file = read_set_file(folder)
    folders = folders_in(folder)
    chosen = _task(folder, file, folders, task)
    truth = _truth_folder(folder, file, folders)
    if truth is not None:
        folders = [entry for entry in folders if not entry.samefile(truth)]
    if _layout(chosen, file, folders) == "roles":
        scenes = scenes_of_roles(_role_folders(folder, chosen, file, folders), truth)
    else:
        scenes = _scenes_of_folders(folder, chosen, file, folders, truth)
    return DataSet(file.name or folder.resolve().name, chosen, scenes, folder, file.description or "")


def infer_task(folders: Sequence[Path]) -> str | None:
    """The task that the names of folders tell, in whatever order they stand; None if they tell none or several."""
    told = [name for name in _TELLING_TASKS if all(_named(folders, names) for names in ROLE_FOLDERS[name])]
    return told[0] if len(told) == 1 else None


def scenes_of_roles(
    folders: Sequence[Path], truth: Path | None = None, *, skip_orphans: bool = False
) -> tuple[Scene, ...]:
    """The scenes of folders that hold one source each: pictures of one stem belong together.

    Args:
        folders: one per source, in the task's order.
        truth: folder of the true pictures.
        skip_orphans: leave pictures without a partner out.

    Raises:
        DataError: a folder cannot be read, is given twice, holds two pictures of one stem or none, or a picture has no
            partner.
    """
    every = [*folders, *([] if truth is None else [truth])]
    for place, folder in enumerate(every):
        twin = next((other for other in every[:place] if other.exists() and other.samefile(folder)), None)
        if twin is not None:
            raise DataError(f"{shown(twin)} and {shown(folder)} are one folder; give one folder per source")
    found = [pictures_by_stem(folder) for folder in every]
    stems = sorted(set().union(*found), key=natural_key)
    if not stems:
        raise DataError(f"{several(every)}: no pictures; a data set holds one folder of pictures per source")
    if skip_orphans:
        stems = [stem for stem in stems if all(stem in pictures for pictures in found)]
    _refuse_orphans(every, found, stems)
    count = len(folders)
    return tuple(
        Scene(stem, tuple(part[stem] for part in found[:count]), None if truth is None else found[count][stem])
        for stem in stems
    )


def _refuse_orphans(folders: Sequence[Path], found: Sequence[dict[str, Path]], stems: Sequence[str]) -> None:
    orphans = []
    for stem in stems:
        missing = [folder for folder, pictures in zip(folders, found, strict=True) if stem not in pictures]
        if missing:
            picture = next(pictures[stem] for pictures in found if stem in pictures)
            orphans.append(f"{shown(picture)} (none in {several(missing)})")
    if orphans:
        more = f" and {len(orphans) - _NAMED_AT_MOST} more" if len(orphans) > _NAMED_AT_MOST else ""
        raise DataError(
            f"without a partner of the same stem: {', '.join(orphans[:_NAMED_AT_MOST])}{more}; "
            "add what is missing, take these away, or rename them"
        )


def several(paths: Sequence[Path]) -> str:
    """Paths as messages name them."""
    return " and ".join(shown(path) for path in paths)


def _named(folders: Sequence[Path], names: Sequence[str]) -> list[Path]:
    return [entry for entry in folders if entry.name.lower() in names]


def _task(folder: Path, file: SetFile, folders: Sequence[Path], asked: str | None) -> str:
    for name, where in ((asked, ""), (file.task, f"{shown(folder / SET_FILE)}: ")):
        if name is not None and name not in ROLE_FOLDERS:
            raise UsageError(f"{where}unknown task {shown(name)!r}: choose one of {', '.join(ROLE_FOLDERS)}")
    if asked and file.task and asked != file.task:
        raise UsageError(f"{shown(folder)}: is a set of task {file.task!r} by its {SET_FILE}, not of {asked!r}")
    task = asked or file.task or infer_task(folders)
    if task is None:
        names = ", ".join(f"{shown(entry.name)}/" for entry in folders[:_NAMED_AT_MOST]) or "none"
        raise UsageError(
            f"{shown(folder)}: its folders ({names}) do not tell the task; give the task "
            f'({", ".join(ROLE_FOLDERS)}), or write task = "focus" or another into {SET_FILE} there'
        )
    return task


def _truth_folder(folder: Path, file: SetFile, folders: Sequence[Path]) -> Path | None:
    """The folder of the true pictures, if there is one."""
    if file.truth is None:
        known = _named(folders, _TRUTH_FOLDERS)
        if len(known) > 1:
            raise DataError(f'{several(known)}: which is the truth? write truth = "gt" into {SET_FILE}')
        return known[0] if known else None
    path = folder / file.truth
    if not path.is_dir() and file.layout != "scenes":
        raise DataError(f"{shown(path)}: there is no such folder, but {SET_FILE} names it as the truth")
    return path if path.is_dir() else None


def _layout(task: str, file: SetFile, folders: Sequence[Path]) -> str:
    if file.layout is not None:
        return file.layout
    named = all(_named(folders, names) for names in ROLE_FOLDERS[task])
    return "scenes" if task == "exposure" and file.sources is None and not named else "roles"


def _role_folders(folder: Path, task: str, file: SetFile, folders: Sequence[Path]) -> list[Path]:
    """One folder per source, in the task's order."""
    if file.sources is not None:
        chosen = [folder / name for name in file.sources]
        missing = [path for path in chosen if not path.is_dir()]
        if missing:
            raise DataError(f"{several(missing)}: no such folder, but {SET_FILE} names it as a source")
    else:
        chosen = _known_folders(folder, task, folders)
    _check_number(folder, task, [path.name for path in chosen])
    return chosen


def _known_folders(folder: Path, task: str, folders: Sequence[Path]) -> list[Path]:
    roles = [_named(folders, names) for names in ROLE_FOLDERS[task]]
    for known in roles:
        if len(known) > 1 and all(roles):
            raise DataError(
                f'{several(known)}: which one is meant? write sources = ["{known[0].name}", …] into {SET_FILE}'
            )
    if all(roles):
        return [known[0] for known in roles]
    numbered = [entry for entry in folders if _NUMBERED.fullmatch(entry.name)]
    if len(numbered) > 1:
        return numbered
    names = ", ".join(f"{shown(entry.name)}/" for entry in folders[:_NAMED_AT_MOST]) or "none"
    expected = " and ".join(f"{'|'.join(known)}/" for known in ROLE_FOLDERS[task])
    raise DataError(
        f"{shown(folder)}: no folders of sources for task {task!r} (its folders: {names}); name them {expected}, or a/ "
        f'b/ …, or write sources = ["first", "second"], or layout = "scenes" for one folder per scene, into {SET_FILE}'
    )


def _check_number(where: Path, task: str, names: Sequence[str]) -> None:
    """Refuse a number of sources that the task does not take."""
    told = ", ".join(shown(name) for name in names) or "none"
    roles = len(ROLE_FOLDERS[task])
    if len(names) < 2 or (task not in _ANY_NUMBER and len(names) != roles):
        needed = "two or more" if task in _ANY_NUMBER else str(roles)
        raise DataError(
            f"{shown(where)}: task {task!r} takes {needed} sources, here are {len(names)}: {told}; "
            f'sources = ["first", "second"] in {SET_FILE} chooses'
        )


def _scenes_of_folders(
    folder: Path, task: str, file: SetFile, folders: Sequence[Path], truth: Path | None
) -> tuple[Scene, ...]:
    """One scene per folder; folders without pictures are none."""
    if file.sources is None and task not in _ANY_NUMBER:
        raise DataError(
            f"{shown(folder)}: which picture of a scene is which? write the stems in the task's order, such as "
            f'sources = ["ir", "vis"], into {SET_FILE}'
        )
    truths = {} if truth is None else pictures_by_stem(truth)
    scenes = []
    for entry in folders:
        pictures = pictures_by_stem(entry)
        if not pictures:
            continue
        true = truths.get(entry.name)
        if truth is not None and true is None:
            raise DataError(f"{shown(entry)}: no true picture of this name in {shown(truth)}")
        if truth is None and file.truth is not None:
            true = _picture(entry, pictures, file.truth)
            del pictures[file.truth]
        stems = file.sources or sorted(pictures, key=natural_key)
        sources = tuple(_picture(entry, pictures, stem) for stem in stems)
        _check_number(entry, task, [path.name for path in sources])
        scenes.append(Scene(entry.name, sources, true))
    if not scenes:
        raise DataError(f'{shown(folder)}: no folders with pictures; layout "scenes" has one folder per scene')
    return tuple(scenes)


def _picture(folder: Path, pictures: dict[str, Path], stem: str) -> Path:
    if stem not in pictures:
        raise DataError(f"{shown(folder)}: no picture of the stem {shown(stem)!r}, which {SET_FILE} names")
    return pictures[stem]

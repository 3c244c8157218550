"""Brackets and stacks that lie mixed in one folder: which pictures belong together.

By **count**, in the natural order of their names: every N are one bracket. By **gap**: a bracket begins where the
camera was still for longer than some seconds, counted from the end of one exposure to the beginning of the next. By
**exif**: a bracket begins where the sequence of exposures begins anew, see :func:`_begins_anew`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Literal

from imfuse.data.natural import natural_key
from imfuse.errors import SourceError, UsageError
from imfuse.io import open_source
from imfuse.io.exposure import Capture, exposure_values, read_capture
from imfuse.tasks import LEAST, Task

GAP = 5.0
"""Seconds of stillness between two brackets, unless the user says otherwise."""

EXIF_GAP = 60.0
"""By EXIF, a bracket ends after so many seconds of stillness, whatever the exposures say. They are many, since cameras
that take a dark frame after a long exposure are still for as long as that was."""

SAME = 1 / 6
"""Exposures that differ by less than this, in EV, are the same: cameras set thirds."""

_AUTOMATIC, _AUTOMATIC_BRACKET = 0, 2


@dataclass(frozen=True, slots=True)
class GroupBy:
    """How pictures are grouped.

    Attributes:
        rule: by EXIF, by number, or by gaps in time.
        count: pictures of a group, for ``count``.
        seconds: of stillness between two groups, for ``gap``.
    """

    rule: Literal["exif", "count", "gap"]
    count: int = 0
    seconds: float = GAP


@dataclass(frozen=True, slots=True)
class Groups:
    """Pictures that belong together, and those that belong to none.

    Attributes:
        groups: pictures of one bracket each, in the order in which they were taken, or of their names.
        orphans: (picture, why it is in no group).
    """

    groups: tuple[tuple[Path, ...], ...]
    orphans: tuple[tuple[Path, str], ...]


@dataclass(frozen=True, slots=True)
class _Shot:
    path: Path
    capture: Capture
    size: tuple[int, int]


def parse_group_by(text: str) -> GroupBy:
    """``exif``, ``count=N``, ``gap`` or ``gap=SECONDS``.

    Raises:
        UsageError: it is none of these.
    """
    name, _, value = (part.strip() for part in text.lower().partition("="))
    if name == "exif" and not value:
        return GroupBy("exif")
    if name == "gap":
        try:
            seconds = float(value.removesuffix("s") or GAP)
        except ValueError:
            seconds = -1.0
        if 0 <= seconds < float("inf"):
            return GroupBy("gap", seconds=seconds)
    if name == "count" and value.isascii() and value.isdigit() and int(value) >= LEAST:
        return GroupBy("count", count=int(value))
    raise UsageError(f"group by {text!r}: write exif, count=N (N is {LEAST} or more), gap or gap=SECONDS")


def check_group_by(text: str | None, sources: Sequence[Path], task: Task) -> GroupBy | None:
    """How these sources are to be grouped; None where they are not.

    Raises:
        UsageError: the words are unknown, or the task or the sources are none that can be grouped.
    """
    if text is None:
        return None
    by = parse_group_by(text)
    if not task.is_stack:
        raise UsageError(f"task {task.name!r} takes {task.takes} and no stacks; leave --group-by out")
    if by.rule == "exif" and not task.by_exposure:
        raise UsageError(f"task {task.name!r}: its pictures do not differ in exposure; --group-by count=N or gap")
    if len(sources) > 1 and sources[0].is_dir():
        raise UsageError(f"--group-by takes one folder, or pictures; {len(sources)} folders given")
    return by


def group_pictures(paths: Iterable[Path], by: GroupBy) -> Groups:
    """Part pictures into brackets or stacks.

    Headers are read, and no pixels. A picture that cannot be read, or whose EXIF does not tell what is needed, is an
    orphan, and so is one that is alone; of a number that does not come out even, the last ones are.
    """
    ordered = sorted(paths, key=lambda path: (natural_key(str(path.parent)), natural_key(path.name)))
    if by.rule == "count":
        full = len(ordered) // by.count * by.count
        reason = f"{len(ordered) - full} left over of groups of {by.count}"
        groups = [tuple(ordered[start : start + by.count]) for start in range(0, full, by.count)]
        return Groups(tuple(groups), tuple((path, reason) for path in ordered[full:]))
    shots, orphans = _shots(ordered, _tells_exposure if by.rule == "exif" else _tells_time)
    sequences = _by_exif(shots) if by.rule == "exif" else _by_gap(shots, by.seconds)
    found = [tuple(shot.path for shot in sequence) for sequence in sequences]
    orphans += [(group[0], "alone") for group in found if len(group) < LEAST]
    return Groups(tuple(group for group in found if len(group) >= LEAST), tuple(orphans))


def _shots(paths: Iterable[Path], needed: Callable[[Capture], str]) -> tuple[list[_Shot], list[tuple[Path, str]]]:
    """What the EXIF of pictures says, and the pictures that cannot be read or do not say what is needed."""
    shots: list[_Shot] = []
    orphans: list[tuple[Path, str]] = []
    for path in paths:
        try:
            source = open_source(path)
        except SourceError as error:
            orphans.append((path, str(error).removeprefix(f"{path}: ")))
            continue
        capture = read_capture(source.metadata.exif)
        if missing := needed(capture):
            orphans.append((path, missing))
        else:
            shots.append(_Shot(path, capture, (source.height, source.width)))
    return shots, orphans


def _tells_time(capture: Capture) -> str:
    return "" if capture.taken is not None else "its EXIF tells no time of capture"


def _tells_exposure(capture: Capture) -> str:
    return "" if capture.exposure_time is not None else "its EXIF tells no exposure time"


def _in_time(shots: Sequence[_Shot]) -> list[_Shot]:
    """In the order in which they were taken where all tell it; otherwise as they are."""
    timed = [(shot.capture.taken, shot) for shot in shots if shot.capture.taken is not None]
    if len(timed) < len(shots):
        return list(shots)
    # Sorting keeps the order of names where a clock tells whole seconds.
    return [shot for _, shot in sorted(timed, key=lambda pair: pair[0])]


def _by_gap(shots: Sequence[_Shot], seconds: float) -> list[list[_Shot]]:
    return _cut(_in_time(shots), lambda group, shot: _gap(group[-1], shot) > seconds)


def _by_exif(shots: Sequence[_Shot]) -> Iterator[list[_Shot]]:
    """The brackets of each camera: two that work at once do not disturb each other."""
    cameras: dict[tuple[str, str, str], list[_Shot]] = {}
    for shot in shots:
        cameras.setdefault(shot.capture.camera, []).append(shot)
    found = [group for of_one in cameras.values() for group in _cut(_in_time(of_one), _begins_anew)]
    place = {id(shot): index for index, shot in enumerate(shots)}
    yield from sorted(found, key=lambda group: place[id(group[0])])


def _cut(shots: Iterable[_Shot], begins: Callable[[list[_Shot], _Shot], bool]) -> list[list[_Shot]]:
    groups: list[list[_Shot]] = []
    for shot in shots:
        if groups and not begins(groups[-1], shot):
            groups[-1].append(shot)
        else:
            groups.append([shot])
    return groups


def _begins_anew(group: list[_Shot], shot: _Shot) -> bool:
    """Whether a picture does not go on with a bracket.

    It does not where the size or focal length is another one, where automatic bracketing was switched on or off, after
    a long stillness, and where an exposure of the bracket occurs again. Where the exposures were metered one by one, as
    automatic cameras do, these are told apart by their compensation (bias), which repeats although the light changes;
    otherwise by exposure time, aperture and sensitivity.
    """
    last, new = group[-1].capture, shot.capture
    if group[-1].size != shot.size or last.focal_length != new.focal_length:
        return True
    if last.mode != new.mode and _AUTOMATIC_BRACKET in (last.mode, new.mode):
        return True
    if _gap(group[-1], shot) > EXIF_GAP:
        return True
    biases = [one.capture.bias for one in group]
    if new.bias is not None and None not in biases and (new.mode == _AUTOMATIC or len({*biases, new.bias}) > 1):
        return any(abs(new.bias - bias) < SAME for bias in biases if bias is not None)
    values = exposure_values([*(one.capture for one in group), new])
    return values is None or any(abs(values[-1] - value) < SAME for value in values[:-1])


def _gap(first: _Shot, second: _Shot) -> float:
    """Seconds from the end of one exposure to the beginning of the next; 0 where they are not told."""
    if first.capture.taken is None or second.capture.taken is None:
        return 0.0
    exposure = timedelta(seconds=min(first.capture.exposure_time or 0.0, 86400.0))
    return (second.capture.taken - first.capture.taken - exposure).total_seconds()

"""Folders of slices that appear whole or not at all."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from imfuse.errors import OutputError
from imfuse.io.atomic import output_error
from imfuse.io.naming import shown

fcntl: ModuleType | None
try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

SUFFIX = ".imfuse-part"
_SLICE = re.compile(r"fused-\d{4,}\.[a-z]+")


def slice_name(number: int, ending: str) -> str:
    """What the file of a slice is called, counted from 1."""
    return f"fused-{number:04d}{ending}"


def check_folder(folder: Path, overwrite: bool) -> None:
    """Refuse early what cannot become a folder of slices.

    A folder that is there must be empty, or hold nothing but slices of an earlier run and ``overwrite`` be set: no file
    that imfuse has not made is ever removed.

    Raises:
        OutputError: it is a file, holds other files, or what it lies in is not there.
    """
    name = shown(folder)
    try:
        if not os.path.lexists(folder):
            if not folder.absolute().parent.is_dir():
                raise OutputError(f"{name}: the folder {shown(folder.absolute().parent)} does not exist; make it first")
            return
        if not folder.is_dir():
            raise OutputError(f"{name}: is a file, where a folder of slices is to be; choose another name")
        inside = sorted(path.name for path in folder.iterdir())
    except OutputError:
        raise
    except OSError as error:
        raise output_error(folder, error) from error
    foreign = [found for found in inside if not _SLICE.fullmatch(found)]
    if foreign:
        raise OutputError(f"{name}: the folder holds {len(foreign)} files that imfuse did not make; choose another one")
    if inside and not overwrite:
        raise OutputError(f"{name}: exists already; choose another name, or allow overwriting (--overwrite)")


@contextmanager
def atomic_folder(folder: Path, overwrite: bool) -> Iterator[Path]:
    """Give an empty folder beside ``folder``; on a clean exit it takes its place, on any error it is removed.

    What killed runs have left of such folders is removed first: a folder that no living process holds a lock on.

    Raises:
        OutputError: the folder cannot be made; see :func:`check_folder`.
    """
    check_folder(folder, overwrite)
    target = Path(os.path.realpath(folder))
    try:
        _remove_dead(target)
        part = target.parent / f".{target.name[:200]}.{secrets.token_hex(4)}{SUFFIX}"
        part.mkdir()
        with _held(part):
            try:
                yield part
                _publish(part, target, overwrite)
            finally:
                shutil.rmtree(part, ignore_errors=True)
    except OutputError:
        raise
    except OSError as error:
        raise output_error(folder, error) from error


def _publish(part: Path, target: Path, overwrite: bool) -> None:
    check_folder(target, overwrite)  # it may have appeared meanwhile
    former = part.with_name(f"{part.name.removesuffix(SUFFIX)}-former{SUFFIX}")
    there = target.exists()
    if there:
        target.rename(former)
    try:
        part.rename(target)
    except OSError:
        if there:
            former.rename(target)
        raise
    if there:
        shutil.rmtree(former, ignore_errors=True)


@contextmanager
def _held(part: Path) -> Iterator[None]:
    """Hold a lock on the folder, by which others see that its writer lives."""
    if fcntl is None:
        yield
        return
    descriptor = os.open(part, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # a file system without locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _remove_dead(target: Path) -> None:
    if fcntl is None:
        return
    pattern = re.compile(re.escape(f".{target.name[:200]}.") + r"[0-9a-f]{8}" + re.escape(SUFFIX))
    for left in target.parent.iterdir():
        if not pattern.fullmatch(left.name) or left.is_symlink() or not left.is_dir():
            continue
        with contextlib.suppress(OSError):
            descriptor = os.open(left, os.O_RDONLY)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(left)
            finally:
                os.close(descriptor)

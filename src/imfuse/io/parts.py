"""Part files: where a file is written before it takes its place, and what becomes of those that a killed run leaves.

A part file lies beside its target as ``.NAME.<8 hex digits>.imfuse-part``. Its writer holds a lock on it for as long
as it lives, and the system frees the lock with the process, however it ends. So whoever can take the lock knows that
the writer is dead.

A file without a name (Linux's ``O_TMPFILE``) would leave nothing at all, but it needs a ``/proc``, a file system that
has it, and writers that open ``/proc/self/fd/N`` as they are told; tifffile resolves links first and would write to a
file called ``#1234 (deleted)``. Replacing a file needs a name in any case. So a name it is, on every system.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

fcntl: ModuleType | None
try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

PART_SUFFIX = ".imfuse-part"
NAME_LIMIT = 255
_PART_NAME = re.compile(rf"\..*\.[0-9a-f]{{8}}{re.escape(PART_SUFFIX)}", re.DOTALL)


def _part_name(name: str) -> str:
    ending = f".{secrets.token_hex(4)}{PART_SUFFIX}"
    stem = os.fsencode(name)[: NAME_LIMIT - len(ending) - 1]
    return "." + stem.decode("utf-8", "ignore") + ending


@contextmanager
def part_file(folder: Path, name: str) -> Iterator[Path]:
    """Give an empty part file for ``name``, locked; whatever still has its name at the end is removed.

    Raises:
        OSError: the folder does not take it.
    """
    part, lock = _locked_part(folder, name)
    try:
        if fcntl is None:  # Windows neither moves nor removes a file that is open
            os.close(lock)
        yield part
    finally:
        with contextlib.suppress(OSError):
            part.unlink()
        if fcntl is not None:
            os.close(lock)


def _locked_part(folder: Path, name: str) -> tuple[Path, int]:
    """A new part file, and the open descriptor that holds its lock until it is closed."""
    while True:
        part = folder / _part_name(name)
        try:
            # 0o666 less the umask, as an ordinary open() would give.
            descriptor = os.open(part, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666)
        except FileExistsError:
            continue
        except FileNotFoundError as error:
            if folder.is_dir():  # such as /proc: there, but nothing can be made in it
                raise OSError(errno.EACCES, os.strerror(errno.EACCES)) from error
            raise
        if fcntl is not None:
            with contextlib.suppress(OSError):  # a file system without locks: nobody can take this one either
                fcntl.flock(descriptor, fcntl.LOCK_EX)
        # Another run may have come between creation and lock and have taken the file for a dead one.
        if fcntl is None or _is_at(part, descriptor):
            return part, descriptor
        os.close(descriptor)


def remove_dead_parts(folder: Path, name: str | None = None) -> int:
    """Remove the part files of runs that were killed; those of runs that are alive are left alone.

    Without locks (on Windows, on some network shares) it cannot be told who is alive, and nothing is removed. Where a
    network share keeps its locks to the machine, another machine's part file may go: that run tells the picture as
    failed, and makes it when it is started again.

    Args:
        folder: where to look.
        name: only the part files of this target; by default of any.

    Returns:
        How many were removed.
    """
    if fcntl is None:
        return 0
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries if _PART_NAME.fullmatch(entry.name)]
    except (OSError, ValueError):  # no such folder, or no possible name of one
        return 0
    if name is not None:
        own = _part_name(name)
        random = len(PART_SUFFIX) + 8
        names = [found for found in names if found[:-random] == own[:-random]]
    return sum(_remove_if_dead(folder / found) for found in names)


def _remove_if_dead(part: Path) -> bool:
    if fcntl is None:
        return False
    try:
        # For writing, since locks over NFS want it; never through a link, and never waiting at a FIFO.
        descriptor = os.open(part, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return False
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not _is_at(part, descriptor):
            return False
        part.unlink()
    except OSError:  # it is locked, so its writer lives; or it is not ours to remove
        return False
    finally:
        os.close(descriptor)
    return True


def _is_at(path: Path, descriptor: int) -> bool:
    """Whether the open file is still the one of this name."""
    try:
        return os.path.samestat(path.lstat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False

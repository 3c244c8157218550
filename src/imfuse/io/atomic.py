"""Files that appear whole or not at all: written beside their place under another name, then moved there."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from imfuse.errors import OutputError
from imfuse.io.naming import cause, shown
from imfuse.io.parts import NAME_LIMIT, part_file

_ADVICE = {
    errno.EACCES: "no permission to write there; change the folder's permissions or choose another folder",
    errno.EPERM: "no permission to write there; change the folder's permissions or choose another folder",
    errno.EROFS: "the file system is read-only; choose another folder",
    errno.ENOSPC: "no space left on the device; free some or choose another folder",
    errno.EDQUOT: "the disk quota is used up; free some space or choose another folder",
    errno.ENAMETOOLONG: "the name is too long; choose a shorter one",
    errno.ENOENT: "the folder does not exist; make it first",
    errno.ELOOP: "the symbolic link leads in a circle; choose another name or folder",
    errno.ENOTDIR: "a part of the path is a file and not a folder; choose another folder",
    errno.EFBIG: "the file would be larger than the file system or the limit allows; choose another folder",
}


def output_error(path: Path, error: OSError) -> OutputError:
    """The ``OutputError`` that tells why the operating system refused ``path``."""
    if error.errno == errno.ENOENT and path.parent.is_dir():
        return OutputError(f"{shown(path)}: its part file was removed while it was written; run the same again")
    advice = _ADVICE.get(error.errno or 0, f"cannot be written: {cause(error)}; choose another file or folder")
    return OutputError(f"{shown(path)}: {advice}")


def check_output(path: Path, overwrite: bool) -> None:
    """Refuse early what cannot become an output file.

    Raises:
        OutputError: the folder is missing, the path is a folder or a device, or it exists and ``overwrite`` is False.
    """
    try:
        if b"\0" in os.fsencode(path):
            raise OutputError(f"{shown(path)}: a name with a null character; choose another name")
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            path.stat()  # links that lead in a circle and folders that may not be entered are told as such
        if not path.parent.is_dir():
            found = "is not a folder" if path.parent.exists() else "does not exist; make it first"
            raise OutputError(f"{shown(path)}: the folder {shown(path.parent)} {found}")
        mode = path.lstat().st_mode if os.path.lexists(path) else None
    except OutputError:
        raise
    except (OSError, ValueError) as error:
        raise output_error(path, error if isinstance(error, OSError) else OSError(str(error))) from error
    if mode is None:
        return
    if path.is_dir():
        raise OutputError(f"{shown(path)}: is a folder; give the name of a file")
    if not (stat.S_ISREG(mode) or stat.S_ISLNK(mode)):
        raise OutputError(f"{shown(path)}: exists and is not a regular file; choose another name")
    if not overwrite:
        raise OutputError(f"{shown(path)}: exists already; choose another name, or allow overwriting (--overwrite)")


def _sync(path: Path, *, folder: bool = False) -> None:
    descriptor = os.open(path, os.O_RDONLY if folder else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _publish(part: Path, target: Path, overwrite: bool) -> None:
    if overwrite:
        part.replace(target)
        return
    try:
        os.link(part, target)  # fails when the target has appeared meanwhile, unlike rename
    except FileExistsError as error:
        raise OutputError(f"{shown(target)}: appeared while it was computed; nothing was overwritten") from error
    except OSError as error:  # file systems without hard links (FAT, some network shares)
        if os.path.lexists(target):
            raise OutputError(f"{shown(target)}: appeared while it was computed; nothing was overwritten") from error
        part.replace(target)
        return
    part.unlink()


@contextmanager
def atomic_path(path: str | os.PathLike[str], overwrite: bool = False) -> Iterator[Path]:
    """Give a temporary file beside ``path``; on a clean exit it takes its place, on any error it is removed.

    The temporary file is called ``.NAME.<random>.imfuse-part``; a killed process may leave it, never a half file
    under the final name, and :func:`imfuse.io.parts.remove_dead_parts` removes what is left. A symbolic link at
    ``path`` is followed: the file that it points to is replaced.

    Args:
        path: where the file is to appear; its folder must exist.
        overwrite: whether a file that is already there is replaced.

    Yields:
        The path of the empty temporary file, to be written and closed by the body.

    Raises:
        OutputError: the path cannot be written; the message names it, the cause and what to do.
    """
    target = Path(path)
    check_output(target, overwrite)
    try:
        if target.is_symlink():
            target = Path(os.path.realpath(target))
            check_output(target, overwrite)
        if len(os.fsencode(target.name)) > NAME_LIMIT:
            raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
        with part_file(target.parent, target.name) as part:
            yield part
            _sync(part)
            _publish(part, target, overwrite)
            with contextlib.suppress(OSError):  # not every file system lets a folder be synchronised
                _sync(target.parent, folder=True)
    except OutputError:
        raise
    except OSError as error:
        raise output_error(target, error) from error

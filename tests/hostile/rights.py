"""Places where the operating system says no: rights, space, file systems that are read-only."""

from __future__ import annotations

import ctypes
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hostile.damage import Rng, pick
from hostile.scenes import Scene, two_files

NOBODY = 65534


@contextmanager
def as_nobody() -> Iterator[bool]:
    """The rights of a user without any, where this process may give up its own; whether they bind."""
    if os.geteuid() != 0:
        yield True
        return
    os.setegid(NOBODY)
    os.seteuid(NOBODY)
    try:
        yield True
    finally:
        os.seteuid(0)
        os.setegid(0)


def no_permission(rng: Rng, folder: Path) -> Iterator[Scene]:
    """A source that may not be read, or a folder that may not be written to or entered."""
    first, second = two_files(rng, folder)
    closed = folder / "closed"
    closed.mkdir()
    (closed / "in.png").write_bytes(first.read_bytes())
    scenes = {
        "source": Scene(closed / "in.png", second, folder / "open" / "out.png", False),
        "output": Scene(first, second, closed / "out.png", False),
    }
    which, mode = pick(rng, (("source", 0), ("source", 0o600), ("output", 0o555), ("output", 0o444), ("output", 0)))
    (folder / "open").mkdir(mode=0o777)
    (folder / "open").chmod(0o777)
    (closed / "in.png").chmod(0 if mode == 0o600 else 0o644)
    closed.chmod(0o755 if mode == 0o600 else mode)
    try:
        with as_nobody():
            yield scenes[which]
    finally:
        closed.chmod(0o755)


def _mount(target: Path, kilobytes: int, flags: int = 0) -> bool:
    libc = ctypes.CDLL(None, use_errno=True)
    options = f"size={kilobytes}k".encode()
    return libc.mount(b"tmpfs", os.fsencode(target), b"tmpfs", flags, options) == 0


def no_space(rng: Rng, folder: Path) -> Iterator[Scene]:
    """A full file system; where none can be mounted, a limit on the size of files."""
    first, second = two_files(rng, folder)
    full = folder / "full"
    full.mkdir()
    output = full / f"out.{pick(rng, ('png', 'tif', 'jpg', 'webp', 'bmp'))}"
    if os.geteuid() == 0 and _mount(full, 4):
        # One page is all there is, and it is taken.
        (full / "taken").write_bytes(bytes(4096))
        try:
            yield Scene(first, second, output, False)
        finally:
            ctypes.CDLL(None).umount2(os.fsencode(full), 2)
        return
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        yield Scene(first, second, output, False)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def read_only_file_system(rng: Rng, folder: Path) -> Iterator[Scene]:
    first, second = two_files(rng, folder)
    fixed = folder / "fixed"
    fixed.mkdir()
    mounted = os.geteuid() == 0 and _mount(fixed, 4, flags=1)
    try:
        yield Scene(first, second, fixed / "out.png", not mounted)
    finally:
        if mounted:
            ctypes.CDLL(None).umount2(os.fsencode(fixed), 2)

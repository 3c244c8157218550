"""Names and places in a file system that programs stumble over; every scene says how it must end."""

from __future__ import annotations

import ctypes
import os
import resource
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hostile.damage import Rng, below, garbage, pick
from hostile.seeds import Seed, seeds

NOBODY = 65534


@dataclass(frozen=True)
class Scene:
    """Two sources, an output, and whether they must be fused (True), refused (False) or either (None)."""

    first: Path
    second: Path
    output: Path
    fused: bool | None


Place = Callable[[Rng, Path], Iterator[Scene]]


def _seed(rng: Rng, kind: str) -> Seed:
    """A valid file with gray or RGB pixels of the usual size."""
    fit = [s for s in seeds()[kind] if s.pixels is not None and s.orientation == 1 and s.pixels.shape[2] < 5]
    return pick(rng, fit)


def _files(rng: Rng, folder: Path, first: str = "first.png", second: str = "second.png") -> tuple[Path, Path]:
    """Two valid pictures under the given names, of any format, whatever the names say."""
    paths = folder / first, folder / second
    for path in paths:
        path.write_bytes(_seed(rng, pick(rng, ("PNG", "TIFF", "WebP", "BMP"))).data)
    return paths


NAMES = (
    "with space.png",
    " leading and trailing .png",
    "line\nbreak.png",
    "tab\tbell\x07escape\x1b[31m.png",
    "-o.png",
    "--help.png",
    "日本語 Ωmega é é.png",
    "🔥🌙.png",
    "\u202eright-to-left.png",
    "a" * 251 + ".png",
    "é" * 125 + ".png",
    "%s%n{0}$(touch x)`;&|.png",
    "[bold]markup[red].png",
    "'quote\"s'.png",
    "..png",
    "...",
    ".hidden.png",
    "no ending",
    "back\\slash.png",
    "*?.png",
    "con.PNG",
    os.fsdecode(b"not \xff\xfe unicode.png"),
)


def strange_source_name(rng: Rng, folder: Path) -> Iterator[Scene]:
    first, second = _files(rng, folder, pick(rng, NAMES))
    pair = (first, second) if rng.random() < 0.5 else (second, first)
    yield Scene(*pair, folder / "out.png", True)


def strange_output_name(rng: Rng, folder: Path) -> Iterator[Scene]:
    name = pick(rng, [name for name in NAMES if name.lower().endswith(".png") and name != "..png"])
    yield Scene(*_files(rng, folder), folder / name, True)


def default_output_name(rng: Rng, folder: Path) -> Iterator[Scene]:
    """Random names, as they come; the result must not depend on them."""
    letters = "ab é\n\u2028\x1b漢-_.~#'\"\\"
    name = "".join(pick(rng, letters) for _ in range(1 + below(rng, 60))).strip(".") or "x"
    yield Scene(*_files(rng, folder, f"x{name}.png", f"y{name}.tif"), folder / f"z{name}.tif", True)


def too_long_name(rng: Rng, folder: Path) -> Iterator[Scene]:
    first, second = _files(rng, folder)
    long = folder / (pick(rng, ("x", "é", "🔥")) * 300 + ".png")
    yield pick(rng, (Scene(long, second, folder / "out.png", False), Scene(first, second, long, False)))


def too_long_path(rng: Rng, folder: Path) -> Iterator[Scene]:
    first, second = _files(rng, folder)
    long = folder.joinpath(*["d" * 200] * 30, "a.png")
    yield pick(rng, (Scene(long, second, folder / "out.png", False), Scene(first, second, long, False)))


def folder_named_like_a_file(rng: Rng, folder: Path) -> Iterator[Scene]:
    first, second = _files(rng, folder)
    (folder / "folder.png").mkdir()
    source = Scene(folder / "folder.png", second, folder / "out.png", False)
    within = Scene(first, second, first / "out.png", False)
    yield pick(rng, (source, within, Scene(first / "a.png", second, folder / "out.png", False)))


def link_as_source(rng: Rng, folder: Path) -> Iterator[Scene]:
    _, second = _files(rng, folder)
    link, target = (
        folder / "link.png",
        pick(rng, ("first.png", "second.png", "nowhere.png", "link.png", "other.png", ".")),
    )
    link.symlink_to(target)
    (folder / "other.png").symlink_to("link.png")
    yield Scene(link, second, folder / "out.png", target == "first.png")


def link_as_output(rng: Rng, folder: Path) -> Iterator[Scene]:
    """A link to a new place is followed; one that leads to a source, a circle or a device is not."""
    first, second = _files(rng, folder)
    targets = {"first.png": False, "link.png": False, "/dev/full": False, "none/x.png": False, "new.png": None}
    target = pick(rng, tuple(targets))
    (folder / "link.png").symlink_to(target)
    yield Scene(first, second, folder / "link.png", targets[target])


def hard_link_as_output(rng: Rng, folder: Path) -> Iterator[Scene]:
    first, second = _files(rng, folder)
    os.link(first, folder / "out.png")
    yield Scene(first, second, folder / "out.png", False)


def one_picture_twice(rng: Rng, folder: Path) -> Iterator[Scene]:
    first, _ = _files(rng, folder)
    (folder / "link.png").symlink_to(first)
    yield Scene(first, pick(rng, (first, folder / "link.png", folder / "." / "first.png")), folder / "out.png", False)


def special_file(rng: Rng, folder: Path) -> Iterator[Scene]:
    """A FIFO, a socket or a device, as source or as output."""
    first, second = _files(rng, folder)
    path, end = folder / "special.png", None
    kind = pick(rng, ("fifo", "socket", "/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/stdin"))
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "socket":
        end = socket.socket(socket.AF_UNIX)
        here = os.open(folder, os.O_RDONLY)
        end.bind(f"/proc/self/fd/{here}/special.png")
        os.close(here)
    else:
        path = Path(kind) if rng.random() < 0.5 else path
        if not path.exists():
            path.symlink_to(kind)
    yield pick(rng, (Scene(path, second, folder / "out.png", False), Scene(first, second, path, False)))
    if end is not None:
        end.close()


def empty_or_tiny(rng: Rng, folder: Path) -> Iterator[Scene]:
    _, second = _files(rng, folder)
    (folder / "tiny.png").write_bytes(
        pick(rng, (b"", b"\0", b"BM", b"\x89PNG\r\n\x1a\n", b"II*\0", b"\xff\xd8\xff", b"GIF89a"))
    )
    yield Scene(folder / "tiny.png", second, folder / "out.png", False)


def missing(rng: Rng, folder: Path) -> Iterator[Scene]:
    first, second = _files(rng, folder)
    nowhere = folder / "none" / "a.png"
    yield pick(rng, (Scene(nowhere, second, folder / "out.png", False), Scene(first, second, nowhere, False)))


def other_file(rng: Rng, folder: Path) -> Iterator[Scene]:
    """A text, an archive, a program."""
    _, second = _files(rng, folder)
    heads = (
        b"PK\3\4",
        b"\x7fELF",
        b"%PDF-1.7\n",
        b"<svg>",
        b"\x1f\x8b",
        b"RIFF\xff\xff\xff\xffWEBP",
        b"8BPS",
        b"\0\0\1\0",
    )
    (folder / "other.png").write_bytes(pick(rng, heads) + garbage(rng, 3000))
    yield Scene(folder / "other.png", second, folder / "out.png", False)


def unknown_output_ending(rng: Rng, folder: Path) -> Iterator[Scene]:
    name = "out" + pick(rng, ("", ".", ".gif", ".jp2", ".png ", ".pn\ng", ".🔥", ".png/"))
    output = folder / name if not name.endswith("/") else folder / "missing" / name
    yield Scene(*_files(rng, folder), output, False)


def existing_output(rng: Rng, folder: Path) -> Iterator[Scene]:
    first, second = _files(rng, folder)
    (folder / "out.png").write_bytes(b"precious")
    yield Scene(first, second, folder / "out.png", False)


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
    first, second = _files(rng, folder)
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
    first, second = _files(rng, folder)
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
    first, second = _files(rng, folder)
    fixed = folder / "fixed"
    fixed.mkdir()
    mounted = os.geteuid() == 0 and _mount(fixed, 4, flags=1)
    try:
        yield Scene(first, second, fixed / "out.png", not mounted)
    finally:
        if mounted:
            ctypes.CDLL(None).umount2(os.fsencode(fixed), 2)


PLACES: tuple[Place, ...] = (
    strange_source_name,
    strange_source_name,
    strange_output_name,
    default_output_name,
    too_long_name,
    too_long_path,
    folder_named_like_a_file,
    link_as_source,
    link_as_output,
    hard_link_as_output,
    one_picture_twice,
    special_file,
    special_file,
    empty_or_tiny,
    missing,
    other_file,
    unknown_output_ending,
    existing_output,
    no_permission,
    no_permission,
    no_space,
    no_space,
    read_only_file_system,
)

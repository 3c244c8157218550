"""Names and places in a file system that programs stumble over; every scene says how it must end."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

from hostile.damage import Rng, below, garbage, pick
from hostile.rights import no_permission, no_space, read_only_file_system
from hostile.scenes import Place, Scene, two_files

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
    first, second = two_files(rng, folder, pick(rng, NAMES))
    pair = (first, second) if rng.random() < 0.5 else (second, first)
    yield Scene(*pair, folder / "out.png", True)


def strange_output_name(rng: Rng, folder: Path) -> Iterator[Scene]:
    name = pick(rng, [name for name in NAMES if name.lower().endswith(".png") and name != "..png"])
    yield Scene(*two_files(rng, folder), folder / name, True)


def default_output_name(rng: Rng, folder: Path) -> Iterator[Scene]:
    """Random names, as they come; the result must not depend on them."""
    letters = "ab é\n\u2028\x1b漢-_.~#'\"\\"
    name = "".join(pick(rng, letters) for _ in range(1 + below(rng, 60))).strip(".") or "x"
    yield Scene(*two_files(rng, folder, f"x{name}.png", f"y{name}.tif"), folder / f"z{name}.tif", True)


def too_long_name(rng: Rng, folder: Path) -> Iterator[Scene]:
    first, second = two_files(rng, folder)
    long = folder / (pick(rng, ("x", "é", "🔥")) * 300 + ".png")
    yield pick(rng, (Scene(long, second, folder / "out.png", False), Scene(first, second, long, False)))


def too_long_path(rng: Rng, folder: Path) -> Iterator[Scene]:
    first, second = two_files(rng, folder)
    long = folder.joinpath(*["d" * 200] * 30, "a.png")
    yield pick(rng, (Scene(long, second, folder / "out.png", False), Scene(first, second, long, False)))


def folder_named_like_a_file(rng: Rng, folder: Path) -> Iterator[Scene]:
    first, second = two_files(rng, folder)
    (folder / "folder.png").mkdir()
    source = Scene(folder / "folder.png", second, folder / "out.png", False)
    within = Scene(first, second, first / "out.png", False)
    yield pick(rng, (source, within, Scene(first / "a.png", second, folder / "out.png", False)))


def link_as_source(rng: Rng, folder: Path) -> Iterator[Scene]:
    _, second = two_files(rng, folder)
    link, target = (
        folder / "link.png",
        pick(rng, ("first.png", "second.png", "nowhere.png", "link.png", "other.png", ".")),
    )
    link.symlink_to(target)
    (folder / "other.png").symlink_to("link.png")
    yield Scene(link, second, folder / "out.png", target == "first.png")


def link_as_output(rng: Rng, folder: Path) -> Iterator[Scene]:
    """A link to a new place is followed; one that leads to a source, a circle or a device is not."""
    first, second = two_files(rng, folder)
    targets = {"first.png": False, "link.png": False, "/dev/full": False, "none/x.png": False, "new.png": None}
    target = pick(rng, tuple(targets))
    (folder / "link.png").symlink_to(target)
    yield Scene(first, second, folder / "link.png", targets[target])


def hard_link_as_output(rng: Rng, folder: Path) -> Iterator[Scene]:
    first, second = two_files(rng, folder)
    os.link(first, folder / "out.png")
    yield Scene(first, second, folder / "out.png", False)


def one_picture_twice(rng: Rng, folder: Path) -> Iterator[Scene]:
    first, _ = two_files(rng, folder)
    (folder / "link.png").symlink_to(first)
    yield Scene(first, pick(rng, (first, folder / "link.png", folder / "." / "first.png")), folder / "out.png", False)


def special_file(rng: Rng, folder: Path) -> Iterator[Scene]:
    """A FIFO, a socket or a device, as source or as output."""
    first, second = two_files(rng, folder)
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
    _, second = two_files(rng, folder)
    (folder / "tiny.png").write_bytes(
        pick(rng, (b"", b"\0", b"BM", b"\x89PNG\r\n\x1a\n", b"II*\0", b"\xff\xd8\xff", b"GIF89a"))
    )
    yield Scene(folder / "tiny.png", second, folder / "out.png", False)


def missing(rng: Rng, folder: Path) -> Iterator[Scene]:
    first, second = two_files(rng, folder)
    nowhere = folder / "none" / "a.png"
    yield pick(rng, (Scene(nowhere, second, folder / "out.png", False), Scene(first, second, nowhere, False)))


def other_file(rng: Rng, folder: Path) -> Iterator[Scene]:
    """A text, an archive, a program."""
    _, second = two_files(rng, folder)
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
    yield Scene(*two_files(rng, folder), output, False)


def existing_output(rng: Rng, folder: Path) -> Iterator[Scene]:
    first, second = two_files(rng, folder)
    (folder / "out.png").write_bytes(b"precious")
    yield Scene(first, second, folder / "out.png", False)


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

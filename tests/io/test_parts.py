"""Part files of dead runs go, those of living ones and everything else stay."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from imfuse.errors import OutputError
from imfuse.io import parts
from imfuse.io.atomic import atomic_path
from imfuse.io.parts import PART_SUFFIX, remove_dead_parts

needs_locks = pytest.mark.skipif(parts.fcntl is None, reason="no locks of POSIX")

WRITER = """
import sys, time
from imfuse.io.atomic import atomic_path
with atomic_path(sys.argv[1]) as part:
    part.write_bytes(b"half")
    print(part.name, flush=True)
    time.sleep(60)
"""


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@needs_locks
@pytest.mark.parametrize("name", ["n" * 251 + ".png", "caf\udce9\n.png"])
def test_the_part_file_of_a_killed_writer_goes_and_not_before(tmp_path: Path, name: str) -> None:
    command = [sys.executable, "-c", WRITER, os.fsencode(tmp_path / name)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None and writer.stdout.readline()
        left = names(tmp_path)
        assert len(left) == 1 and left[0].endswith(PART_SUFFIX)
        assert remove_dead_parts(tmp_path) == 0
        assert remove_dead_parts(tmp_path, name) == 0
        assert names(tmp_path) == left
        writer.send_signal(signal.SIGKILL)
    assert names(tmp_path) == left
    assert remove_dead_parts(tmp_path, "another.png") == 0
    assert remove_dead_parts(tmp_path, name) == 1
    assert names(tmp_path) == []


@needs_locks
def test_a_writer_is_not_disturbed_in_any_of_its_steps(tmp_path: Path) -> None:
    with atomic_path(tmp_path / "a.png") as part:
        assert remove_dead_parts(tmp_path) == 0
        part.write_bytes(b"whole")  # opened anew, as the writers of pictures do
        assert remove_dead_parts(tmp_path) == 0
    assert remove_dead_parts(tmp_path) == 0
    assert (tmp_path / "a.png").read_bytes() == b"whole"


def test_only_part_files_of_imfuse_go(tmp_path: Path) -> None:
    kept = [
        "a.png",
        "a.png.0123abcd" + PART_SUFFIX,  # not hidden
        ".a.png" + PART_SUFFIX,  # without the random part
        ".a.png.0123ABCD" + PART_SUFFIX,
        ".a.png.0123abcd.part",
    ]
    for name in kept:
        (tmp_path / name).write_text("precious")
    (tmp_path / f".folder.0123abcd{PART_SUFFIX}").mkdir()
    (tmp_path / f".link.0123abcd{PART_SUFFIX}").symlink_to("a.png")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / f".fifo.0123abcd{PART_SUFFIX}")
    before = names(tmp_path)
    assert remove_dead_parts(tmp_path) == 0
    assert names(tmp_path) == before
    assert all((tmp_path / name).read_text() == "precious" for name in kept)


@needs_locks
def test_a_target_owns_only_its_part_files(tmp_path: Path) -> None:
    for name in (".a.png.01234567", ".a.png.b.png.01234567", ".aa.png.01234567"):
        (tmp_path / (name + PART_SUFFIX)).touch()
    assert remove_dead_parts(tmp_path, "a.png") == 1
    assert not (tmp_path / f".a.png.01234567{PART_SUFFIX}").exists()
    assert remove_dead_parts(tmp_path) == 2


def test_a_folder_that_is_not_there_has_none(tmp_path: Path) -> None:
    assert remove_dead_parts(tmp_path / "nowhere") == 0


@needs_locks
def test_a_file_lost_before_it_is_locked_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert parts.fcntl is not None
    lock, lost = parts.fcntl.flock, list[str]()

    def too_late(descriptor: int, how: int) -> None:
        if not lost:
            lost.extend(names(tmp_path))
            (tmp_path / lost[0]).unlink()
        lock(descriptor, how)

    monkeypatch.setattr(parts.fcntl, "flock", too_late)
    with atomic_path(tmp_path / "a.png") as part:
        assert names(tmp_path) == [part.name] != lost
        assert remove_dead_parts(tmp_path) == 0
        part.write_bytes(b"whole")
    assert names(tmp_path) == ["a.png"]


@needs_locks
def test_a_part_file_taken_away_is_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="removed while it was written"), atomic_path(tmp_path / "a.png") as part:
        part.unlink()
    assert names(tmp_path) == []


def test_without_locks_nothing_is_removed_and_files_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "fcntl", None)
    left = tmp_path / f".a.png.01234567{PART_SUFFIX}"
    left.touch()
    assert remove_dead_parts(tmp_path) == 0
    with atomic_path(tmp_path / "a.png") as part:
        part.write_bytes(b"whole")
    assert names(tmp_path) == [left.name, "a.png"]

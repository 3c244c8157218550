"""Files appear whole or not at all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from imfuse.errors import OutputError
from imfuse.io.atomic import atomic_path
from imfuse.io.parts import PART_SUFFIX


def test_appears_at_the_end_only(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    with atomic_path(target) as part:
        assert part.parent == tmp_path and part.name.startswith(".a.txt.") and part.name.endswith(PART_SUFFIX)
        part.write_text("whole")
        assert not target.exists()
    assert target.read_text() == "whole"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, OutputError, OSError])
def test_error_leaves_nothing(tmp_path: Path, error: type[BaseException]) -> None:
    with pytest.raises(OutputError if error is OSError else error), atomic_path(tmp_path / "a.txt") as part:
        part.write_text("half")
        raise error("stop")
    assert list(tmp_path.iterdir()) == []


def test_file_that_appeared_meanwhile_is_kept(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    with pytest.raises(OutputError, match="appeared"), atomic_path(target) as part:
        part.write_text("new")
        target.write_text("theirs")
    assert target.read_text() == "theirs"
    assert len(list(tmp_path.iterdir())) == 1


def test_overwrite(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    advice = r"exists already; choose another name, or allow overwriting \(--overwrite\)$"
    with pytest.raises(OutputError, match=advice), atomic_path(target):
        pass
    assert target.read_text() == "old"
    with atomic_path(target, overwrite=True) as part:
        part.write_text("new")
    assert target.read_text() == "new"


@pytest.mark.parametrize("overwrite", [False, True])
def test_links_in_a_circle(tmp_path: Path, overwrite: bool) -> None:
    (tmp_path / "a.png").symlink_to("a.png")
    (tmp_path / "folder").symlink_to("folder", target_is_directory=True)
    for target in (tmp_path / "a.png", tmp_path / "folder" / "a.png"):
        with pytest.raises(OutputError, match="circle"), atomic_path(target, overwrite):
            pass
    assert (tmp_path / "a.png").is_symlink()


def test_no_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError("no links here")

    monkeypatch.setattr(os, "link", refuse)
    with atomic_path(tmp_path / "a.txt") as part:
        part.write_text("whole")
    assert (tmp_path / "a.txt").read_text() == "whole"


def test_killed_process_leaves_no_file_under_the_final_name(tmp_path: Path) -> None:
    code = (
        "import sys, os, time, numpy as np\n"
        "from imfuse.io import save_image\n"
        "import imfuse.io.save as save\n"
        "real = save._encode\n"
        "def slow(path, *args, **kwargs):\n"
        "    real(path, *args, **kwargs)\n"
        "    print('written', flush=True)\n"
        "    time.sleep(60)\n"
        "save._encode = slow\n"
        "save_image(sys.argv[1], np.zeros((50, 50), np.uint8))\n"
    )
    target = tmp_path / "a.png"
    with subprocess.Popen([sys.executable, "-c", code, str(target)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdout.readline() == b"written\n"
        process.send_signal(signal.SIGKILL)
    assert not target.exists()
    assert all(p.name.endswith(PART_SUFFIX) for p in tmp_path.iterdir())

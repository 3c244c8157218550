"""``imfuse fuse --align`` and ``--motion``: what is asked, told, refused and remembered."""

import json
from pathlib import Path

import numpy as np
import pytest

from imfuse.io import save_image
from registration_makers import motion, moved_stack
from test_cli_tasks import Run, fused, pixels, run, write

__all__ = ["run"]  # the fixture

SHIFTED = [np.eye(3), motion(4.2, -3.1), motion(8.1, -6.4)]


def write_stack(folder: Path) -> Path:
    folder.mkdir()
    for index, picture in enumerate(moved_stack("focus", SHIFTED)):
        save_image(folder / f"{index}.png", picture)
    return folder


def test_a_shifted_stack_is_told_and_aligned_when_asked(run: Run, tmp_path: Path) -> None:
    folder = write_stack(tmp_path / "stack")
    status, told = run("fuse", folder, "--task", "focus", "-o", "plain.png")
    assert (status, "try --align" in told) == (0, True)
    status, told = run("fuse", folder, "--task", "focus", "-o", "out.png", "--align", "--report", "run.json")
    assert status == 0
    assert told.count("aligned to") == 2
    assert "cropped from 239×181" in told
    entry = json.loads(Path("run.json").read_text())
    assert entry["settings"]["options"]["align"] is True
    aligned = entry["entries"][0]["report"]["alignment"]
    assert (aligned["motion"], aligned["reference"].endswith("1.png")) == ("similarity", True)
    shifts = [(picture["right"], picture["down"]) for picture in aligned["pictures"]]
    np.testing.assert_allclose(shifts, [(-4.2, 3.1), (0, 0), (3.9, -3.3)], atol=0.3)
    assert pixels("out.png").shape == (aligned["height"], aligned["width"], 3)


def test_a_motion_asks_for_alignment(run: Run, tmp_path: Path) -> None:
    folder = write_stack(tmp_path / "stack")
    status, told = run("fuse", folder, "--task", "focus", "-o", "out.png", "--motion", "translation")
    assert (status, "by translation" in told) == (0, True)


def test_alignment_is_off_by_default_and_null_in_the_settings(run: Run, tmp_path: Path) -> None:
    folder = write_stack(tmp_path / "stack")
    assert run("fuse", folder, "--task", "focus", "-o", "out.png", "--report", "run.json")[0] == 0
    np.testing.assert_array_equal(pixels("out.png"), fused("focus", *sorted(folder.iterdir())))
    assert json.loads(Path("run.json").read_text())["settings"]["options"]["align"] is None


@pytest.mark.parametrize("arguments", [("--align", "--task", "medical"), ("--motion", "bend", "--task", "focus")])
def test_what_there_is_not_is_refused_before_anything_is_read(run: Run, arguments: tuple[str, ...]) -> None:
    first, second = write("a.png", 1), write("b.png", 2)
    status, told = run("fuse", first, second, "-o", "out.png", *arguments)
    assert status == 2
    assert "cannot align" in told or "unknown motion" in told
    assert not Path("out.png").exists()


def test_stacks_of_a_folder_run_are_aligned_each(run: Run, tmp_path: Path) -> None:
    (tmp_path / "stacks").mkdir()
    for name in ("one", "two"):
        write_stack(tmp_path / "stacks" / name)
    status, _ = run("fuse", "stacks", "--task", "focus", "-o", "out", "--align", "--report", "run.json")
    assert status == 0
    entries = json.loads(Path("run.json").read_text())["entries"]
    assert [entry["report"]["alignment"]["pictures"][0]["state"] for entry in entries] == ["moved", "moved"]

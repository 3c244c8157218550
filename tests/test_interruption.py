"""Ctrl-C: the picture in work is finished, everything is counted, and the same command goes on."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from fork_server import ForkServer, parts
from imfuse.batch import Job, Outcome
from imfuse.cli import app
from imfuse.commands.summary import tell_interruption
from imfuse.interruption import Interruption
from imfuse.io import save_image
from killed_runs import make_pairs
from test_pool import until
from test_run_report import read

needs_posix = pytest.mark.skipif(not hasattr(os, "killpg"), reason="signals of POSIX")


@contextmanager
def started(*arguments: object) -> Iterator[subprocess.Popen[str]]:
    """``imfuse fuse`` in a session of its own, as a terminal's foreground job is one; killed at the end if need be."""
    command = [sys.executable, "-m", "imfuse", "fuse", *map(str, arguments)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=10)
        assert process.stderr is not None
        process.stderr.close()


def finished(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("[!.]*")}


@needs_posix
@pytest.mark.parametrize("jobs", [1, 2])
def test_ctrl_c_counts_what_is_made_and_the_same_command_goes_on(tmp_path: Path, jobs: int) -> None:
    count = 40
    sources = make_pairs(tmp_path, count)
    output, report = tmp_path / "fused", tmp_path / "run.json"
    with started(*sources, "-o", output, "--report", report, "--jobs", jobs) as process:
        assert until(lambda: len(finished(output)) >= 2, 60)
        os.killpg(process.pid, signal.SIGINT)
        _, told = process.communicate(timeout=60)
    made = finished(output)
    assert process.returncode == 130
    assert "stopping after the pictures in work; interrupt again to stop at once\n" in told
    assert f"{output}: interrupted, {len(made)} of {count} pictures are made; the same command goes on" in told
    assert "Traceback" not in told
    assert parts(output) == set()
    entries = read(report)
    assert entries["interrupted"] is True
    assert entries["finished"]
    fused = [entry for entry in entries["entries"] if entry["status"] == "fused"]
    assert {Path(entry["output"]).name for entry in fused} == made.keys()
    assert all(entry["report"] for entry in fused)  # none was cut off or went uncounted
    assert 2 <= len(fused) < count
    assert entries["counts"]["not_reached"] == count - len(fused)
    with ForkServer() as server:
        assert server.run("fuse", *sources, "-o", output, "--report", report).status == 0
        assert server.run("fuse", *sources, "-o", tmp_path / "reference").status == 0
    assert finished(output) == finished(tmp_path / "reference")
    assert read(report)["counts"]["skipped"] == len(made)
    assert read(report)["interrupted"] is False


SLOW = ("--model", "auif")
"""With this model one of the large pictures takes far longer than the signals do."""


def large_pair(folder: Path) -> tuple[Path, Path]:
    rows = np.linspace(0, 255, 5000).astype(np.uint8)
    for name in ("ir", "vis"):
        (folder / name).mkdir()
        for stem in "ab":
            save_image(folder / name / f"{stem}.png", np.tile(rows, (5000, 1)))
    return folder / "ir", folder / "vis"


@needs_posix
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_second_ctrl_c_stops_at_once_and_leaves_nothing_half(tmp_path: Path, jobs: int) -> None:
    sources = large_pair(tmp_path)
    output, report = tmp_path / "fused", tmp_path / "run.json"
    with started(*sources, "-o", output, "--report", report, "--jobs", jobs, "-q", *SLOW) as process:
        assert process.stderr is not None
        assert until(report.exists, 60)
        os.killpg(process.pid, signal.SIGINT)
        assert "stopping" in process.stderr.readline() + process.stderr.readline()
        os.killpg(process.pid, signal.SIGINT)
        _, told = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in told
    assert f"{output}: interrupted, 0 of 2 pictures are made" in told
    assert list(output.iterdir()) == []
    assert read(report)["counts"]["not_reached"] == 2
    assert read(report)["interrupted"] is True


@needs_posix
def test_ctrl_c_ends_a_single_picture_at_once_and_is_reported(tmp_path: Path) -> None:
    first, second = large_pair(tmp_path)
    output, report = tmp_path / "fused.png", tmp_path / "run.json"
    with started(first / "a.png", second / "a.png", "-o", output, "--report", report, *SLOW) as process:
        assert until(report.exists, 60)
        os.killpg(process.pid, signal.SIGINT)
        _, told = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "imfuse: interrupted" in told
    assert not output.exists()
    assert [entry["status"] for entry in read(report)["entries"]] == ["not-reached"]
    assert read(report)["interrupted"] is True
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ir", "run.json", "vis"]


def test_the_way_on_is_honest_with_overwrite(capsys: pytest.CaptureFixture[str]) -> None:
    jobs = [Job((Path(f"{name}.png"),), Path(f"out/{name}.png")) for name in "abc"]
    outcomes = [Outcome(jobs[0], "fused"), Outcome(jobs[1], "failed", "b.png: bad", "SourceError")]
    tell_interruption(outcomes, 3, Path("out"), overwrite=True)
    words = "out: interrupted, 1 of 3 pictures are made; the same command with --overwrite makes all of them again\n"
    assert capsys.readouterr().err == words


def test_the_first_interruption_is_noted_and_the_second_raised() -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), Interruption() as interruption:
        assert not interruption()
        signal.raise_signal(signal.SIGINT)
        assert interruption()
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_an_ignored_interruption_stays_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with Interruption() as interruption:
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
            signal.raise_signal(signal.SIGINT)
            assert not interruption()
    finally:
        signal.signal(signal.SIGINT, before)


def test_once_the_work_is_over_no_interruption_cuts_the_account_off() -> None:
    with Interruption() as interruption:
        interruption.ending = True
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        assert not interruption()


def test_a_second_ctrl_c_before_the_first_picture_is_told_like_any_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = large_pair(tmp_path)
    output, report = tmp_path / "fused", tmp_path / "run.json"
    calls = []

    def interrupted_twice(*_: object) -> None:
        calls.append(1)
        if len(calls) == 1:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr("imfuse.commands.fuse.remove_dead_parts", interrupted_twice)
    arguments = ["fuse", str(first), str(second), "-o", str(output), "--report", str(report), "-q"]
    assert CliRunner().invoke(app, arguments).exit_code == 130
    assert read(report)["interrupted"] is True
    assert read(report)["counts"]["not_reached"] == 2


@needs_posix
@pytest.mark.parametrize("again", ["cli._complain", "os._exit"])
def test_ctrl_c_while_the_program_ends_after_the_first_one_changes_nothing(again: str) -> None:
    """While it is told, and at the last moment."""
    code = (
        "import os, signal, sys, imfuse.cli as cli\n"
        "end = os._exit\n"
        "def interrupted(*given, **_):\n"
        "    signal.raise_signal(signal.SIGINT)\n"
        "    given and isinstance(given[0], int) and end(given[0])\n"
        f"cli.app = {again} = interrupted\n"
        "cli.main()\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 130
    assert "Traceback" not in ended.stderr

"""A run that is killed at any moment loses no finished picture, leaves no half one, and goes on when it is repeated."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fork_server import ForkServer, parts
from killed_runs import KilledRuns, make_pairs
from test_pool import alive, until

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="forks and kills as POSIX has them")

KILLS, AIMED = 50, 15  # anywhere, and in the writing of a picture


def test_kills_at_random_moments_lose_nothing_and_leave_nothing_half(tmp_path: Path) -> None:
    chance = random.Random(0)
    sources = make_pairs(tmp_path / "pairs", 10)
    with ForkServer() as server:
        runs = KilledRuns(server, tmp_path / "runs", sources)
        runs.folder.mkdir()
        runs.begin()
        while runs.found["kills"] < KILLS and runs.rounds < KILLS:
            runs.kill_one(chance)
        for _ in range(AIMED):
            runs.kill_one(chance, aimed=True)
        runs.finish()
    assert runs.faults == {}
    assert runs.found["kills"] >= KILLS + AIMED // 2
    # The moments are spread over the whole run: they are in the work, in the writing, and before either.
    assert runs.found["at work"] >= 20
    assert runs.found["in writing"] >= 6
    assert runs.found["at work"] < runs.found["kills"]
    assert runs.found["finished"] >= 20


def workers_of(pid: int) -> set[int]:
    """The processes that a process has started."""
    found = set()
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.add(int(status.parent.name))
    return found


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_killed_runs_with_two_jobs_leave_no_worker_and_go_on(tmp_path: Path) -> None:
    chance = random.Random(1)
    sources = make_pairs(tmp_path, 30)
    output = tmp_path / "fused"
    command = [sys.executable, "-m", "imfuse", "fuse", *map(str, sources), "-o", str(output), "--jobs", "2", "-q"]
    made: dict[str, bytes] = {}
    for whole_group in (True, False, True):
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True)
        before = len(made)
        assert until(lambda: len(finished(output)) > before, 60)  # noqa: B023 - called within the loop
        time.sleep(chance.uniform(0, 0.05))
        workers = workers_of(process.pid)
        assert len(workers) >= 2
        (os.killpg if whole_group else os.kill)(process.pid, signal.SIGKILL)
        assert process.wait(timeout=10) == -signal.SIGKILL
        assert until(lambda: not any(map(alive, workers)), 10)  # noqa: B023
        assert made.items() <= finished(output).items()
        assert len(parts(output)) <= 2
        made = finished(output)
    assert 3 <= len(made) < 30
    with ForkServer() as server:
        assert server.run("fuse", *sources, "-o", output).status == 0
        assert server.run("fuse", *sources, "-o", tmp_path / "reference").status == 0
    assert finished(output) == finished(tmp_path / "reference")
    assert len(list(output.iterdir())) == 30
    assert made.items() <= finished(output).items()


def finished(folder: Path) -> dict[str, bytes]:
    """The pictures in a folder."""
    return {path.name: path.read_bytes() for path in folder.glob("[!.]*")}


def test_a_run_leaves_the_part_files_of_another_that_is_alive(tmp_path: Path) -> None:
    sources = make_pairs(tmp_path, 2)
    code = (
        "import sys, time\n"
        "from imfuse.io.atomic import atomic_path\n"
        "with atomic_path(sys.argv[1]) as part:\n"
        "    part.write_bytes(b'half'); print('open', flush=True); sys.stdin.read(); part.write_bytes(b'whole')\n"
    )
    output = tmp_path / "fused"
    output.mkdir()
    other = subprocess.Popen(
        [sys.executable, "-c", code, str(output / "9.png")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert other.stdout is not None and other.stdout.readline() == b"open\n"
    (output / ".8.png.01234567.imfuse-part").write_bytes(b"of a dead run")
    with ForkServer() as server:
        assert server.run("fuse", *sources, "-o", output).status == 0
    assert len(parts(output)) == 1
    other.communicate(timeout=20)
    assert sorted(path.name for path in output.iterdir()) == ["0.tif", "1.png", "9.png"]
    assert (output / "9.png").read_bytes() == b"whole"

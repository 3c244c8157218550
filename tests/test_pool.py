"""The worker pool: every job has one outcome, a death costs one job, and no worker outlives the program."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from imfuse.pool import Pool

needs_posix = pytest.mark.skipif(not hasattr(os, "killpg"), reason="signals of POSIX")

PROGRAM = """
import os, sys, time
from pathlib import Path
from imfuse.pool import Pool

FOLDER, SECONDS = Path(sys.argv[1]), float(sys.argv[2])

def work(job):
    (FOLDER / f"{job}.begun").write_text(str(os.getpid()))
    time.sleep(SECONDS)
    (FOLDER / f"{job}.done").touch()
    return job

def died(job):
    return -job

if __name__ == "__main__":
    for outcome in Pool(work, died, 2).run(range(1, 41)):
        print(outcome, flush=True)
"""


def work(job: tuple[str, int]) -> tuple[str, int]:
    kind, number = job
    if kind == "exits":
        os._exit(3)
    if kind == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    return kind, number**2


def died(job: tuple[str, int]) -> tuple[str, int]:
    return "died", job[1]


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended but that nobody has waited for does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return not Path("/proc/self/stat").exists()


def until(condition: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return condition()


class Program:
    """A program of its own that does 40 jobs with two workers; nothing of it is left after the block."""

    def __init__(self, folder: Path, seconds: float) -> None:
        self.folder, self.seconds = folder, seconds

    def __enter__(self) -> "Program":
        script = self.folder / "program.py"
        script.write_text(PROGRAM)
        command = [sys.executable, str(script), str(self.folder), str(self.seconds)]
        with (self.folder / "told").open("w") as told:
            self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=told, start_new_session=True)
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(timeout=10)

    def jobs(self, ending: str) -> set[str]:
        return {path.stem for path in self.folder.glob(f"*.{ending}")}

    def workers(self) -> set[int]:
        return {int(text) for path in self.folder.glob("*.begun") if (text := path.read_text())}

    def begins(self) -> None:
        assert until(lambda: len(self.workers()) == 2, 30), (self.folder / "told").read_text()


def test_every_job_has_its_outcome() -> None:
    jobs = [("squared", number) for number in range(9)]
    outcomes = list(Pool(work, died, 2).run(jobs))
    assert sorted(outcomes) == [("squared", number**2) for number in range(9)]


def test_no_jobs_have_no_outcomes() -> None:
    assert list(Pool(work, died, 2).run([])) == []


def test_a_stopped_pool_finishes_what_is_in_work_and_begins_no_more() -> None:
    outcomes: list[tuple[str, int]] = []
    jobs = [("squared", number) for number in range(40)]
    for outcome in Pool(work, died, 2, stop=lambda: bool(outcomes)).run(jobs):
        outcomes.append(outcome)
    assert 1 <= len(outcomes) == len(set(outcomes)) <= 5
    assert set(outcomes) <= {("squared", number**2) for number in range(5)}


def test_a_pool_that_is_stopped_before_does_nothing() -> None:
    assert list(Pool(work, died, 2, stop=lambda: True).run([("exits", 1)])) == []


@needs_posix
@pytest.mark.parametrize("kind", ["exits", "killed"])
def test_a_worker_that_dies_costs_its_own_job_alone(kind: str) -> None:
    jobs = [("squared", 1), (kind, 2), ("squared", 3)]
    assert sorted(Pool(work, died, 2).run(jobs)) == [("died", 2), ("squared", 1), ("squared", 9)]


@needs_posix
def test_an_interruption_finishes_the_jobs_in_work_and_ends(tmp_path: Path) -> None:
    with Program(tmp_path, 0.5) as program:
        program.begins()
        os.killpg(program.process.pid, signal.SIGINT)  # as Ctrl-C: to the workers as well
        code = program.process.wait(timeout=10)
        assert code in (-signal.SIGINT, 128 + signal.SIGINT)
        assert "KeyboardInterrupt" in (tmp_path / "told").read_text()
        assert until(lambda: not any(map(alive, program.workers())), 2)
        assert program.jobs("begun") == program.jobs("done")
        assert len(program.jobs("done")) < 15


@needs_posix
def test_a_second_interruption_ends_the_workers_at_once(tmp_path: Path) -> None:
    with Program(tmp_path, 60) as program:
        program.begins()
        program.process.send_signal(signal.SIGINT)
        assert until(lambda: "interrupt again" in (tmp_path / "told").read_text(), 10)
        assert program.process.poll() is None
        assert all(map(alive, program.workers()))
        program.process.send_signal(signal.SIGINT)
        assert program.process.wait(timeout=10) in (-signal.SIGINT, 128 + signal.SIGINT)
        assert until(lambda: not any(map(alive, program.workers())), 2)
        assert not program.jobs("done")


@needs_posix
def test_workers_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    with Program(tmp_path, 60) as program:
        program.begins()
        program.process.kill()
        program.process.wait(timeout=10)
        assert until(lambda: not any(map(alive, program.workers())), 5)
        assert not program.jobs("done")

"""The worker pool: every job has one outcome, a death costs one job, and no worker outlives the program."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Mapping
from concurrent import futures
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path

import pytest

from imfuse import batch, pool
from imfuse.batch import Job, Outcome, Settings, failure, run_jobs
from imfuse.errors import ImfuseError
from imfuse.io import check_output
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


def counted(job: Path) -> str:
    """Note that the job was begun; one that exits does so once it is told to."""
    with job.open("a") as begun:
        begun.write("+")
    if job.name.startswith("exits"):
        until((job.parent / "go").exists, 60)
        os._exit(3)
    return job.name


def counted_died(job: Path) -> str:
    return f"died: {job.name}"


def attempt(job: Job, settings: Settings) -> Outcome:
    """Make the picture, or die, as the name of its output says; in place of the fusing."""
    output = job.output
    beside, again = output.parent / "beside.png", output.with_suffix(".again")
    try:
        check_output(output, settings.overwrite)
    except ImfuseError as error:
        return failure(job, error)
    if output.stem == "exits" or (output.stem == "exits-late" and not again.exists()):
        again.touch()
        until(lambda: beside.exists() and beside.read_bytes().endswith(b"+"), 60)
        os._exit(3)
    output.write_bytes(output.read_bytes() + b"+" if output.exists() else b"+")
    if output.stem == "exits-late":
        os._exit(3)
    if output.stem == "beside" and output.read_bytes().count(b"+") == 1:
        time.sleep(60)  # until it is ended with its neighbour
    return Outcome(job, "fused")


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
@pytest.mark.parametrize("more", [0, 1], ids=["within one wait", "when one more is begun"])
def test_what_has_finished_when_a_worker_dies_is_not_done_again(
    more: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wait_for_all(
        waiting: Mapping[Future[str], Path], return_when: str
    ) -> tuple[Collection[Future[str]], Collection[Future[str]]]:
        futures.wait([future for future, job in waiting.items() if not job.name.startswith("exits")])
        (tmp_path / "go").touch()
        futures.wait(waiting)
        done = sorted(waiting, key=lambda future: future.exception() is None)  # the broken one is looked at first
        return (done[-1:] if more else done), ()

    monkeypatch.setattr(pool, "wait", wait_for_all)
    jobs = [tmp_path / name for name in ("a", "b", "exits", "c", "d")[: 4 + more]]  # two workers have four waiting
    outcomes = list(Pool(counted, counted_died, 2).run(jobs))
    assert sorted(outcomes) == ["a", "b", "c", *["d"][:more], "died: exits"]
    assert {job.name: job.read_text() for job in jobs} == {
        job.name: "++" if job.name == "exits" else "+" for job in jobs
    }


def outcomes_of(names: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch, overwrite: bool) -> dict[str, Outcome]:
    """What becomes of the named pictures and of ``first``.

    That one is made before the others, since an executor may look after its second worker only from its first result
    on, and would not see it die before.
    """
    monkeypatch.setattr(batch, "attempt", attempt)
    names = ["first", *names]
    jobs = [Job((folder / f"{name}-ir.png", folder / f"{name}-vi.png"), folder / f"{name}.png") for name in names]
    settings = Settings("ivf", "none", (), "cpu", (), overwrite)
    outcomes = list(run_jobs(jobs, settings, workers=2))
    assert len(outcomes) == len(jobs)
    return {outcome.job.output.stem: outcome for outcome in outcomes}


NOTE = "made before its worker process died; nothing more is known of it"


@needs_posix
@pytest.mark.parametrize("overwrite", [False, True])
def test_a_picture_made_when_its_neighbour_dies_is_told_as_fused(
    overwrite: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcomes = outcomes_of(["beside", "exits", "last"], tmp_path, monkeypatch, overwrite)
    assert {name: (outcome.status, outcome.kind) for name, outcome in outcomes.items()} == {
        "beside": ("fused", ""),
        "exits": ("failed", "WorkerDied"),
        "first": ("fused", ""),
        "last": ("fused", ""),
    }
    assert outcomes["beside"] == Outcome(outcomes["beside"].job, "fused", notes=(NOTE,))
    assert (tmp_path / "beside.png").read_bytes() == b"+"


@needs_posix
def test_a_picture_that_was_there_is_made_again_after_a_death_if_it_is_to_be_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "beside.png").write_bytes(b"there")
    outcomes = outcomes_of(["beside", "exits"], tmp_path, monkeypatch, overwrite=True)
    assert outcomes["beside"] == Outcome(outcomes["beside"].job, "fused")
    assert outcomes["exits"].kind == "WorkerDied"
    assert (tmp_path / "beside.png").read_bytes() == b"there++"


@needs_posix
def test_a_picture_made_alone_before_its_worker_dies_is_told_as_fused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcomes = outcomes_of(["exits-late", "beside"], tmp_path, monkeypatch, overwrite=False)
    assert {name: (outcome.status, outcome.notes) for name, outcome in outcomes.items()} == {
        "first": ("fused", ()),
        "exits-late": ("fused", (NOTE,)),
        "beside": ("fused", (NOTE,)),
    }


@needs_posix
def test_a_stopped_run_tells_what_was_made_before_a_death(tmp_path: Path) -> None:
    stopped = []

    def made(job: Path) -> str | None:
        stopped.append(job)
        return "made" if job.name == "exits-made" else None

    (tmp_path / "go").touch()
    jobs = [tmp_path / "exits", tmp_path / "exits-made"]
    assert list(Pool(counted, counted_died, 2, lambda: bool(stopped), made).run(jobs)) == ["made"]


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

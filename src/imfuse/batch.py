"""Folder runs: many pairs, one after the other or several at once, none of which stops the rest."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from imfuse.errors import ImfuseError, UsageError

if TYPE_CHECKING:
    from imfuse.fuser import Fuser

Status = Literal["fused", "skipped", "failed"]


@dataclass(frozen=True, slots=True)
class Job:
    """One picture to make.

    Attributes:
        sources: paths in the task's order.
        output: where the result goes.
    """

    sources: tuple[Path, ...]
    output: Path


@dataclass(frozen=True, slots=True)
class Settings:
    """How the pictures of a run are fused; picklable, since worker processes get it.

    Attributes:
        task: task name.
        model: model name or path of weights.
        rule: fusion rule or None.
        device: where to compute.
        options: keyword arguments of :meth:`imfuse.fuser.Fuser.fuse`.
        overwrite: replace outputs that exist.
        quality: of JPEG.
    """

    task: str
    model: str
    rule: str | None
    device: str
    options: tuple[tuple[str, Any], ...]
    overwrite: bool
    quality: int = 95


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a job.

    Attributes:
        job: the job.
        status: ``fused``, ``skipped`` (the output was there) or ``failed``.
        message: the reason of a failure.
        notes: what the report and the file format have to say of the picture.
        report: the report as plain values, for a picture that was fused.
    """

    job: Job
    status: Status
    message: str = ""
    notes: tuple[str, ...] = ()
    report: Mapping[str, Any] | None = None


@lru_cache(maxsize=1)
def _fuser(task: str, model: str, rule: str | None, device: str) -> Fuser:
    """The fuser of a run; kept from job to job."""
    from imfuse import load

    return load(model, task=task, rule=rule, device=device)


def check_output(job: Job) -> None:
    """Refuse an output that is one of the sources, by whatever name.

    Raises:
        UsageError: it is.
    """
    for source in job.sources:
        same = job.output.exists() and source.exists() and job.output.samefile(source)
        if same or job.output.absolute() == source.absolute():
            raise UsageError(f"{job.output}: is one of the sources; choose another output")


def fuse_job(job: Job, settings: Settings, progress: Callable[[float], None] | None = None) -> Outcome:
    """Fuse one job and save the result.

    Raises:
        ImfuseError: it failed; nothing is left under the output's name that was not there before.
    """
    from imfuse.io.atomic import check_output as check_target

    check_output(job)
    check_target(job.output, settings.overwrite)
    fuser = _fuser(settings.task, settings.model, settings.rule, settings.device)
    result = fuser.fuse(job.sources, progress=progress, **dict(settings.options))
    notes = result.save(job.output, overwrite=settings.overwrite, quality=settings.quality)
    return Outcome(job, "fused", notes=(*result.report.notes, *notes), report=result.report.to_dict())


def _attempt(job: Job, settings: Settings) -> Outcome:
    """:func:`fuse_job` for a run that goes on after a failure."""
    try:
        return fuse_job(job, settings)
    except ImfuseError as error:
        return Outcome(job, "failed", str(error))
    except MemoryError:
        return Outcome(job, "failed", f"{job.sources[0]}: not enough memory; give a smaller --memory")


def _start_worker(threads: int) -> None:
    import signal

    import torch

    # Ctrl-C is for the process that the user started; it ends the workers in order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(threads)


def run_jobs(jobs: Sequence[Job], settings: Settings, workers: int = 1) -> Iterator[Outcome]:
    """Do all jobs and give their outcomes as they come; a failure does not stop the rest.

    Jobs whose output exists are skipped unless ``settings.overwrite`` is set.

    Args:
        jobs: what to do.
        settings: how.
        workers: processes; each gets its share of the processor's threads. The pictures do not depend on it.
    """
    todo = []
    for job in jobs:
        if job.output.exists() and not settings.overwrite:
            yield Outcome(job, "skipped")
        else:
            todo.append(job)
    if workers <= 1 or len(todo) <= 1:
        for job in todo:
            yield _attempt(job, settings)
        return
    yield from _run_pool(todo, settings, workers)


def _run_pool(jobs: Sequence[Job], settings: Settings, workers: int) -> Iterator[Outcome]:
    threads = max(1, (os.cpu_count() or 1) // workers)
    pool = ProcessPoolExecutor(workers, get_context("spawn"), _start_worker, (threads,))
    try:
        waiting: dict[Future[Outcome], Job] = {}
        queue = iter(jobs)
        for job in queue:
            waiting[pool.submit(_attempt, job, settings)] = job
            if len(waiting) >= 2 * workers:
                break
        while waiting:
            done, _ = wait(waiting, return_when=FIRST_COMPLETED)
            for future in done:
                yield _outcome(future, waiting.pop(future))
                following = next(queue, None)
                if following is not None:
                    waiting[pool.submit(_attempt, following, settings)] = following
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _outcome(future: Future[Outcome], job: Job) -> Outcome:
    error = future.exception()
    if error is None:
        return future.result()
    return Outcome(job, "failed", f"{job.sources[0]}: the worker process failed ({type(error).__name__}: {error})")

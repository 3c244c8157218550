"""Folder runs: many pairs, one after the other or several at once, none of which stops the rest."""

from __future__ import annotations

import logging
import stat
from collections.abc import Callable, Container, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from imfuse.errors import ImfuseError, UsageError
from imfuse.io.naming import shown
from imfuse.medical.kinds import is_medical
from imfuse.pool import Pool
from imfuse.share_files import ShareFiles, check_share_files, saved_shares

if TYPE_CHECKING:
    from imfuse.fuser import Fuser

log = logging.getLogger(__name__)

Status = Literal["fused", "skipped", "failed", "not-reached"]

OTHER_FAILURES = ("OutOfMemory", "WorkerDied", "InternalError")
"""Kinds of failures that are no exceptions of imfuse."""


@dataclass(frozen=True, slots=True)
class Job:
    """One picture to make.

    Attributes:
        sources: paths in the task's order.
        output: where the result goes.
        shares: where it goes which source won.
    """

    sources: tuple[Path, ...]
    output: Path
    shares: ShareFiles = field(default_factory=ShareFiles)


@dataclass(frozen=True, slots=True)
class Settings:
    """How the pictures of a run are fused; picklable, since worker processes get it.

    Attributes:
        task: task name.
        model: model name or path of weights.
        rules: how the model is set, as :func:`imfuse.load` takes it: ``rule``, ``base_rule``, ``detail_rule`` and
            ``fast``.
        device: where to compute.
        options: keyword arguments of :meth:`imfuse.fuser.Fuser.fuse`.
        overwrite: replace outputs that exist.
        quality: of JPEG.
    """

    task: str
    model: str
    rules: tuple[tuple[str, Any], ...]
    device: str
    options: tuple[tuple[str, Any], ...]
    overwrite: bool
    quality: int = 95


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a job.

    Attributes:
        job: the job.
        status: ``fused``, ``skipped`` (the output was there), ``failed``, or ``not-reached`` (the run was stopped).
        message: the reason of a failure.
        kind: its class, by the names of :mod:`imfuse.errors`, or one of :data:`OTHER_FAILURES`.
        notes: what the report and the file format have to say of the picture.
        report: the report as plain values, for a picture that was fused.
    """

    job: Job
    status: Status
    message: str = ""
    kind: str = ""
    notes: tuple[str, ...] = ()
    report: Mapping[str, Any] | None = None


def fuser_of(settings: Settings) -> Fuser:
    """The fuser of a run, the same one from job to job.

    Raises:
        ImfuseError: model, rule, device or an option does not serve; so a run can be refused before it begins.
    """
    fuser = _fuser(settings.task, settings.model, settings.rules, settings.device)
    fuser.check_options(**dict(settings.options))
    return fuser


@lru_cache(maxsize=1)
def _fuser(task: str, model: str, rules: tuple[tuple[str, Any], ...], device: str) -> Fuser:
    from imfuse import load

    return load(model, task=task, device=device, **dict(rules))


def check_sources(job: Job) -> None:
    """Refuse an output or a map that is one of the sources, by whatever name, and one picture given twice.

    Raises:
        UsageError: it is so.
    """
    for source in job.sources:
        for made in (job.output, *job.shares.paths):
            if _same(made, source):
                raise UsageError(f"{made}: is one of the sources; choose another output")
    for first, second in combinations(job.sources, 2):
        if _same(first, second):
            raise UsageError(f"{second}: is given twice; give a picture once")


def _same(first: Path, second: Path) -> bool:
    try:
        return first.samefile(second)
    except OSError:
        return first.absolute() == second.absolute()


def fuse_job(job: Job, settings: Settings, progress: Callable[[float], None] | None = None) -> Outcome:
    """Fuse one job and save the result.

    Raises:
        ImfuseError: it failed; nothing is left under the output's name that was not there before.
    """
    from imfuse.io import check_format, check_output

    if settings.task == "medical" and is_medical(job.sources):
        from imfuse.medical.jobs import fuse_volume_job

        return fuse_volume_job(job, settings, progress)
    check_sources(job)
    check_format(job.output)
    check_output(job.output, settings.overwrite)
    check_share_files(job.shares, settings.overwrite)
    result = fuser_of(settings).fuse(job.sources, progress=progress, **dict(settings.options))
    with saved_shares(job.shares, result.shares, job.sources, settings.overwrite):
        notes = result.save(job.output, overwrite=settings.overwrite, quality=settings.quality)
    return Outcome(job, "fused", notes=(*result.report.notes, *notes), report=result.report.to_dict())


def attempt(job: Job, settings: Settings) -> Outcome:
    """:func:`fuse_job` for a run that goes on after a failure, whatever its cause."""
    try:
        return fuse_job(job, settings)
    except Exception as error:
        return failure(job, error)


def failure(job: Job, error: Exception) -> Outcome:
    """The outcome of a job that ended with an error."""
    if isinstance(error, ImfuseError):
        return Outcome(job, "failed", str(error), type(error).__name__)
    log.debug("%s", job, exc_info=error)
    if out_of_memory(error):
        return Outcome(
            job, "failed", f"{shown(job.sources[0])}: not enough memory; give a smaller --memory", "OutOfMemory"
        )
    return Outcome(job, "failed", f"{shown(job.sources[0])}: internal error ({error!r})", "InternalError")


def out_of_memory(error: BaseException) -> bool:
    """Whether an error of Python, PyTorch or OpenCV says that memory was not enough."""
    words = str(error).lower()
    return isinstance(error, MemoryError) or "not enough memory" in words or "insufficient memory" in words


def run_jobs(
    jobs: Sequence[Job], settings: Settings, workers: int = 1, stop: Callable[[], bool] = lambda: False
) -> Generator[Outcome, None, None]:
    """Do all jobs and give their outcomes as they come; a failure does not stop the rest.

    Jobs whose picture is there are skipped unless ``settings.overwrite`` is set.

    Args:
        jobs: what to do.
        settings: how.
        workers: processes; each gets its share of the processor's threads. The pictures do not depend on it.
        stop: asked between pictures; once it says yes, no more are begun.
    """
    before, todo = set(filter(is_made, jobs)), []
    for job in jobs:
        if not settings.overwrite and job in before:
            yield Outcome(job, "skipped")
        else:
            todo.append(job)
    if workers > 1 and len(todo) > 1:
        work, made = partial(attempt, settings=settings), partial(_made_before_death, before=before)
        yield from Pool(work, _died, workers, stop, made).run(todo)
        return
    for job in todo:
        if stop():
            return
        yield attempt(job, settings)


def is_made(job: Job) -> bool:
    """Whether the picture is there. An empty file is none, nor is a folder: they are told as what is in the way."""
    try:
        found = job.output.stat()
    except OSError:
        return False
    return stat.S_ISREG(found.st_mode) and found.st_size > 0


def unheard_of(jobs: Sequence[Job], known: Container[Job], when: str) -> dict[Job, Outcome]:
    """The outcomes of pictures that are there although the run never heard of them.

    Args:
        jobs: what was to do.
        known: jobs that have an outcome, or whose picture was there before.
        when: they were made, in words.
    """
    note = f"made {when}; nothing more is known of it"
    return {job: Outcome(job, "fused", notes=(note,)) for job in jobs if job not in known and is_made(job)}


def _made_before_death(job: Job, before: Container[Job]) -> Outcome | None:
    return unheard_of([job], before, "before its worker process died").get(job)


def _died(job: Job) -> Outcome:
    words = f"{shown(job.sources[0])}: the worker process died while it fused this picture"
    return Outcome(job, "failed", words, "WorkerDied")

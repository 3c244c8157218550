"""``imfuse fuse``: one picture of two or more, or a folder of such."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from imfuse.batch import Job, Outcome, Settings, failure, fuse_job, fuser_of, is_made, run_jobs, unheard_of
from imfuse.commands.progress import bar
from imfuse.commands.summary import say, summarise, tell, tell_failures, tell_interruption
from imfuse.data.brackets import GroupBy, check_group_by
from imfuse.data.stacks import pictures_in
from imfuse.errors import SourceError, UsageError
from imfuse.interruption import INTERRUPTED, Interruption
from imfuse.io import remove_dead_parts
from imfuse.io.naming import shown
from imfuse.medical.kinds import is_medical
from imfuse.outputs import default_output, folder_jobs, grouped_jobs, make_folder, stack_jobs, stack_output
from imfuse.registry import ModelCard, find_card
from imfuse.run_report import RunReport, check_report
from imfuse.share_files import share_files
from imfuse.tasks import LEAST, Task
from imfuse.tasks import task as find_task

if TYPE_CHECKING:
    from imfuse.fuser import Fuser

_AS_STOPPED = "as the run was stopped"


@dataclass(frozen=True, slots=True)
class FuseRequest:
    """What the user asked for; see ``imfuse fuse --help``."""

    sources: tuple[Path, ...]
    output: Path | None
    task: str
    model: str | None
    rules: tuple[tuple[str, Any], ...]
    options: tuple[tuple[str, Any], ...]
    overwrite: bool
    skip_orphans: bool
    jobs: int
    quality: int
    device: str
    quiet: bool
    report: Path | None = None
    group_by: str | None = None
    save_map: bool = False
    save_weights: bool = False
    anonymise: bool = False
    guide_encoding: str | None = None

    @property
    def all_options(self) -> tuple[tuple[str, Any], ...]:
        """Those of :meth:`imfuse.fuser.Fuser.fuse`, with the shares that the maps need."""
        return (*self.options, ("shares", "weights" if self.save_weights else "winner" if self.save_map else None))


def run_fuse(request: FuseRequest) -> int:
    """Do what the request says; the exit status is 0, or 1 if pictures of a folder run failed."""
    task = find_task(request.task)
    if task.of_bands:
        from imfuse.commands.fuse_spectral import run_fuse_spectral

        return run_fuse_spectral(request, task)
    if request.guide_encoding is not None:
        raise UsageError(f"--guide-encoding is for the task spectral; task {task.name!r} takes {task.takes}")
    model = request.model or task.default_model
    card = find_card(model)
    name = card.name
    settings = Settings(
        task.name, model, request.rules, request.device, request.all_options, request.overwrite, request.quality
    )
    console = Console(stderr=True, quiet=request.quiet)
    if is_medical(request.sources):
        return _fuse_volumes(request, settings, console, task, card)
    if request.anonymise:
        raise UsageError("--anonymise: is for DICOM files, and none of the sources is one")
    _check_sources(request.sources, task)
    by = check_group_by(request.group_by, request.sources, task)
    fuser = fuser_of(settings)
    plain = plain_settings(request, fuser, card)
    job = _single_job(request, task, name) if by is None else None
    if job is not None:
        return _fuse_one(_shown(job, request, many=False), request.report, settings, console, plain)
    jobs, orphans = _folder_jobs(request, task, name, console, by)
    _check_volumes(jobs, settings)
    jobs = [_shown(job, request, many=True) for job in jobs]
    folder = jobs[0].output.parent
    if request.report:
        check_report(request.report, request.sources, folder)
    if orphans and by is None:
        say(console, f"left out for want of a partner: {len(orphans)}")
    make_folder(folder)
    folders = tuple(dict.fromkeys(source if source.is_dir() else source.parent for source in request.sources))
    report = RunReport(request.report, plain, jobs, orphans, (folders, folder)) if request.report else None
    return _fuse_many(jobs, settings, request.jobs, console, report)


def _check_volumes(jobs: Sequence[Job], settings: Settings) -> None:
    """Refuse options that no picture of the run can have, before any is fused."""
    options = dict(settings.options)
    if any(is_medical(job.sources) for job in jobs):
        from imfuse.medical.jobs import check_volume_options

        check_volume_options(settings)
        return
    for name in ("window", "colour_map"):
        if options.get(name) is not None:
            raise UsageError(
                f"--{name.replace('_', '-')}: is for DICOM and NIfTI files, and none of the sources is one"
            )


def _fuse_volumes(request: FuseRequest, settings: Settings, console: Console, task: Task, card: ModelCard) -> int:
    """Fuse DICOM or NIfTI files."""
    from imfuse.medical.jobs import fuse_volume_job, volume_job

    if request.group_by is not None or task.name != "medical":
        words = "--group-by is not" if request.group_by is not None else f"task {task.name!r} is not"
        raise UsageError(f"{words} for DICOM and NIfTI files; they are fused with --task medical")
    fuser = fuser_of(settings)
    job = volume_job(request.sources, request.output, task, card.name)
    made = partial(fuse_volume_job, anonymise=request.anonymise)
    return _fuse_one(job, request.report, settings, console, plain_settings(request, fuser, card), made)


def plain_settings(request: FuseRequest, fuser: Fuser, card: ModelCard) -> dict[str, Any]:
    """The settings of the run as its report tells them."""
    return {
        "task": fuser.task.name,
        "model": card.name,
        "weights_sha256": card.sha256 or None,
        "rule": fuser.network.rule_name,
        "fast": bool(dict(request.rules).get("fast", False)),
        "options": dict(request.all_options),
        "device": str(fuser.device),
        "jobs": request.jobs,
        "quality": request.quality,
        "overwrite": request.overwrite,
        "skip_orphans": request.skip_orphans,
        "group_by": request.group_by,
    }


def _shown(job: Job, request: FuseRequest, *, many: bool) -> Job:
    """The job with the files that show which source won, where they are wanted."""
    wanted = {"save_map": request.save_map, "weights": request.save_weights}
    return replace(job, shares=share_files(job.output, job.sources, **wanted, many=many))


def _check_sources(sources: Sequence[Path], task: Task) -> None:
    """Refuse sources that are not there, pictures beside folders, and numbers that the task does not take."""
    for source in sources:
        if not source.exists():
            raise SourceError(f"{source}: no such file or folder")
    folders = [source for source in sources if source.is_dir()]
    if len(folders) == 1 == len(sources):
        if not task.is_stack:
            words = f"task {task.name!r} takes no stack from one folder; give {task.takes}, two folders"
            raise UsageError(f"{folders[0]}: {words}")
        return
    if folders and len(folders) != len(sources):
        several = "pictures or folders" if task.is_stack else "two pictures or two folders"
        raise UsageError(f"{folders[0]} is a folder and another source is not: give {several}")
    task.roles_for(len(sources))


def _single_job(request: FuseRequest, task: Task, name: str) -> Job | None:
    """The one picture to make of single pictures, or of all pictures of one folder; None for a run of many."""
    sources = request.sources
    if not sources[0].is_dir():
        made = default_output(sources, task.detail_role, name)
    elif len(sources) > 1:
        return None
    else:
        folder, sources = sources[0], pictures_in(sources[0])
        if not sources:
            return None
        if len(sources) < LEAST:
            raise UsageError(f"{folder}: holds one picture; task {task.name!r} takes {task.takes}")
        made = stack_output(folder, sources[task.detail_role], name)
    output = request.output or made
    return Job(sources, output / made.name if _is_folder(output) else output)


def _folder_jobs(
    request: FuseRequest, task: Task, name: str, console: Console, by: GroupBy | None
) -> tuple[list[Job], tuple[Path, ...]]:
    """The jobs of several folders, of one folder of stacks, or of stacks that lie mixed; and what has no partner."""
    if by is not None:
        pictures = pictures_in(request.sources[0]) if request.sources[0].is_dir() else request.sources
        if not pictures:
            raise UsageError(f"{request.sources[0]}: holds no pictures to group")
        jobs, alone = grouped_jobs(pictures, request.output, by, task.detail_role, name, request.skip_orphans)
        say(console, f"{sum(len(job.sources) for job in jobs)} pictures in {len(jobs)} groups")
        for path, reason in alone:
            say(console, f"left out: {shown(path)} ({reason})")
        return jobs, tuple(path for path, _ in alone)
    if len(request.sources) > 1:
        taken = request.sources, request.output, task.detail_role, name, request.skip_orphans
        return folder_jobs(*taken, volumes=task.name == "medical")
    jobs, empty = stack_jobs(request.sources[0], request.output, task.detail_role, name)
    if empty:
        say(console, f"folders without pictures, left out: {', '.join(shown(folder.name) for folder in empty)}")
    return jobs, ()


def _fuse_one(
    job: Job,
    report: Path | None,
    settings: Settings,
    console: Console,
    plain: Mapping[str, Any],
    fuse: Callable[..., Outcome] = fuse_job,
) -> int:
    remove_dead_parts(job.output.parent, job.output.name)
    with reported(report, plain, job) as outcomes, bar(console, "fusing", 1.0, count=False) as advance:
        outcomes[job] = fuse(job, settings, progress=advance)
    tell(outcomes[job], console)
    return 0


@contextmanager
def reported(path: Path | None, plain: Mapping[str, Any], job: Job) -> Iterator[dict[Job, Outcome]]:
    """Write the report of a single result, whatever becomes of it."""
    outcomes: dict[Job, Outcome] = {}
    if path is None:
        yield outcomes
        return
    check_report(path, job.sources, None)
    report = RunReport(path, plain, [job])
    before = set(filter(is_made, [job]))
    try:
        report.begin()  # stopped from here on, there is a report that must say so
        try:
            yield outcomes
        except Exception as error:
            report.end({job: failure(job, error)})
            raise
    except KeyboardInterrupt:
        report.end(unheard_of([job], before, _AS_STOPPED) | outcomes, interrupted=True)
        raise
    report.end(outcomes)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False


def _fuse_many(jobs: list[Job], settings: Settings, workers: int, console: Console, report: RunReport | None) -> int:
    folder = jobs[0].output.parent
    outcomes: dict[Job, Outcome] = {}
    before = set(filter(is_made, jobs))
    with Interruption() as interruption:
        try:
            if report:
                report.begin()
            remove_dead_parts(folder)
            _run(jobs, settings, workers, console, outcomes, interruption)
        except KeyboardInterrupt:
            interruption.requested = True
            outcomes |= unheard_of(jobs, before | outcomes.keys(), _AS_STOPPED)
        interruption.ending = True
        remove_dead_parts(folder)  # of workers that died
        in_order = [outcomes[job] for job in jobs if job in outcomes]
        summarise(in_order, folder, console, report.earlier_words() if report else ())
        tell_failures(in_order, report.path if report else None)
        if report:
            report.end(outcomes, interrupted=interruption.requested)
            say(console, f"report: {shown(report.path)}")
        if interruption.requested:
            tell_interruption(in_order, len(jobs), folder, settings.overwrite)
            return INTERRUPTED
    return 1 if any(outcome.status == "failed" for outcome in in_order) else 0


def _run(
    jobs: list[Job],
    settings: Settings,
    workers: int,
    console: Console,
    outcomes: dict[Job, Outcome],
    stop: Interruption,
) -> None:
    """Do the jobs and put their outcomes into ``outcomes`` as they come."""
    with (
        bar(console, "fusing", len(jobs), count=True) as advance,
        closing(run_jobs(jobs, settings, workers, stop)) as run,
    ):
        for outcome in run:
            outcomes[outcome.job] = outcome
            advance(len(outcomes))

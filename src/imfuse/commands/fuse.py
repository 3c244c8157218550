"""``imfuse fuse``: one picture, or a folder of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from imfuse.batch import Job, Outcome, Settings, fuse_job, fuser_of, run_jobs
from imfuse.errors import SourceError, UsageError
from imfuse.io.naming import shown
from imfuse.outputs import default_output, folder_jobs, make_folder
from imfuse.registry import find_card
from imfuse.tasks import Task
from imfuse.tasks import task as find_task

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class FuseRequest:
    """What the user asked for; see ``imfuse fuse --help``."""

    sources: tuple[Path, ...]
    output: Path | None
    task: str
    model: str | None
    rule: str | None
    options: tuple[tuple[str, Any], ...]
    overwrite: bool
    skip_orphans: bool
    jobs: int
    quality: int
    device: str
    quiet: bool


def run_fuse(request: FuseRequest) -> int:
    """Do what the request says; the exit status is 0, or 1 if pictures of a folder run failed."""
    task = find_task(request.task)
    model = request.model or task.default_model
    name = find_card(model).name
    settings = Settings(
        task.name, model, request.rule, request.device, request.options, request.overwrite, request.quality
    )
    console = Console(stderr=True, quiet=request.quiet)
    folders = [source for source in request.sources if source.is_dir()]
    _check_count(request.sources, folders, task)
    fuser_of(settings)
    if not folders:
        return _fuse_one(request, settings, task, name, console)
    first, second = request.sources
    jobs, orphans = folder_jobs(first, second, request.output, task.detail_role, name, request.skip_orphans)
    if orphans:
        console.print(f"left out for want of a partner: {len(orphans)}", markup=False)
    make_folder(jobs[0].output.parent)
    return _fuse_many(jobs, settings, request.jobs, console)


def _check_count(sources: Sequence[Path], folders: Sequence[Path], task: Task) -> None:
    names = " and ".join(role.name for role in task.roles)
    for source in sources:
        if not source.exists():
            raise SourceError(f"{source}: no such file or folder")
    if folders and len(folders) == 1 == len(sources):
        raise UsageError(f"{folders[0]}: task {task.name!r} takes no stack from one folder; give {names}, two folders")
    if folders and len(folders) != len(sources):
        raise UsageError(f"{folders[0]} is a folder and another source is not: give two pictures or two folders")
    if len(sources) != len(task.roles):
        raise UsageError(f"task {task.name!r} takes {len(task.roles)} sources ({names}), {len(sources)} given")


def _fuse_one(request: FuseRequest, settings: Settings, task: Task, name: str, console: Console) -> int:
    output = request.output or default_output(request.sources, task.detail_role, name)
    if _is_folder(output):
        output = output / default_output(request.sources, task.detail_role, name).name
    job = Job(request.sources, output)
    with _bar(console, "fusing", 1.0, count=False) as advance:
        outcome = fuse_job(job, settings, progress=advance)
    _tell(outcome, console)
    return 0


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False


def _tell(outcome: Outcome, console: Console) -> None:
    report = outcome.report or {}
    size = f"{report.get('width')}×{report.get('height')}, {report.get('dtype')}, {report.get('seconds', 0):.2f} s"
    console.print(
        f"{outcome.job.output}  ({report.get('model')}, {size})", markup=False, highlight=False, soft_wrap=True
    )
    for note in outcome.notes:
        console.print(f"  · {note}", markup=False, highlight=False, soft_wrap=True)


def _fuse_many(jobs: list[Job], settings: Settings, workers: int, console: Console) -> int:
    outcomes: list[Outcome] = []
    try:
        with (
            _bar(console, "fusing", len(jobs), count=True) as advance,
            closing(run_jobs(jobs, settings, workers)) as run,
        ):
            for outcome in run:
                outcomes.append(outcome)
                advance(len(outcomes))
    except KeyboardInterrupt:
        made = sum(job.output.exists() for job in jobs)
        words = f"{jobs[0].output.parent}: stopped, {made} of {len(jobs)} pictures are made"
        console.print(words, markup=False, highlight=False, soft_wrap=True)
        raise
    _summarise(outcomes, jobs[0].output.parent, console)
    failed = [outcome for outcome in outcomes if outcome.status == "failed"]
    errors = Console(stderr=True)
    for outcome in failed:
        errors.print(f"failed: {outcome.message}", markup=False, highlight=False, soft_wrap=True)
    return 1 if failed else 0


def _summarise(outcomes: Sequence[Outcome], folder: Path, console: Console) -> None:
    counts = {status: sum(o.status == status for o in outcomes) for status in ("fused", "skipped", "failed")}
    words = [f"{counts['fused']} fused"]
    if counts["skipped"]:
        words.append(f"{counts['skipped']} skipped (made before; --overwrite makes them again, with these settings)")
    if counts["failed"]:
        words.append(f"{counts['failed']} failed")
    console.print(f"{folder}: {', '.join(words)}", markup=False, highlight=False, soft_wrap=True)
    for note, count in _common_notes(outcomes):
        often = f"{count} pictures, for example: " if count > 1 else ""
        console.print(f"  · {often}{note}", markup=False, highlight=False, soft_wrap=True)


def _common_notes(outcomes: Sequence[Outcome]) -> list[tuple[str, int]]:
    """What was done to the pictures and how often: one example of each kind, whatever its numbers."""
    found: dict[str, tuple[str, int]] = {}
    for outcome in outcomes:
        for note in outcome.notes:
            words = note
            for source in outcome.job.sources:
                words = words.replace(shown(source), source.parent.name)
            kind = re.sub(r"[\d.]+(e[+-]?\d+)?", "#", words)
            example, count = found.get(kind, (words, 0))
            found[kind] = example, count + 1
    return sorted(found.values(), key=lambda item: -item[1])


@contextmanager
def _bar(console: Console, title: str, total: float, *, count: bool) -> Iterator[Any]:
    """A progress bar on standard error; yields a function that takes what is done."""
    columns = [TextColumn(title), BarColumn(), MofNCompleteColumn() if count else TaskProgressColumn()]
    with Progress(
        *columns, TimeRemainingColumn(), console=console, transient=True, disable=not console.is_terminal
    ) as progress:
        row = progress.add_task(title, total=total)
        yield lambda done: progress.update(row, completed=done)

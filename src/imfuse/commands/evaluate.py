"""``imfuse evaluate``: the metrics of fused pictures."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from rich.console import Console

from imfuse.batch import out_of_memory
from imfuse.commands.progress import bar
from imfuse.commands.score_display import show_metrics, show_scores
from imfuse.commands.summary import say
from imfuse.data.fused import Fusion, fusions_of_one, pair_fusions
from imfuse.data.natural import natural_key
from imfuse.data.pairs import pictures_by_stem
from imfuse.data.sets import ROLE_FOLDERS, Scene, infer_task, read_data_set, scenes_of_roles
from imfuse.data.stacks import folders_in
from imfuse.errors import DataError, ImfuseError, UsageError
from imfuse.interruption import INTERRUPTED
from imfuse.io import atomic_path, check_output
from imfuse.io.naming import shown
from imfuse.metrics import METRICS
from imfuse.pool import Pool
from imfuse.score_files import Scored, Scores, to_csv, to_json, to_markdown
from imfuse.scoring import check_metrics, describe_metric, score
from imfuse.tasks import TASKS

FORMATS = {".txt": "table", ".csv": "csv", ".json": "json", ".md": "md"}
"""By the endings of output files."""

_FILE_WIDTH = 120
_DEFAULT_TASK = "infrared"


@dataclass(frozen=True, slots=True)
class EvaluateRequest:
    """What the user asked for; see ``imfuse evaluate --help``."""

    fused: tuple[Path, ...]
    sources: tuple[Path, ...]
    truth: Path | None
    metrics: str | None
    task: str | None
    format: str | None
    output: Path | None
    means_only: bool
    skip_orphans: bool
    jobs: int
    overwrite: bool
    quiet: bool


def run_list(form: str | None) -> None:
    """Print all metrics, as a table or as JSON.

    Raises:
        UsageError: another format.
    """
    if form == "json":
        sys.stdout.write(
            json.dumps({key: describe_metric(key) for key in METRICS}, indent=1, ensure_ascii=False) + "\n"
        )
    elif form in (None, "table"):
        show_metrics(Console())
    else:
        raise UsageError(f"--list has no format {shown(str(form))!r}; choose table or json")


def run_evaluate(request: EvaluateRequest) -> int:
    """Score the fused pictures; the exit status is 0, or 1 if some of several could not be scored.

    Raises:
        ImfuseError: the request does not serve, or the only picture cannot be scored.
    """
    form = _format(request)
    if not request.fused:
        raise UsageError("no fused pictures: imfuse evaluate FUSED… --sources DIR DIR, the fused ones first")
    if request.output is not None:
        check_output(request.output, request.overwrite)
    if request.task is not None and request.task not in ROLE_FOLDERS:
        raise UsageError(f"unknown task {shown(request.task)!r}: choose one of {', '.join(ROLE_FOLDERS)}")
    console = Console(stderr=True, quiet=request.quiet)
    fusions, task = _fusions(request, console)
    keys = _metrics(request, fusions, task, console)
    if len(fusions) == 1:
        fusion = fusions[0]
        rows = [Scored(fusion, score(fusion.path, fusion.scene.sources, keys, fusion.scene.truth))]
    else:
        try:
            rows = _score_all(fusions, keys, request.jobs, console)
        except KeyboardInterrupt:
            say(Console(stderr=True), "imfuse: interrupted; no scores are written")
            return INTERRUPTED
    scores = Scores(tuple(keys), tuple(rows))
    if len(scores.failed) < len(rows):
        _give(scores, form, request, console)
    for row in scores.failed:
        say(Console(stderr=True), f"failed: {row.failure}")
    if scores.failed:
        say(Console(stderr=True), f"failed: {len(scores.failed)} of {len(rows)} pictures; the means are without them")
    return 1 if scores.failed else 0


def _format(request: EvaluateRequest) -> str:
    known = ", ".join(FORMATS.values())
    if request.format is not None:
        if request.format not in FORMATS.values():
            raise UsageError(f"unknown format {shown(request.format)!r}: choose one of {known}")
        return request.format
    if request.output is None:
        return "table"
    try:
        return FORMATS[request.output.suffix.lower()]
    except KeyError:
        endings = ", ".join(FORMATS)
        raise UsageError(f"{shown(request.output)}: the ending tells no format; use {endings}, or --format") from None


def _fusions(request: EvaluateRequest, console: Console) -> tuple[list[Fusion], str]:
    """The fused pictures with their scenes, and the task whose metrics serve them."""
    sources, truth = request.sources, request.truth
    for path in (*sources, *([] if truth is None else [truth])):
        if not path.exists():
            raise UsageError(f"{shown(path)}: no such file or folder; check the path")
    single = [path for path in (*sources, *([] if truth is None else [truth])) if not path.is_dir()]
    if single:
        return _fusions_of_files(request, single), request.task or infer_task(
            [p.parent for p in sources]
        ) or _DEFAULT_TASK
    if _is_stack(request):
        return fusions_of_one(request.fused, _stack(sources[0])), request.task or _DEFAULT_TASK
    scenes, task = _scenes(request)
    fusions, left_out = pair_fusions(request.fused, scenes, skip_orphans=request.skip_orphans)
    if left_out:
        say(console, f"left out for want of a partner: {len(left_out)}")
    return fusions, task


def _fusions_of_files(request: EvaluateRequest, single: Sequence[Path]) -> list[Fusion]:
    """Fused files of one scene, whose sources are files too."""
    folder = next((path for path in (*request.sources, *request.fused, request.truth) if path and path.is_dir()), None)
    if folder is not None:
        raise UsageError(
            f"{shown(folder)} is a folder, but {shown(single[0])} is a file: give files of one scene, or folders alone"
        )
    stems = list(dict.fromkeys(path.stem for path in request.sources)) or [request.fused[0].stem]
    return fusions_of_one(request.fused, Scene("+".join(stems), request.sources, request.truth))


def _is_stack(request: EvaluateRequest) -> bool:
    """Whether files were fused from all pictures of one folder, as ``imfuse fuse bracket/ --task exposure`` does."""
    task = TASKS.get(request.task or "")
    if task is None or not task.is_stack or len(request.sources) != 1 or request.truth is not None:
        return False
    folder = request.sources[0]
    files = all(path.is_file() for path in request.fused)
    return files and bool(pictures_by_stem(folder)) and not folders_in(folder)


def _stack(folder: Path) -> Scene:
    """All pictures of a folder as the sources of one scene."""
    pictures = pictures_by_stem(folder)
    return Scene(folder.resolve().name, tuple(pictures[stem] for stem in sorted(pictures, key=natural_key)))


def _scenes(request: EvaluateRequest) -> tuple[Sequence[Scene] | None, str]:
    """The scenes of the source folders, None if there is none, and the task."""
    sources, truth = request.sources, request.truth
    if len(sources) == 1 and not pictures_by_stem(sources[0]) and folders_in(sources[0]):
        data_set = read_data_set(sources[0], request.task)
        scenes = data_set.scenes if truth is None else _with_truth(data_set.scenes, truth)
        return scenes, data_set.task
    task = request.task or infer_task(sources) or _DEFAULT_TASK
    if sources:
        return scenes_of_roles(sources, truth, skip_orphans=request.skip_orphans), task
    if truth is None:
        return None, task
    return [Scene(stem, (), path) for stem, path in pictures_by_stem(truth).items()], task


def _with_truth(scenes: Sequence[Scene], folder: Path) -> list[Scene]:
    truths = pictures_by_stem(folder)
    missing = [scene.name for scene in scenes if scene.name not in truths]
    if missing:
        raise DataError(f"{shown(folder)}: no true picture for {', '.join(map(shown, missing[:5]))}")
    return [replace(scene, truth=truths[scene.name]) for scene in scenes]


def _metrics(request: EvaluateRequest, fusions: Sequence[Fusion], task: str, console: Console) -> list[str]:
    """The metrics that were chosen, or those of the task that the pictures allow."""
    counts = sorted({len(fusion.scene.sources) for fusion in fusions})
    truth = all(fusion.scene.truth is not None for fusion in fusions)
    if request.metrics is not None:
        keys = [key.strip() for key in request.metrics.split(",") if key.strip()]
        if not keys:
            raise UsageError("--metrics names none: give keys with commas, such as en,sd,vif; --list shows all")
        for count in counts:
            check_metrics(keys, count, truth)
        return keys
    from imfuse.metrics.defaults import default_metrics

    usual = default_metrics(task, truth=truth)
    keys = [key for key in usual if all(METRICS[key].is_served(count, truth) for count in counts)]
    if not keys:
        raise UsageError(f"the usual metrics of task {task!r} need sources or a truth; give --sources or --metrics")
    left_out = [key for key in usual if key not in keys]
    words = f" without {', '.join(left_out)} (not for these sources)" if left_out else ""
    say(console, f"metrics: the usual ones of task {task!r}{words}; --task and --metrics choose others")
    return keys


def _score_all(fusions: Sequence[Fusion], keys: Sequence[str], workers: int, console: Console) -> list[Scored]:
    """Score many pictures; a failure does not stop the rest."""
    work = partial(_attempt, keys=tuple(keys))
    found: dict[Fusion, Scored] = {}
    with bar(console, "scoring", len(fusions), count=True) as advance:
        if workers == 1:
            for fusion in fusions:
                found[fusion] = work(fusion)
                advance(len(found))
        else:
            with closing(Pool(work, _died, min(workers, len(fusions))).run(fusions)) as run:
                for row in run:
                    found[row.fusion] = row
                    advance(len(found))
    return [found[fusion] for fusion in fusions]


def _attempt(fusion: Fusion, keys: tuple[str, ...]) -> Scored:
    try:
        return Scored(fusion, score(fusion.path, fusion.scene.sources, keys, fusion.scene.truth))
    except Exception as error:
        name, reason = shown(fusion.path), str(error)
        if not isinstance(error, ImfuseError):
            reason = "not enough memory; give fewer --jobs" if out_of_memory(error) else f"internal error ({error!r})"
        reason = " ".join(reason.split())
        return Scored(fusion, {}, reason if name in reason else f"{name}: {reason}")


def _died(fusion: Fusion) -> Scored:
    return Scored(fusion, {}, f"{shown(fusion.path)}: the worker process died while it scored this picture")


def _give(scores: Scores, form: str, request: EvaluateRequest, console: Console) -> None:
    """Write the scores to standard output or to the output file."""
    if form == "table" and request.output is None:
        show_scores(scores, Console(), images=not request.means_only)
        return
    text = _text(scores, form, images=not request.means_only)
    if request.output is None:
        sys.stdout.write(text)
        return
    with atomic_path(request.output, request.overwrite) as part:
        # Names of files may hold bytes that are no text.
        part.write_text(text, encoding="utf-8", errors="backslashreplace", newline="")
    say(
        console,
        f"{shown(request.output)}: {len(scores.rows) - len(scores.failed)} pictures, {len(scores.keys)} metrics",
    )


def _text(scores: Scores, form: str, *, images: bool) -> str:
    if form == "csv":
        return to_csv(scores)
    if form == "json":
        return to_json(scores)
    if form == "md":
        return to_markdown(scores, images=images)
    file = io.StringIO()
    show_scores(scores, Console(file=file, width=_FILE_WIDTH), images=images)
    return file.getvalue()

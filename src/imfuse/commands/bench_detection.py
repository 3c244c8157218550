"""``imfuse bench --task detection``: fuse, detect, report, and say what came of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from imfuse.bench import BenchResults, run_bench
from imfuse.bench.detection import DetectionResults, check_detectors, run_detection
from imfuse.bench.detection_plan import DetectionPlan
from imfuse.bench.detection_report import CSV_NAME, SUMMARY_NAME, write_detection_report
from imfuse.bench.figures import check_figures
from imfuse.bench.report import PAGE_NAME
from imfuse.bench.yolo_export import Exported, check_export, export_yolo
from imfuse.commands.bench import progress_bar, tell_failures, tell_left_out
from imfuse.commands.summary import say
from imfuse.interruption import INTERRUPTED, Interruption
from imfuse.io.naming import shown

Result = TypeVar("Result", BenchResults, DetectionResults, Exported)
Stop = Callable[[], bool]
Begun = Callable[[str, int], None]

_MOST_FAILURES = 20


def list_detection(plan: DetectionPlan) -> None:
    """Print what a benchmark of detection would do."""
    console = Console()
    words = f"{plan.steps} pictures for detectors, in {plan.bench.folder}"
    table = Table(title=escape(words), title_justify="left")
    for heading in ("data set", "scenes", "methods", "classes", "annotations"):
        table.add_column(heading, justify="right" if heading == "scenes" else "left", overflow="fold")
    for data_set in plan.bench.data_sets:
        marked = plan.annotations[data_set.name]
        methods = ", ".join(method.name for method in plan.methods(data_set))
        cells = (
            data_set.name,
            str(len(data_set.scenes)),
            methods,
            ", ".join(marked.classes),
            f"{marked.form}, {marked.place}",
        )
        table.add_row(*map(escape, cells))
    console.print(table)
    _tell_remarks(plan, console)


def show_detection(plan: DetectionPlan, *, overwrite: bool, quiet: bool) -> int:
    """Fuse, detect and write the reports; 0, 1 if something failed, or 130 after Ctrl-C."""
    console = Console(stderr=True, quiet=quiet)
    if any(plan.bench.metrics.values()):
        check_figures()
    check_detectors(plan)
    _tell_remarks(plan, console)
    bench = _fused(plan, console, overwrite)
    if bench is None:
        return INTERRUPTED

    def work(begun: Begun, stop: Stop) -> DetectionResults:
        results = run_detection(plan, bench, progress=begun, stop=stop, overwrite=overwrite)
        if not results.interrupted:
            write_detection_report(results, lambda words: begun(words, plan.steps))
        return results

    results = _shown(plan, console, plan.steps, work)
    return INTERRUPTED if results is None else _tell(results, console)


def show_export(plan: DetectionPlan, folder: Path, *, overwrite: bool, quiet: bool) -> int:
    """Fuse and write training sets for YOLO; 0, 1 if something failed, or 130 after Ctrl-C."""
    console = Console(stderr=True, quiet=quiet)
    check_export(plan, folder)
    _tell_remarks(plan, console)
    bench = _fused(plan, console, overwrite)
    if bench is None:
        return INTERRUPTED
    done = _shown(
        plan, console, plan.steps, lambda begun, stop: export_yolo(plan, bench, folder, progress=begun, stop=stop)
    )
    if done is None:
        return INTERRUPTED
    failed = len(done.failures)
    again = done.pictures - done.written - failed
    told = (f", {again} were there" if again else "") + (f", {failed} failed" if failed else "")
    say(
        console,
        f"{shown(folder)}: {done.written} pictures written{told}; README.md there has the commands for training",
    )
    return max(tell_failures(bench), _tell_failures([f"{name}: {why}" for name, why in done.failures.items()]))


def _fused(plan: DetectionPlan, console: Console, overwrite: bool) -> BenchResults | None:
    """The fused pictures; None after Ctrl-C."""
    tell_left_out(plan.bench, console)
    total = sum(1 for _ in plan.bench.cells())
    return _shown(
        plan,
        console,
        total,
        lambda begun, stop: run_bench(
            plan.bench, progress=lambda cell, done: begun(" · ".join(cell.key), done), stop=stop, overwrite=overwrite
        ),
    )


def _shown(plan: DetectionPlan, console: Console, total: int, work: Callable[[Begun, Stop], Result]) -> Result | None:
    """Do the work with a progress bar; None after Ctrl-C, which has been told then."""
    words = f"{shown(plan.bench.folder)}: interrupted; what is done is kept, and the same command goes on with the rest"
    try:
        with Interruption() as interruption:
            with progress_bar(console, total) as (begun, _):
                results = work(begun, interruption)
            interruption.ending = True
    except KeyboardInterrupt:
        say(Console(stderr=True), words)
        return None
    if results.interrupted:
        say(Console(stderr=True), words)
        return None
    return results


def _tell_remarks(plan: DetectionPlan, console: Console) -> None:
    for name, remarks in plan.remarks.items():
        for words in remarks:
            say(console, f"{shown(name)}: {words}")


def _tell(results: DetectionResults, console: Console) -> int:
    """Say what was looked at and on whose pictures most is found; the exit status."""
    plan = results.plan.bench
    failures = [
        f"{one.data_set} · {one.method.name} · {scene}: {why}"
        for one in results.standings
        for scene, why in one.failures.items()
    ]
    kept = results.plan.steps - results.made - len(failures)
    again = (f", {kept} had been" if kept else "") + (f", {len(failures)} failed" if failures else "")
    say(console, f"{shown(plan.folder)}: {results.made} pictures looked at{again}")
    for data_set in plan.data_sets:
        known = [one for one in results.of(data_set) if one.precision and one.precision.mean == one.precision.mean]
        known.sort(key=lambda one: -(one.precision.mean if one.precision else 0.0))
        order = ", ".join(f"{one.method.name} {one.precision.mean:.3f}" for one in known if one.precision)
        say(console, f"  · {data_set.name}: mAP@[0.5:0.95]: {order or 'none'}")
    say(console, f"  · {SUMMARY_NAME}, {CSV_NAME}, {PAGE_NAME} (open it in a browser)")
    return _tell_failures(failures)


def _tell_failures(failures: list[str]) -> int:
    errors = Console(stderr=True)
    for words in failures[:_MOST_FAILURES]:
        say(errors, f"failed: {words}")
    if len(failures) > _MOST_FAILURES:
        say(errors, f"failed: {len(failures) - _MOST_FAILURES} more; {SUMMARY_NAME} names some")
    return 1 if failures else 0

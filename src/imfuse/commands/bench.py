"""``imfuse bench``: run, report, and say what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from imfuse.bench import BenchPlan, BenchResults, run_bench, write_report
from imfuse.bench.figures import check_figures
from imfuse.bench.report import PAGE_NAME, SUMMARY_NAME
from imfuse.bench.runner import Progress as CellBegun
from imfuse.bench.store import RESULTS_NAME
from imfuse.commands.summary import say
from imfuse.interruption import INTERRUPTED, Interruption
from imfuse.io.naming import shown
from imfuse.metrics import METRICS

_MOST_FAILURES = 20


def list_bench(plan: BenchPlan) -> None:
    """Print what a benchmark would do."""
    console = Console()
    table = Table(
        title=f"{sum(1 for _ in plan.cells())} pictures into {escape(str(plan.folder))}", title_justify="left"
    )
    for heading in ("data set", "task", "scenes", "models", "metrics"):
        table.add_column(heading, justify="right" if heading == "scenes" else "left", overflow="fold")
    for data_set in plan.data_sets:
        models = ", ".join(one.name for one in plan.contenders_of(data_set))
        metrics = ", ".join(plan.metrics[data_set.name])
        cells = (data_set.name, data_set.task, str(len(data_set.scenes)), models, metrics)
        table.add_row(*map(escape, cells))
    console.print(table)
    tell_left_out(plan, console)


def show_bench(plan: BenchPlan, *, overwrite: bool, quiet: bool) -> int:
    """Run a benchmark and write its reports; 0, 1 if something failed, or 130 after Ctrl-C."""
    console = Console(stderr=True, quiet=quiet)
    results = run_shown(plan, console, overwrite=overwrite)
    return INTERRUPTED if results is None else _tell(results, console)


def run_shown(plan: BenchPlan, console: Console, *, overwrite: bool) -> BenchResults | None:
    """Run a benchmark with a progress bar and write its reports; None after Ctrl-C, which has been told then."""
    check_figures()
    tell_left_out(plan, console)

    def work(cell_begun: CellBegun, stop: Callable[[], bool], step_begun: Callable[[str], None]) -> BenchResults:
        results = run_bench(plan, progress=cell_begun, stop=stop, overwrite=overwrite)
        if not results.interrupted:
            write_report(results, step_begun)
        return results

    return _work_shown(plan, console, work, f"({RESULTS_NAME} has them); the same command goes on with the rest")


def run_spectral_shown(plan: BenchPlan, console: Console, scale: int) -> BenchResults | None:
    """Measure spectral fusion with a progress bar; None after Ctrl-C, which has been told then."""
    from imfuse.bench.spectral import SPECTRAL_NAME, run_spectral

    def work(cell_begun: CellBegun, stop: Callable[[], bool], _: Callable[[str], None]) -> BenchResults:
        return run_spectral(plan, scale=scale, progress=cell_begun, stop=stop)

    return _work_shown(plan, console, work, f"({SPECTRAL_NAME} has them); the same command begins anew")


_Work = Callable[[CellBegun, Callable[[], bool], Callable[[str], None]], BenchResults]
"""Called with what is told before every picture, what asks whether to stop, and what is told of steps after them."""


def _work_shown(plan: BenchPlan, console: Console, work: _Work, after: str) -> BenchResults | None:
    """Do the work with a progress bar; None after Ctrl-C, which has been told then.

    Args:
        plan: what is worked on.
        console: where progress is shown.
        work: the work.
        after: what is to be told of the pictures that are done after Ctrl-C.
    """
    total = sum(1 for _ in plan.cells())
    try:
        with Interruption() as interruption:
            with progress_bar(console, total) as (cell_begun, step_begun):
                results = work(lambda cell, done: cell_begun(" · ".join(cell.key), done), interruption, step_begun)
            interruption.ending = True
    except KeyboardInterrupt:
        say(Console(stderr=True), f"{shown(plan.folder)}: interrupted; what is done is kept {after}")
        return None
    if results.interrupted:
        done = f"{len(results.rows)} of {total} pictures are done"
        say(Console(stderr=True), f"{shown(plan.folder)}: interrupted, {done} {after}")
        return None
    return results


def tell_left_out(plan: BenchPlan, console: Console) -> None:
    """Say which metrics are left out."""
    for words in plan.left_out:
        say(console, f"left out: {words}")


@contextmanager
def progress_bar(console: Console, total: int) -> Iterator[tuple[Callable[[str, int], None], Callable[[str], None]]]:
    """A progress bar that names what is in work; yields a function for pictures and one for what comes after them."""
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.description}", markup=False))
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        row = bar.add_task("", total=total)
        yield (
            lambda words, done: bar.update(row, completed=done, description=shown(words)),
            lambda words: bar.update(row, completed=total, description=shown(words)),
        )


def _tell(results: BenchResults, console: Console) -> int:
    """Say what was made, what failed, and who is ahead; the exit status."""
    plan = results.plan
    failed = len(results.failures)
    kept = len(results.rows) - results.made - failed
    again = (f", {kept} were there" if kept else "") + (f", {failed} failed" if failed else "")
    say(console, f"{shown(plan.folder)}: {results.made} pictures made or scored{again}")
    for data_set in plan.data_sets:
        leading = [one for one in results.standings(data_set) if one.mean_rank is not None][:3]
        order = ", ".join(f"{one.model} {one.mean_rank:.2f}" for one in leading)
        metrics = len([key for key in plan.metrics[data_set.name] if key in METRICS])
        say(console, f"  · {data_set.name}: best mean ranks over {metrics} metrics: {order or 'none'}")
    say(console, f"  · {SUMMARY_NAME}, {RESULTS_NAME}, {PAGE_NAME} (open it in a browser)")
    return tell_failures(results)


def tell_failures(results: BenchResults) -> int:
    """Say which pictures failed and why; the exit status."""
    errors = Console(stderr=True)
    failed = results.failures
    for row in failed[:_MOST_FAILURES]:
        say(errors, f"failed: {' · '.join(row.key)}: {row.error}")
    if len(failed) > _MOST_FAILURES:
        say(errors, f"failed: {len(failed) - _MOST_FAILURES} more; column error of {RESULTS_NAME} names them")
    return 1 if failed else 0

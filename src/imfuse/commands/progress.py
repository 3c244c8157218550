"""The progress bar of commands."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn


@contextmanager
def bar(console: Console, title: str, total: float, *, count: bool) -> Iterator[Callable[[float], None]]:
    """A progress bar on standard error; yields a function that takes what is done."""
    columns = [TextColumn(title), BarColumn(), MofNCompleteColumn() if count else TaskProgressColumn()]
    with Progress(
        *columns, TimeRemainingColumn(), console=console, transient=True, disable=not console.is_terminal
    ) as progress:
        row = progress.add_task(title, total=total)
        yield lambda done: progress.update(row, completed=done)

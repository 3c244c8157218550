"""``imfuse models``: the trained models."""

from __future__ import annotations

import json
from dataclasses import asdict

from rich.console import Console
from rich.table import Table

from imfuse import list_models
from imfuse.tasks import TASKS
from imfuse.tasks import task as find_task


def show_models(task: str | None, *, as_json: bool) -> None:
    """Print the models of a task, or all, as a table or as JSON."""
    cards = list_models(find_task(task).name if task else None)
    console = Console()
    if as_json:
        entries = [{**asdict(card), "path": str(card.path)} for card in cards]
        console.out(json.dumps(entries, indent=1, ensure_ascii=False), highlight=False)
        return
    table = Table(title="Models", title_justify="left")
    for heading in ("model", "tasks", "parameters"):
        table.add_column(heading, justify="right" if heading == "parameters" else "left")
    for card in cards:
        default = [name for name in card.tasks if TASKS[name].default_model == card.name]
        tasks = ", ".join(f"{name} (default)" if name in default else name for name in card.tasks)
        table.add_row(card.name, tasks, f"{card.parameters:,}")
    console.print(table)
    for card in cards:
        trained = "; ".join(f"{name}: {words}" for name, words in card.data.items())
        for title, words in (("paper", card.paper), ("trained on", trained), ("licence", card.licence)):
            console.print(f"{card.name}, {title}: {words}", markup=False, highlight=False)

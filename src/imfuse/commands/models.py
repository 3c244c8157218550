"""``imfuse models``: the trained models and the methods without weights."""

from __future__ import annotations

import json
from dataclasses import asdict

from rich.console import Console
from rich.table import Table

from imfuse import list_models
from imfuse.registry import ModelCard
from imfuse.spectral.choice import shape_of
from imfuse.tasks import TASKS


def show_models(task: str | None, *, as_json: bool) -> None:
    """Print the models of a task, or all, as tables or as JSON; trained models and classical methods apart."""
    name = task.lower() if task else None
    console = Console()
    if as_json:
        console.out(
            json.dumps([_entry(card) for card in list_models(name)], indent=1, ensure_ascii=False), highlight=False
        )
        return
    learned, classical = list_models(name, "learned"), list_models(name, "classical")
    for title, cards in (("Trained models", learned), ("Classical methods, without weights", classical)):
        if cards:
            console.print(_table(title, cards))
    for card in [*learned, *classical]:
        trained = "; ".join(f"{name}: {words}" for name, words in card.data.items())
        shape = shape_of(card)
        if shape is not None:
            console.print(f"{card.name}, for: {shape.words}", markup=False, highlight=False)
        lines = [("paper", card.paper), ("trained on", trained), ("licence", card.licence)]
        for title, words in lines if card.learned else lines[:1]:
            console.print(f"{card.name}, {title}: {words}", markup=False, highlight=False)


def _entry(card: ModelCard) -> dict[str, object]:
    kind = "learned" if card.learned else "classical"
    return {**asdict(card), "path": str(card.path) if card.path else None, "kind": kind}


def _table(title: str, cards: list[ModelCard]) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column("model")
    table.add_column("tasks")
    learned = cards[0].learned
    if learned:
        table.add_column("parameters", justify="right")
    for card in cards:
        default = [name for name in card.tasks if name in TASKS and TASKS[name].default_model == card.name]
        tasks = ", ".join(f"{name} (default)" if name in default else name for name in card.tasks)
        table.add_row(card.name, tasks, *([f"{card.parameters:,}"] if learned else []))
    return table

"""Trainings of one recipe with several seeds: where each lies, what is written of it, and how the best is kept."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from imfuse.model_card import ModelCard, write_card
from imfuse.networks.protocol import FusionNetwork
from imfuse.train.config import TrainingConfig
from imfuse.train.export import save_model
from imfuse.train.loop import find_checkpoint

log = logging.getLogger(__name__)

Recipe = TypeVar("Recipe", bound=TrainingConfig)


def seed_runs(config: Recipe, run: Path, seeds: int, resume: bool) -> Iterator[tuple[Recipe, Path, bool]]:
    """The recipes with ``seeds`` seeds from ``config.seed`` on, each with its folder and whether it is to be resumed.

    With one seed its files lie in ``run`` itself; with several, those of each in ``run/seed-N``, and those that have no
    checkpoint yet begin.
    """
    for offset in range(seeds):
        recipe = config.with_seed(config.seed + offset)
        folder = run if seeds == 1 else run / f"seed-{recipe.seed}"
        log.info("seed %d (%d of %d)", recipe.seed, offset + 1, seeds)
        yield recipe, folder, resume and (seeds == 1 or find_checkpoint(folder) is not None)


def save_trained(
    network: FusionNetwork,
    name: str,
    recipe: TrainingConfig,
    folder: Path,
    *,
    tasks: tuple[str, ...],
    data: Mapping[str, str],
    figures: Mapping[str, Any],
) -> ModelCard:
    """Write weights and card of a network that a recipe has trained.

    Args:
        network: the trained one.
        name: the model's, as users write it.
        recipe: its settings, with which it is built again.
        folder: of the run.
        tasks: that it serves.
        data: training data, name → origin and licence.
        figures: of a validation.
    """
    return save_model(
        network,
        folder / f"{name}.safetensors",
        network=recipe.network,
        arguments=recipe.network_arguments(),
        tasks=tasks,
        paper=recipe.paper,
        data=data,
        recipe=recipe.told(),
        selection="the only run",
        figures=figures,
    )


def keep_best(
    cards: Sequence[ModelCard],
    chosen: int,
    scores: Sequence[Mapping[str, float]],
    keys: Sequence[str],
    criterion: str,
    run: Path,
) -> ModelCard:
    """Copy the files of the chosen seed into ``run``; its card tells the scores of all seeds.

    Args:
        cards: of the seeds, each beside its files, with the figures of a validation.
        chosen: index of the best.
        scores: of every seed.
        keys: of the scores whose mean and deviation are told.
        criterion: in words.
        run: the folder.
    """
    best = cards[chosen]
    for name in (best.weights_path.name, "config.json", "curves.csv", "curves.png"):
        shutil.copyfile(best.weights_path.with_name(name), run / name)
    spread = {
        "seeds": {str(card.recipe["seed"]): dict(score) for card, score in zip(cards, scores, strict=True)},
        "mean": {key: float(np.mean([score[key] for score in scores])) for key in keys},
        "deviation": {key: float(np.std([score[key] for score in scores], ddof=1)) for key in keys},
    }
    figures = {"validation": {**best.figures["validation"], **spread}}
    card = replace(best, selection=criterion, figures=figures, path=run / f"{best.name}.json")
    write_card(card, run / f"{best.name}.json")
    return card

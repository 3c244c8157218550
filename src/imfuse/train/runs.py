"""A training from data to shipped files: several seeds, one chosen on validation pairs."""

from __future__ import annotations

import logging
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from imfuse.data.splits import MSRS361_VALIDATION_FROM, is_msrs361_validation
from imfuse.errors import DataError
from imfuse.networks.two_scale import TwoScaleNetwork
from imfuse.registry import ModelCard, write_card
from imfuse.train.autoencoder import train_autoencoder
from imfuse.train.autoencoder_config import AutoencoderConfig
from imfuse.train.config import TrainingConfig
from imfuse.train.export import save_model
from imfuse.train.loop import find_checkpoint
from imfuse.train.validation import SCORES, Pair, mean_ranks, means, pairs_of, score_pairs

log = logging.getLogger(__name__)

CRITERION = (
    "the seed with the smallest mean rank over EN, SD, SF, AG, SCD and VIFF (means over the validation pairs, 8-bit "
    "luma)"
)


def validation_pairs(folder: Path) -> list[Pair]:
    """The pairs of a validation folder; of MSRS's test part only those of the committed split."""
    if folder.name == "msrs361":
        return pairs_of(folder, is_msrs361_validation)
    return pairs_of(folder)


def train_seeds(
    config: AutoencoderConfig,
    data: Path,
    run: Path,
    seeds: int,
    validation: Path | None,
    *,
    resume: bool = False,
    progress: bool = True,
) -> ModelCard:
    """Train with ``seeds`` seeds from ``config.seed`` on and write weights and card of the chosen one into ``run``.

    With one seed its files lie in ``run`` itself; with several, those of each in ``run/seed-N``.

    Raises:
        DataError: several seeds without validation pairs to choose by.
    """
    if seeds > 1 and validation is None:
        raise DataError("several seeds are chosen between on validation pairs: give --validation FOLDER")
    pairs = None if validation is None else validation_pairs(validation)
    cards = []
    for offset in range(seeds):
        recipe = config.with_seed(config.seed + offset)
        folder = run if seeds == 1 else run / f"seed-{recipe.seed}"
        log.info("seed %d (%d of %d)", recipe.seed, offset + 1, seeds)
        goes_on = resume and (seeds == 1 or find_checkpoint(folder) is not None)
        network = train_autoencoder(recipe, data, folder, resume=goes_on, progress=progress)
        figures = {} if pairs is None else {"validation": _scores(network, pairs, validation)}
        cards.append(_save(network, recipe, data, folder, figures))
    return cards[0] if seeds == 1 else _choose(cards, run)


def model_name(recipe: TrainingConfig) -> str:
    """The name of a recipe's model, as users write it."""
    return recipe.network.replace("_", "-")


def _scores(network: TwoScaleNetwork, pairs: list[Pair], validation: Path | None) -> dict[str, Any]:
    return {
        "data": _validation_words(validation),
        "metrics": "imfuse.metrics, 8-bit luma, mean over the pairs",
        "scores": means(score_pairs(network, pairs)),
    }


def _save(
    network: TwoScaleNetwork, recipe: AutoencoderConfig, data: Path, folder: Path, figures: dict[str, Any]
) -> ModelCard:
    return save_model(
        network,
        folder / f"{model_name(recipe)}.safetensors",
        network=recipe.network,
        arguments=recipe.network_arguments(),
        tasks=("infrared",),
        paper=recipe.paper,
        data={data.name: _data_words(data)},
        recipe=recipe.to_dict(),
        selection="the only run",
        figures=figures,
    )


def _choose(cards: list[ModelCard], run: Path) -> ModelCard:
    """Copy the files of the best seed into ``run``; its card tells the scores of all."""
    scores = [card.figures["validation"]["scores"] for card in cards]
    ranks = mean_ranks(scores)
    best = cards[int(np.argmin(ranks))]
    for name in (best.weights_path.name, "config.json", "curves.csv", "curves.png"):
        shutil.copyfile(best.weights_path.with_name(name), run / name)
    seeds = {
        str(card.recipe["seed"]): {**score, "mean_rank": value}
        for card, score, value in zip(cards, scores, ranks, strict=True)
    }
    spread = {
        "seeds": seeds,
        "mean": {key: float(np.mean([score[key] for score in scores])) for key in SCORES},
        "deviation": {key: float(np.std([score[key] for score in scores], ddof=1)) for key in SCORES},
    }
    figures = {"validation": {**best.figures["validation"], **spread}}
    card = replace(best, selection=CRITERION, figures=figures, path=run / f"{best.name}.json")
    write_card(card, run / f"{best.name}.json")
    return card


def _data_words(data: Path) -> str:
    if data.name == "flir_train":
        return (
            "180 pairs of road scenes, thermal and visible, from FLIR / RoadScene in the split of AUIF's authors; "
            "research use. Holds 40 of the 50 scenes of roadscene50."
        )
    return "given by the user"


def _validation_words(validation: Path | None) -> str:
    if validation is not None and validation.name == "msrs361":
        return f"msrs361 (MSRS, official test part), frames from {MSRS361_VALIDATION_FROM} on"
    return str(validation.name) if validation is not None else "none"

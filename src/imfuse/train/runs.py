"""A training from data to shipped files: several seeds, one chosen on validation pairs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from imfuse.data.splits import MSRS361_VALIDATION_FROM, is_msrs361_validation
from imfuse.errors import DataError
from imfuse.networks.two_scale import TwoScaleNetwork
from imfuse.registry import ModelCard
from imfuse.train.autoencoder import train_autoencoder
from imfuse.train.autoencoder_config import AutoencoderConfig
from imfuse.train.config import TrainingConfig
from imfuse.train.seeds import keep_best, save_trained, seed_runs
from imfuse.train.validation import SCORES, Pair, mean_ranks, means, pairs_of, score_pairs

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
    words = {data.name: _data_words(data)}
    for recipe, folder, goes_on in seed_runs(config, run, seeds, resume):
        network = train_autoencoder(recipe, data, folder, resume=goes_on, progress=progress)
        figures = {} if pairs is None else {"validation": _scores(network, pairs, validation)}
        name = model_name(recipe)
        card = save_trained(network, name, recipe, folder, tasks=("infrared",), data=words, figures=figures)
        cards.append(card)
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


def _choose(cards: list[ModelCard], run: Path) -> ModelCard:
    """Copy the files of the best seed into ``run``; its card tells the scores of all."""
    scores = [card.figures["validation"]["scores"] for card in cards]
    ranks = mean_ranks(scores)
    ranked = [{**score, "mean_rank": value} for score, value in zip(scores, ranks, strict=True)]
    return keep_best(cards, int(np.argmin(ranks)), ranked, SCORES, CRITERION, run)


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

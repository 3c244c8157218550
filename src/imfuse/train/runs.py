"""A training of AUIF from data to shipped files: several seeds, one chosen on validation pairs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np

from imfuse.data.splits import MSRS361_VALIDATION_FROM, is_msrs361_validation
from imfuse.errors import DataError
from imfuse.networks.auif import AUIF
from imfuse.registry import ModelCard
from imfuse.train.auif import PAPER, AUIFConfig, train_auif, with_seed
from imfuse.train.autoencoder import last_checkpoint
from imfuse.train.export import save_model
from imfuse.train.validation import SCORES, Pair, mean_ranks, means, pairs_of, score_pairs

CRITERION = (
    "the seed with the smallest mean rank over EN, SD, SF, AG, SCD and VIFF (means over the validation pairs, 8-bit "
    "luma), fixed before the test sets were looked at"
)
VALIDATION_SCORES = "validation.json"


def validation_pairs(folder: Path) -> list[Pair]:
    """The pairs of a validation folder; of MSRS's test part only those of the committed split."""
    if folder.name == "msrs361":
        return pairs_of(folder, is_msrs361_validation)
    return pairs_of(folder)


def train_seeds(
    config: AUIFConfig,
    data: Path,
    run: Path,
    seeds: int,
    validation: Path | None,
    *,
    resume: bool = False,
    progress: bool = True,
) -> ModelCard:
    """Train with ``seeds`` seeds from ``config.seed`` on, choose one, and write its weights and card into ``run``.

    With one seed its files lie in ``run`` itself, with several in ``run/seed-N``.

    Raises:
        DataError: several seeds without validation pairs to choose by.
    """
    if seeds > 1 and validation is None:
        raise DataError("several seeds are chosen between on validation pairs: give --validation FOLDER")
    pairs = None if validation is None else validation_pairs(validation)
    recipes = [with_seed(config, config.seed + offset) for offset in range(seeds)]
    folders = [run if seeds == 1 else run / f"seed-{recipe.seed}" for recipe in recipes]
    networks, scores = [], []
    for recipe, folder in zip(recipes, folders, strict=True):
        network = train_auif(
            recipe, data, folder, resume=resume and last_checkpoint(folder).is_file(), progress=progress
        )
        networks.append(network)
        if pairs is not None:
            scores.append(means(score_pairs(network, pairs)))
            (folder / VALIDATION_SCORES).write_text(json.dumps(scores[-1], indent=1) + "\n", encoding="utf-8")
    return _ship(recipes, networks, scores, folders, data, validation, run)


def _ship(
    recipes: list[AUIFConfig],
    networks: list[AUIF],
    scores: list[dict[str, float]],
    folders: list[Path],
    data: Path,
    validation: Path | None,
    run: Path,
) -> ModelCard:
    ranks = mean_ranks(scores) if scores else [1.0]
    best = int(np.argmin(ranks))
    for name in ("config.json", "curves.csv", "curves.png"):
        if folders[best] != run and (folders[best] / name).is_file():
            shutil.copyfile(folders[best] / name, run / name)
    figures: dict[str, object] = {}
    if scores:
        figures["validation"] = {
            "data": _validation_words(validation),
            "metrics": "imfuse.metrics, 8-bit luma, mean over the pairs",
            "chosen": scores[best],
            "seeds": {
                str(recipe.seed): {**score, "mean_rank": value}
                for recipe, score, value in zip(recipes, scores, ranks, strict=True)
            },
            "mean": {key: float(np.mean([score[key] for score in scores])) for key in SCORES},
            "deviation": {key: float(np.std([score[key] for score in scores])) for key in SCORES},
        }
    return save_model(
        networks[best],
        run / "auif.safetensors",
        network="auif",
        arguments=recipes[best].network_arguments(),
        tasks=("infrared",),
        paper=PAPER,
        data={data.name: _data_words(data)},
        recipe=recipes[best].to_dict(),
        selection=CRITERION if len(recipes) > 1 else "the only run",
        figures=figures,
    )


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

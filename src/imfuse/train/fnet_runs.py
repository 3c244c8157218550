"""A training of FNet from data to files with cards."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from imfuse.data.splits import MSRS361_VALIDATION_FROM
from imfuse.networks.fnet import FNet
from imfuse.registry import ModelCard, read_card
from imfuse.train.export import save_model
from imfuse.train.fnet import FNetConfig, train_fnet
from imfuse.train.pair_crops import read_pairs
from imfuse.train.runs import validation_pairs
from imfuse.train.validation import means, score_pairs

METRICS = ("mi", "vif", "qabf", "ssim-sk019", "scd", "sf", "ag", "en")
"""Those of the paper's Table I and four that the pixelwise maximum does not win."""

TASKS = ("infrared", "medical")


def train_pairs(
    config: FNetConfig,
    data: Sequence[Path],
    run: Path,
    *,
    without: Sequence[Path] = (),
    validation: Path | None = None,
    resume: bool = False,
    progress: bool = True,
) -> ModelCard:
    """Train FNet and write weights and cards into ``run``: ``fnet``, and ``fnet-inverse`` as the first stage left it.

    The card of the one names the other, so that ``explain`` shows the sources that IFNet gives back wherever both lie
    in one folder.

    Args:
        config: the recipe.
        data: data sets of pairs, each with ``ir`` and ``vis``; of one named ``msrs361``, its training part.
        run: folder for checkpoints, curves, weights and cards.
        without: data sets whose scenes are left out.
        validation: pairs to score on; of a folder named ``msrs361``, its validation part.
        resume: go on from the last finished epoch.
        progress: show a progress bar.

    Returns:
        The card of ``fnet``.
    """
    pairs = read_pairs(data, config.crop, without)
    trained = train_fnet(config, pairs, run, resume=resume, progress=progress)
    words = _data_words(data, without, len(pairs))
    inverse = ""
    if trained.invertible is not None:
        inverse = _save(trained.invertible, "fnet_inverse", config, run, words, {}).name
    elif config.weights:
        inverse = _inverse_of(Path(config.weights), run)
    figures = {} if validation is None else {"validation": _scores(trained.network, validation)}
    return _save(trained.network, "fnet", config, run, words, figures, inverse)


def _inverse_of(weights: Path, run: Path) -> str:
    """The name of the inverse that belongs to a model, which is copied to lie beside its successor; empty without."""
    name = read_card(weights.with_suffix(".json")).inverse
    card = weights.with_name(f"{name}.json")
    if not (name and card.is_file()):
        return ""
    for path in (card, card.with_suffix(".safetensors")):
        shutil.copyfile(path, run / path.name)
    return name


def _save(
    network: FNet,
    key: str,
    config: FNetConfig,
    run: Path,
    data: dict[str, str],
    figures: dict[str, Any],
    inverse: str = "",
) -> ModelCard:
    return save_model(
        network,
        run / f"{key.replace('_', '-')}.safetensors",
        network=key,
        arguments=config.fusing_arguments() if key == "fnet" else config.network_arguments(),
        tasks=TASKS,
        paper=config.paper,
        data=data,
        recipe=config.told() | {"stages": _stages(key, config)},
        selection="the only run",
        figures=figures,
        inverse=inverse,
    )


def _stages(key: str, config: FNetConfig) -> str:
    """Which stages were run here to come to a model."""
    if key == "fnet_inverse":
        return "first"
    return "both" if config.stages[0] else "second"


def _data_words(data: Sequence[Path], without: Sequence[Path], count: int) -> dict[str, str]:
    known = {
        "msrs361": f"infrared and visible road scenes, MSRS, official test part, frames below {MSRS361_VALIDATION_FROM}"
        "; research use",
        "flir_train": "180 pairs of road scenes, thermal and visible, from FLIR / RoadScene in the split of AUIF's "
        "authors; research use",
    }
    left_out = f"; without the scenes of {', '.join(folder.name for folder in without)}" if without else ""
    named = Counter(folder.name for folder in data)
    entries = {
        name: known.get(name, "given by the user") + (f"; taken {times} times" if times > 1 else "") + left_out
        for name, times in named.items()
    }
    return entries | {"pairs": f"{count} altogether"}


def _scores(network: FNet, validation: Path) -> dict[str, Any]:
    return {
        "data": f"{validation.name}, {'validation part' if validation.name == 'msrs361' else 'all pairs'}",
        "metrics": "imfuse.metrics, 8-bit luma, mean over the pairs",
        "scores": means(score_pairs(network, validation_pairs(validation), METRICS)),
    }

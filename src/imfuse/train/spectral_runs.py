"""Trainings of CSC-MMFN from data to weights with a card: on a folder of scenes, or on the pair to be fused."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from imfuse.cubes import cube_endings
from imfuse.data.cave import cave_set, read_cave
from imfuse.errors import DataError, OutputError
from imfuse.model_card import ModelCard
from imfuse.networks.csc_mmfn import CSCMMFN
from imfuse.spectral.fuser import SpectralFuser
from imfuse.tasks import task
from imfuse.train.csc_mmfn import CSCMMFNConfig, scene_scores, train_csc_mmfn
from imfuse.train.cubes import PackedScene, pack
from imfuse.train.seeds import keep_best, save_trained, seed_runs
from imfuse.train.spectral_pair import TrainingPair, fused_writer, read_pair

log = logging.getLogger(__name__)

TASKS = ("spectral",)
SCORES = ("psnr", "sam")
CRITERION = "the seed with the largest PSNR on the validation scenes"
_METRICS = "PSNR in dB over all pixels and bands, mean spectral angle in degrees; clamped to [0, 1]"


def read_scenes(folder: Path) -> list[PackedScene]:
    """The scenes of a folder in CAVE's form, packed; all of one number of bands.

    Raises:
        DataError: there are none, or their bands differ in number.
    """
    scenes = []
    for scene in cave_set(folder).scenes:
        bands, guide = read_cave(scene)
        scenes.append(pack(scene.name, bands, guide))
        if scenes[-1].bands.shape[0] != scenes[0].bands.shape[0]:
            counts = [len(one.bands) for one in (scenes[-1], scenes[0])]
            raise DataError(f"{folder}: {scene.name} has {counts[0]} bands, and {scenes[0].name} {counts[1]}")
    return scenes


def train_on_scenes(
    config: CSCMMFNConfig,
    data: Path,
    run: Path,
    seeds: int = 1,
    validation: Path | None = None,
    *,
    resume: bool = False,
    progress: bool = True,
) -> ModelCard:
    """Train with ``seeds`` seeds from ``config.seed`` on; weights and card of the best one on validation into ``run``.

    With one seed its files lie in ``run`` itself; with several, those of each in ``run/seed-N``.

    Args:
        config: the recipe.
        data: folder of scenes: see :func:`imfuse.data.cave.cave_set`.
        run: folder of the run.
        seeds: how many.
        validation: folder of scenes to score on.
        resume: go on from the checkpoint of the run.
        progress: show a progress bar.

    Raises:
        DataError: the scenes are not as the recipe says, or several seeds without validation scenes to choose by.
    """
    if seeds > 1 and validation is None:
        raise DataError("several seeds are chosen between on validation scenes: give --validation FOLDER")
    scenes = read_scenes(data)
    scored = [] if validation is None else read_scenes(validation)
    for folder, found in ((data, scenes), (validation, scored)):
        for scene in found[:1]:
            _check_bands(config, len(scene.bands), len(scene.guide), str(folder))
    place = data.resolve()
    words = {f"{place.parent.name}/{place.name}": _data_words(scenes)}
    cards = []
    for recipe, folder, goes_on in seed_runs(config, run, seeds, resume):
        network = train_csc_mmfn(recipe, scenes, folder, validation=scored, resume=goes_on, progress=progress)
        figures = {"validation": _figures(network, recipe, scored)} if scored else {}
        name = model_name(recipe)
        cards.append(save_trained(network, name, recipe, folder, tasks=TASKS, data=words, figures=figures))
    return cards[0] if seeds == 1 else _choose(cards, run)


def train_on_pair(
    config: CSCMMFNConfig,
    low: Path,
    guide: Path,
    run: Path,
    *,
    resume: bool = False,
    progress: bool = True,
) -> tuple[ModelCard, Path]:
    """Train on a pair one scale down, where its bands are the truth, then fuse it as it is.

    Bands, channels and scale of the recipe are the pair's; the crops are no larger than its coarse bands.

    Args:
        config: the recipe.
        low: the bands: see :func:`imfuse.train.spectral_pair.read_pair`.
        guide: of a whole multiple of their size.
        run: folder of the run; ``fused`` with the ending of ``low`` is the result, or ``fused.tif`` where bands are not
            written in its format.
        resume: go on from the checkpoint of the run.
        progress: show a progress bar.

    Returns:
        The card and the path of the result.

    Raises:
        DataError: the pair is too small, or holds values that are no light.
        OutputError: the result is there already, or cannot be written.
        SizeMismatchError: the two do not cover the same ground.
        SourceError: a file cannot be read, or holds no bands.
    """
    target = run / f"fused{low.suffix if low.suffix.lower() in cube_endings() else '.tif'}"
    if target.exists():
        raise OutputError(f"{target}: exists already; choose another --run")
    pair = read_pair(low, guide)
    recipe = _fitted(config, pair)
    run.mkdir(parents=True, exist_ok=True)
    early = (*pair.notes, *fused_writer(target, pair).notes)
    for note in early:
        log.warning("%s", note)
    reduced = recipe.protocol().reduced(pair.low, pair.guide, curved=pair.curved)
    height, width = reduced.truth.shape[-2:]
    scenes = [pack(low.name, reduced.truth, reduced.guide, pair.valid[:height, :width])]
    if not pair.valid[:height, :width].any():
        raise DataError(f"{low.name}, {guide.name}: no pixel has all bands and all of the guide to train on")
    network = train_csc_mmfn(recipe, scenes, run, validation=scenes, resume=resume, progress=progress)
    words = {f"{low.name}, {guide.name}": f"given by the user; the bands were divided by {pair.peak:g}"}
    figures = {"training pair, one scale down": _figures(network, recipe, scenes)}
    name = model_name(recipe)
    card = save_trained(network, name, recipe, run, tasks=TASKS, data=words, figures=figures)
    report = SpectralFuser(network, task(TASKS[0]), name, card=card).fuse_file([low, guide], target)
    for note in report.notes:
        if note not in early:
            log.info("%s", note)
    return card, target


def model_name(config: CSCMMFNConfig) -> str:
    """The name of a recipe's model, as users write it: ``csc-mmfn-x4``, and ``-linear`` with a decoded guide."""
    return f"csc-mmfn-x{config.scale}" + ("-linear" if config.guide_transfer == "linear" else "")


def _fitted(config: CSCMMFNConfig, pair: TrainingPair) -> CSCMMFNConfig:
    """The recipe for a pair."""
    bands, channels, scale = pair.low.shape[1], pair.guide.shape[1], pair.scale
    side = min(pair.low.shape[-2:]) // scale * scale
    if side < 2 * scale:
        height, width = pair.low.shape[-2:]
        raise DataError(
            f"bands of {height}×{width} pixels are too few to train on at scale {scale}: {2 * scale} are needed at "
            "least; take a larger part of the scene"
        )
    crop = max(2 * scale, min(config.crop, side) // scale * scale)
    return replace(config, bands=bands, guide_channels=channels, scale=scale, crop=crop, guide_curved=pair.curved)


def _check_bands(config: CSCMMFNConfig, bands: int, channels: int, place: str) -> None:
    if (bands, channels) != (config.bands, config.guide_channels):
        raise DataError(
            f"{place}: holds {bands} bands and guides of {channels} channels: give --bands {bands} --guide-channels "
            f"{channels}"
        )


def _figures(network: CSCMMFN, recipe: CSCMMFNConfig, scenes: Sequence[PackedScene]) -> dict[str, Any]:
    scores = scene_scores(network, recipe.protocol(), scenes)
    return {
        "data": f"{len(scenes)} scenes, scale {recipe.scale}, {recipe.degradation}",
        "metrics": _METRICS,
        "scores": {key: float(np.mean([score[key] for score in scores])) for key in SCORES},
        "scenes": {scene.name: score for scene, score in zip(scenes, scores, strict=True)},
    }


def _choose(cards: list[ModelCard], run: Path) -> ModelCard:
    """Copy the files of the best seed into ``run``; its card tells the scores of all."""
    scores = [card.figures["validation"]["scores"] for card in cards]
    return keep_best(cards, int(np.argmax([score["psnr"] for score in scores])), scores, SCORES, CRITERION, run)


def _data_words(scenes: Sequence[PackedScene]) -> str:
    names = ", ".join(scene.name for scene in scenes)
    return (
        f"{len(scenes)} scenes of bands and RGB renderings in CAVE's form (Yasuma et al. 2010, research use): {names}"
    )

"""A training of CSC-MEFN from data to files with a card: several seeds, one chosen on validation brackets."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from imfuse.data.pairs import read_gray
from imfuse.data.sets import read_data_set
from imfuse.errors import DataError
from imfuse.networks.csc_mefn import CSCMEFN
from imfuse.ops.exposure_similarity import gray_exposure_similarity
from imfuse.registry import ModelCard
from imfuse.train.brackets import Bracket, read_brackets
from imfuse.train.csc_mefn import CSCMEFNConfig, train_csc_mefn
from imfuse.train.seeds import keep_best, save_trained, seed_runs

log = logging.getLogger(__name__)

CRITERION = "the seed with the largest mean MEF-SSIM (with luminance, luma, before the stretch) on the validation set"
SCORE = "mef-ssim-lum"

KNOWN_DATA = {
    "deepfuse46": "46 scenes of 3 exposures, collected by the authors of PMEF; research use",
    "pmef33": "33 scenes of 3 to 12 exposures, collected by the authors of PMEF; research use",
    "pmef15": "15 scenes of 2 to 10 exposures, collected by the authors of PMEF; research use",
}


@dataclass(frozen=True)
class BracketData:
    """What a training of CSC-MEFN sees.

    Attributes:
        folders: sets of brackets, each with one folder per scene.
        skip: scenes to leave out, as ``SET/SCENE``.
        validation: a set that it is scored on.
    """

    folders: Sequence[Path]
    skip: Collection[str] = ()
    validation: Path | None = None

    def words(self) -> dict[str, str]:
        """For the card: name → origin, and what is left out."""
        entries = {folder.name: KNOWN_DATA.get(folder.name, "given by the user") for folder in self.folders}
        if self.skip:
            entries["left out"] = ", ".join(sorted(self.skip))
        return entries


def train_bracket_seeds(
    config: CSCMEFNConfig, data: BracketData, run: Path, seeds: int, *, resume: bool = False, progress: bool = True
) -> ModelCard:
    """Train with ``seeds`` seeds from ``config.seed`` on and write weights and card of the chosen one into ``run``.

    With one seed its files lie in ``run`` itself; with several, those of each in ``run/seed-N``.

    Raises:
        DataError: several seeds without validation brackets to choose by; or as the training.
    """
    if seeds > 1 and data.validation is None:
        raise DataError("several seeds are chosen between on validation brackets: give --validation FOLDER")
    brackets = read_brackets(data.folders, config.crop, data.skip)
    cards = []
    log.info("%d scenes", len(brackets))
    for recipe, folder, goes_on in seed_runs(config, run, seeds, resume):
        cards.append(_train(recipe, brackets, data, folder, goes_on, progress))
    if seeds == 1:
        return cards[0]
    scores = [card.figures["validation"]["scores"] for card in cards]
    best = int(np.argmax([score[SCORE] for score in scores]))
    return keep_best(cards, best, scores, (SCORE, "mef-ssim-lum, fast"), CRITERION, run)


def model_name(config: CSCMEFNConfig) -> str:
    """``csc-mefn``, or ``csc-mefn-no-halo`` without the halo loss."""
    return "csc-mefn" if config.halo_weight else "csc-mefn-no-halo"


def _train(
    recipe: CSCMEFNConfig, brackets: Sequence[Bracket], data: BracketData, folder: Path, resume: bool, progress: bool
) -> ModelCard:
    network = train_csc_mefn(recipe, brackets, folder, resume=resume, progress=progress)
    figures = {} if data.validation is None else {"validation": _figures(network, data.validation)}
    name = model_name(recipe)
    return save_trained(network, name, recipe, folder, tasks=("exposure",), data=data.words(), figures=figures)


def _figures(network: CSCMEFN, folder: Path) -> dict[str, Any]:
    scores = {SCORE: score_brackets(network, folder)}
    if network.guided:  # or there is no fast mode
        network.use_fast()
        scores[f"{SCORE}, fast"] = score_brackets(network, folder)
        network.use_fast(False)
    return {
        "data": f"{folder.name}: all exposures of every scene",
        "metrics": "MEF-SSIM with luminance of Ma et al. 2020, luma before the stretch, not rounded; mean over scenes",
        "scores": scores,
    }


def score_brackets(network: CSCMEFN, folder: Path) -> float:
    """Mean MEF-SSIM with luminance over the scenes of a set, of the fused lumas as the network gives them.

    Raises:
        DataError: there is no scene.
    """
    with torch.inference_mode():
        scores = [mef_ssim_of_luma(network.fuse(lumas), lumas) for lumas in _validation_lumas(folder)]
    if not scores:
        raise DataError(f"{folder}: no brackets to score")
    return float(np.mean(scores))


def mef_ssim_of_luma(fused: Tensor, lumas: Sequence[Tensor]) -> float:
    """MEF-SSIM with luminance of a picture (1, 1, H, W), in single precision."""
    luminance, structure = gray_exposure_similarity(fused, lumas)
    return float(luminance.mean() * structure.mean())


def _validation_lumas(folder: Path) -> Iterator[list[Tensor]]:
    for scene in read_data_set(folder, "exposure").scenes:
        yield [torch.from_numpy(read_gray(path)).float().div_(255)[None, None] for path in scene.sources]

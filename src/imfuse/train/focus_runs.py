"""A training of IFCNN from data to files with a card."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imfuse.data.splits import MIDDLEBURY_VALIDATION
from imfuse.fuser import Fuser
from imfuse.networks.ifcnn import IFCNN
from imfuse.registry import ModelCard
from imfuse.rules import AVERAGE
from imfuse.tasks import task
from imfuse.train.export import save_model
from imfuse.train.focus_crops import training_scenes
from imfuse.train.focus_scores import score_truth, truth_pairs
from imfuse.train.ifcnn import IFCNNConfig, train_ifcnn

SHORT_NAMES = {"maximum": "max", "average": "mean", "addition": "sum"}
"""Rules as the paper calls the variants."""

TASKS = ("focus", "infrared", "medical", "exposure")
AVERAGE_TASKS = ("exposure", "focus", "infrared", "medical")
"""What the network serves; the first is what the paper takes this rule for."""


@dataclass(frozen=True)
class FocusData:
    """What a training of IFCNN sees.

    Attributes:
        depth: folders with ``rgb`` and ``depth``.
        pictures: folders of pictures that get a made-up depth.
        built_in: arrangements of each of the built-in scenes.
    """

    depth: Sequence[Path] = ()
    pictures: Sequence[Path] = ()
    built_in: int = 8

    def words(self) -> dict[str, str]:
        """For the card: name → origin."""
        entries = {folder.name: "colour and depth; given by the user" for folder in self.depth}
        known = {
            "middlebury": "colour and depth, Middlebury stereo scenes 1 to 20 of 30; research use",
            "lu": "6 scenes with colour and depth, S. Lu, X. Ren, F. Liu (CVPR 2014); research use",
            "kitchen": "59 frames of colour and depth, 7-Scenes; research use",
        }
        entries |= {name: known[name] for name in entries if name in known}
        entries |= {folder.name: "pictures with a made-up depth; given by the user" for folder in self.pictures}
        if self.built_in:
            entries["built-in scenes"] = f"{self.built_in} arrangements of each, with their depth; Apache-2.0"
        return entries


def train_focus(
    config: IFCNNConfig,
    data: FocusData,
    run: Path,
    *,
    validation: Path | None = None,
    perceptual_weights: Path | None = None,
    resume: bool = False,
    progress: bool = True,
) -> ModelCard:
    """Train IFCNN and write weights and card into ``run``.

    Args:
        config: the recipe.
        data: what it sees.
        run: folder for checkpoints, curves, weights and card.
        validation: folder with ``rgb`` and ``depth``; of one named ``middlebury``, scenes 21 to 25.
        perceptual_weights: file of SqueezeNet's weights.
        resume: go on from the last finished epoch.
        progress: show a progress bar.
    """
    scenes = training_scenes(list(data.depth), list(data.pictures), data.built_in, config.seed)
    network = train_ifcnn(config, scenes, run, perceptual_weights=perceptual_weights, resume=resume, progress=progress)
    figures = {} if validation is None else {"validation": _scores(network, validation)}
    return save_model(
        network,
        run / f"ifcnn-{SHORT_NAMES[config.rule]}.safetensors",
        network=config.network,
        arguments=config.network_arguments(),
        tasks=AVERAGE_TASKS if config.rule == AVERAGE.name else TASKS,
        paper=config.paper,
        data=data.words(),
        recipe=config.told(),
        selection="the only run",
        figures=figures,
    )


def _scores(network: IFCNN, validation: Path) -> dict[str, Any]:
    fuser = Fuser(network, task("focus"))

    def fuse(sources: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
        return np.asarray(fuser.fuse(sources).image)

    return {
        "data": f"{validation.name}: 4 multi-focus pairs of each validation scene, wide blur, seed 0",
        "metrics": "imfuse.metrics, 8-bit RGB, mean over the pairs",
        "scores": score_truth(fuse, truth_pairs(validation, MIDDLEBURY_VALIDATION)),
    }

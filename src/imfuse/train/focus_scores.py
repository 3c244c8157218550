"""How well multi-focus pairs are fused whose truth is known."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from imfuse.data.focus_pairs import FocusPair, SigmaRule, fitted, random_pair, read_depth_scenes
from imfuse.data.splits import middlebury_number
from imfuse.errors import DataError
from imfuse.metrics import evaluate
from imfuse.train.validation import means

Fuse = Callable[[list[NDArray[np.uint8]]], NDArray[np.uint8]]
"""Two pictures (H, W, 3) of 8 bits to one."""

PAIRS_PER_SCENE = 4
SCORES = ("psnr", "ssim")


def truth_pairs(folder: Path, numbers: Collection[int], rule: SigmaRule = "wide", seed: int = 0) -> list[FocusPair]:
    """Pairs with the paper's random radii and thresholds, four of every scene.

    Args:
        folder: of depth scenes.
        numbers: of Middlebury scenes with these in their names, only these; of others, all.
        rule: how wide the blur of a radius is.
        seed: of radii and thresholds.

    Raises:
        DataError: there is none.
    """
    scenes = [scene for scene in read_depth_scenes([folder]) if middlebury_number(scene.name) in {None, *numbers}]
    if not scenes:
        raise DataError(f"{folder}: none of its scenes is for this")
    generator = np.random.default_rng(seed)
    return [random_pair(fitted(scene), generator, rule) for scene in scenes for _ in range(PAIRS_PER_SCENE)]


def score_truth(fuse: Fuse, pairs: list[FocusPair]) -> dict[str, float]:
    """Mean PSNR and SSIM of fused pairs, sources and result rounded to 8 bits."""
    rows = []
    for pair in pairs:
        near, far, truth = (np.round(picture * 255).astype(np.uint8) for picture in (pair.near, pair.far, pair.truth))
        fused = fuse([near, far])
        tensors = [torch.from_numpy(picture).permute(2, 0, 1)[None] for picture in (fused, near, far, truth)]
        values = evaluate(tensors[0], tensors[1:3], SCORES, truth=tensors[3])
        rows.append({key: float(value) for key, value in values.items()})
    return means(rows)

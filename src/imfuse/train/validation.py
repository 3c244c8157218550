"""Scores of a network on pairs of pictures, by which runs are chosen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from imfuse.data.pairs import group_by_stem, read_gray
from imfuse.errors import DataError
from imfuse.metrics import METRICS, evaluate
from imfuse.quantise import OutputDepth
from imfuse.train.config import training_folder

if TYPE_CHECKING:
    from imfuse.networks.protocol import FusionNetwork

SCORES = ("en", "sd", "sf", "ag", "scd", "viff")
"""The six metrics of the AUIF and Deep CSC papers; their VIF is VIFF."""

Pair = tuple[str, Path, Path]


def pairs_of(folder: Path, keep: Callable[[str], bool] | None = None) -> list[Pair]:
    """The pairs of a data set with folders ``ir`` and ``vis``, of which ``keep`` chooses by stem.

    Raises:
        DataError: there is no pair.
    """
    groups = group_by_stem(training_folder(folder)).groups
    pairs = [(stem, infrared, visible) for stem, (infrared, visible) in groups if keep is None or keep(stem)]
    if not pairs:
        raise DataError(f"{folder}: no pairs of pictures to score; ir and vis must hold pictures of the same names")
    return pairs


def fuse_gray(network: FusionNetwork, infrared: NDArray[np.uint8], visible: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Fuse two 8-bit pictures (H, W) and round to 8 bits, as saving does."""
    sources = [torch.from_numpy(picture).float().div_(255)[None, None] for picture in (infrared, visible)]
    with torch.inference_mode():
        fused = network.eval().fuse(sources)
    pixels, _ = OutputDepth(np.dtype(np.uint8)).quantise(fused[0])
    return np.asarray(pixels[..., 0])


def score_pairs(
    network: FusionNetwork, pairs: Sequence[Pair], metrics: Sequence[str] = SCORES
) -> list[dict[str, float]]:
    """The metrics of every fused pair, computed on 8-bit luma."""
    rows = []
    for _, infrared_path, visible_path in pairs:
        infrared, visible = read_gray(infrared_path), read_gray(visible_path)
        fused = fuse_gray(network, infrared, visible)
        tensors = [torch.from_numpy(picture)[None, None] for picture in (fused, infrared, visible)]
        values = evaluate(tensors[0], tensors[1:], metrics)
        rows.append({key: float(value) for key, value in values.items()})
    return rows


def means(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Mean of every column."""
    return {key: float(np.mean([row[key] for row in rows])) for key in rows[0]}


def mean_ranks(scores: Sequence[Mapping[str, float]]) -> list[float]:
    """For every candidate the mean of its ranks over the metrics, 1 being the best: the smallest is chosen.

    Candidates of equal value share the better rank.
    """
    ranks = np.zeros(len(scores))
    for key in scores[0]:
        sign = 1 if METRICS[key].direction == "higher" else -1
        values = np.array([sign * score[key] for score in scores])
        ranks += 1 + (values[None, :] > values[:, None]).sum(axis=1)
    return [float(rank) for rank in ranks / len(scores[0])]


def describe(scores: Mapping[str, Any]) -> str:
    """Scores on one line."""
    return "  ".join(f"{METRICS[key].name} {value:.3f}" for key, value in scores.items())

"""IFCNN beside its published weights and the classical methods: real sets, and pairs whose truth is known.

Run: ``python benchmarks/ifcnn_quality.py DATA`` with the folder of the data sets; ``--models`` names what is compared
(built-in names, or files of converted published weights). ``--part truth`` measures the held-out multi-focus pairs
alone, ``--part sets`` the real sets. Everything is fused through the same Fuser, rounded to 8 bits and measured on
BT.601 luma; the pairs with a truth in RGB. ``--write-card`` stores the figures of the first model in its card.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

import imfuse
from imfuse.data.pairs import read_gray
from imfuse.data.sets import Scene, read_data_set
from imfuse.data.splits import MIDDLEBURY_TEST
from imfuse.fuser import Fuser
from imfuse.metrics import METRICS, evaluate
from imfuse.registry import read_card, write_card
from imfuse.scoring import read_picture
from imfuse.train.focus_scores import score_truth, truth_pairs
from imfuse.train.validation import means

SETS = {
    "focus/lytro20": "focus",
    "infrared/tno25": "infrared",
    "infrared/roadscene50": "infrared",
    "infrared/ifcnn14": "infrared",
    "medical/ifcnn8": "medical",
}
HELD_OUT = "multi-focus pairs of Middlebury 26 to 30, 8-bit RGB"
KEYS = ("sf", "ag", "scd", "vif", "ssim-sk019", "viff", "nmi")


def row(name: str, values: Sequence[str]) -> str:
    """A row of a Markdown table."""
    return f"| {name} | " + " | ".join(values) + " |"


def pictures(scene: Scene, task: str) -> list[NDArray[np.uint8]]:
    """The sources of a scene: gray, but of a focus stack."""
    if task != "focus":
        return [read_gray(path) for path in scene.sources]
    return [read_picture(path)[0].permute(1, 2, 0).numpy() for path in scene.sources]


def as_tensor(picture: NDArray[np.uint8]) -> torch.Tensor:
    """(H, W) or (H, W, C) as (1, C, H, W)."""
    return torch.from_numpy(picture.reshape(*picture.shape[:2], -1)).permute(2, 0, 1)[None]


def scores_of(fuser: Fuser, scenes: Sequence[Scene], task: str) -> dict[str, float]:
    """Means over the scenes."""
    rows = []
    for scene in scenes:
        sources = pictures(scene, task)
        fused = np.asarray(fuser.fuse(sources).image)
        values = evaluate(as_tensor(fused), [as_tensor(source) for source in sources], KEYS)
        rows.append({key: float(value) for key, value in values.items()})
    return means(rows)


def measured_sets(models: Sequence[str], data: Path) -> dict[str, dict[str, Any]]:
    """Print the tables of the real sets; the figures by model and set."""
    found: dict[str, dict[str, Any]] = {model: {} for model in models}
    print(row("set, model", [METRICS[key].name for key in KEYS]))
    print("|" + " --- |" * (len(KEYS) + 1))
    for name, task in SETS.items():
        scenes = read_data_set(data / name, task).scenes
        for model in models:
            fuser = imfuse.load(model, task=task)
            scores = scores_of(fuser, scenes, task)
            found[model][name] = scores
            print(row(f"{name}, {fuser.name}", [f"{scores[key]:.4g}" for key in KEYS]), flush=True)
    return found


def measured_truth(models: Sequence[str], data: Path) -> dict[str, dict[str, float]]:
    """Print the table of the held-out pairs; the figures by model."""
    pairs = truth_pairs(data / "depth/middlebury", MIDDLEBURY_TEST, seed=1)
    found = {}
    print(row(f"{len(pairs)} held-out pairs, model", ["PSNR", "SSIM"]))
    print("| --- | --- | --- |")
    for model in models:
        fuser = imfuse.load(model, task="focus")

        def fuse(sources: list[NDArray[np.uint8]], fuser: Fuser = fuser) -> NDArray[np.uint8]:
            return np.asarray(fuser.fuse(sources).image)

        found[model] = score_truth(fuse, pairs)
        print(row(fuser.name, [f"{found[model]['psnr']:.2f}", f"{found[model]['ssim']:.4f}"]), flush=True)
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--models", nargs="+", default=["ifcnn-max", "guided-filter", "laplacian-pyramid", "average"])
    parser.add_argument("--part", choices=["sets", "truth", "all"], default="all")
    parser.add_argument("--write-card", action="store_true")
    options = parser.parse_args()
    torch.manual_seed(0)
    test: dict[str, Any] = {"metrics": "imfuse.metrics, 8-bit luma, mean over the scenes"}
    first = options.models[0]
    if options.part != "truth":
        test["sets"] = measured_sets(options.models, options.data)[first]
    if options.part != "sets":
        test[HELD_OUT] = measured_truth(options.models, options.data)[first]
    card = imfuse.load(first).card
    if options.write_card and card is not None and card.path is not None:
        card = read_card(card.path)
        write_card(replace(card, figures={**card.figures, "test": card.figures.get("test", {}) | test}), card.path)


if __name__ == "__main__":
    main()

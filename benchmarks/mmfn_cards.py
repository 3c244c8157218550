"""Measure the built-in CSC-MMFN on CAVE's test scenes and store the means in their cards.

Run: ``python benchmarks/mmfn_cards.py DATA`` with the folder that holds ``spectral/cave/test``, once, after a training.
The figures are those of ``imfuse bench DATA/spectral/cave/test --task spectral --scale N``: bands averaged over blocks,
not quantised, results clamped to [0, 1]. The tables with all methods are made by ``imfuse bench DATA --reproduce
deep-csc-table4 --scale N``.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

import imfuse
from imfuse.bench.spectral import plan_spectral, run_spectral
from imfuse.registry import ModelCard, write_card

KEYS = ("psnr", "ssim", "sam", "ergas")
WORDS = "imfuse.metrics, all bands in [0, 1], area averages at the card's scale, clamped; mean over the scenes"


def measured(card: ModelCard, place: Path) -> dict[str, float]:
    """The means of a model over the scenes of a folder."""
    scale = card.arguments["scale"]
    with tempfile.TemporaryDirectory() as folder:
        rows = run_spectral(plan_spectral(place, [card.name], folder=Path(folder), scale=scale), scale=scale).rows
    failed = [row.error for row in rows if row.error]
    if failed:
        raise SystemExit(failed[0])
    return {key: float(np.mean([row.values[key] for row in rows])) for key in KEYS}


def main() -> None:
    """Measure, print and store."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    options = parser.parse_args()
    for card in imfuse.list_models("spectral", kind="learned"):
        scores = measured(card, options.data / "spectral/cave/test")
        print(card.name, {key: round(value, 4) for key, value in scores.items()}, flush=True)
        test = {"metrics": WORDS, "sets": {"spectral/cave/test": scores}}
        if card.path is not None:
            write_card(replace(card, figures={**card.figures, "test": test}), card.path)


if __name__ == "__main__":
    main()

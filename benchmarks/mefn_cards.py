"""Store the figures of the built-in CSC-MEFN in their cards.

Run: ``python benchmarks/mefn_cards.py FOLDER`` once after a training, with the folder that ``python
benchmarks/exposure_quality.py DATA -o FOLDER`` has filled for the built-in weights. Nothing is measured again: the
means over hdrps44 become the card's figures ``test``, those over tci24 and the figures of its scenes the entry
``results`` of ``validation``, each at full resolution and in the fast mode, before and after the stretch. Refused are
results of other weights than the cards', of a part of the scenes, and with failures.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import imfuse
from imfuse.bench.report import SUMMARY_NAME
from imfuse.bench.rows import Row, read_csv
from imfuse.bench.store import RESULTS_NAME
from imfuse.registry import ModelCard, write_card

TEST, VALIDATION = "hdrps44", "tci24"
SCENES = {TEST: 44, VALIDATION: 24}
SCORE = "mef-ssim-lum"
KEYS = (SCORE, "brisque", "niqe", "piqe")
MODES = {
    "before the stretch": "+no-stretch",
    "stretched": "+stretch",
    "fast, before the stretch": "+fast+no-stretch",
    "fast, stretched": "+fast+stretch",
}
WORDS = "imfuse.metrics, 8-bit results of all exposures, mean over the scenes; BRISQUE with LIVE's model"

Scores = dict[str, dict[str, float]]


def scores_of(rows: Sequence[Row], data_set: str, contender: str) -> Scores:
    """The metrics of a contender by scene.

    Raises:
        SystemExit: scenes are missing, or have no metrics.
    """
    found = [row for row in rows if (row.data_set, row.model) == (data_set, contender)]
    failed = [f"{row.scene} ({row.error})" for row in found if row.error]
    if failed:
        raise SystemExit(f"{data_set} {contender}: without figures: {', '.join(failed)}")
    if len(found) != SCENES[data_set]:
        raise SystemExit(f"{data_set} {contender}: {len(found)} of {SCENES[data_set]} scenes; measure all of them")
    return {row.scene: {key: row.values[key] for key in KEYS} for row in found}


def means(scores: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """Over the scenes."""
    return {key: float(np.mean([values[key] for values in scores.values()])) for key in KEYS}


def figures(rows: Sequence[Row], name: str) -> dict[str, Any]:
    """The entry ``test`` of a card, and the entry ``results`` of its validation."""
    test = {mode: means(scores_of(rows, TEST, name + suffix)) for mode, suffix in MODES.items()}
    seen = {mode: scores_of(rows, VALIDATION, name + suffix) for mode, suffix in MODES.items()}
    scenes = {scene: {mode: seen[mode][scene][SCORE] for mode in MODES} for scene in next(iter(seen.values()))}
    results = {
        "data": VALIDATION,
        "metrics": WORDS,
        "scores": {mode: means(scores) for mode, scores in seen.items()},
        f"{SCORE} of the scenes": scenes,
    }
    return {"test": {"metrics": WORDS, "sets": {TEST: test}}, "results": results}


def check_weights(card: ModelCard, summary: str) -> None:
    """Refuse results of other weights than those that a card describes.

    Raises:
        SystemExit: the benchmark's summary has another hash for one of the model's modes.
    """
    for suffix in MODES.values():
        lines = [line for line in summary.splitlines() if line.startswith(f"| {card.name}{suffix} | learned ")]
        if not any(card.sha256 in line for line in lines):
            raise SystemExit(f"{card.name}{suffix}: the results are not of these weights ({card.sha256[:16]}…)")


def main(arguments: Sequence[str] | None = None) -> None:
    """Read, print and store."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="the folder of exposure_quality.py")
    options = parser.parse_args(arguments)
    rows = read_csv(options.folder / RESULTS_NAME)
    summary = (options.folder / SUMMARY_NAME).read_text(encoding="utf-8")
    cards = [card for card in imfuse.list_models("exposure", kind="learned") if card.network == "csc_mefn"]
    if not cards:
        raise SystemExit("there is no built-in csc-mefn")
    stored = []
    for card in cards:
        check_weights(card, summary)
        found = figures(rows, card.name)
        validation = {**card.figures["validation"], "results": found["results"]}
        stored.append(replace(card, figures={**card.figures, "validation": validation, "test": found["test"]}))
    for card in stored:
        if card.path is not None:
            write_card(card, card.path)
    for card in stored:
        kinds = {VALIDATION: card.figures["validation"]["results"]["scores"], **card.figures["test"]["sets"]}
        for name, scores in kinds.items():
            for mode, values in scores.items():
                print(card.name, name, mode, {key: round(value, 4) for key, value in values.items()})


if __name__ == "__main__":
    main()

"""Figures of infrared models on the published test sets.

Run: ``python benchmarks/published_sets.py DATA`` with the folder that holds ``tno40``, ``flir_test`` and
``nir_country`` (each with ``ir/`` and ``vis/``). ``--weights`` takes other models than the built-in one, several for
the mean and the spread over seeds; ``--write-card`` stores the figures in the first one's card.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

import imfuse
from imfuse.metrics import METRICS
from imfuse.registry import write_card
from imfuse.train.validation import means, pairs_of, score_pairs

SETS = ("tno40", "flir_test", "nir_country")
RELEASED = {
    "tno40": (6.9605, 43.3058, 11.577, 4.3066, 1.8654, 0.6350, 0.6639),
    "flir_test": (7.4546, 52.1852, 15.380, 5.9051, 1.8795, 0.6002, 0.6404),
    "nir_country": (7.4391, 64.2655, 26.869, 9.3012, 1.6904, 0.7655, 1.0191),
}
"""The weights that AUIF's authors released, run on the same pictures and measured by the same metrics."""


def row(name: str, values: list[str]) -> str:
    """A row of a Markdown table."""
    return f"| {name} | " + " | ".join(values) + " |"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--weights", nargs="+", default=["auif"])
    parser.add_argument("--write-card", action="store_true")
    arguments = parser.parse_args()
    keys = list(METRICS)
    fusers = [imfuse.load(weights) for weights in arguments.weights]
    figures: dict[str, object] = {}
    print(row("set, model", [METRICS[key].name for key in keys]))
    print("|" + " --- |" * (len(keys) + 1))
    for name in SETS:
        pairs = pairs_of(arguments.data / name)
        scores = [means(score_pairs(fuser.network, pairs, keys)) for fuser in fusers]
        figures[name] = scores[0]
        print(row(f"{name}, {arguments.weights[0]}", [f"{scores[0][key]:.3f}" for key in keys]))
        if len(scores) > 1:
            spread = [[score[key] for score in scores] for key in keys]
            words = [f"{np.mean(values):.3f} ± {np.std(values, ddof=1):.3f}" for values in spread]
            print(row(f"{name}, mean ± deviation of {len(scores)}", words))
        print(row(f"{name}, released weights", [f"{value:.3f}" for value in RELEASED[name]]))
    card = fusers[0].card
    if arguments.write_card and card is not None and card.path is not None:
        test = {"metrics": "imfuse.metrics, 8-bit luma, mean over the pairs", "sets": figures}
        write_card(replace(card, figures={**card.figures, "test": test}), card.path)


if __name__ == "__main__":
    main()

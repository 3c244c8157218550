"""Figures of infrared models on the published test sets.

Run: ``python benchmarks/published_sets.py DATA`` with the folder that holds ``tno40``, ``flir_test`` and
``nir_country`` (each with ``ir/`` and ``vis/``); ``--weights csc-ivfn`` for another model than ``auif``. Several
weights give the mean and the spread over seeds; ``--rules`` takes fusion rules for base and detail, ``BASE+DETAIL``,
several for a row each; ``--write-card`` stores the figures of the first row in the first one's card.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

import imfuse
from imfuse.fuser import Fuser
from imfuse.metrics import METRICS
from imfuse.registry import write_card
from imfuse.train.validation import means, pairs_of, score_pairs

SETS = ("tno40", "flir_test", "nir_country")
PUBLISHED = {
    "auif": {
        "tno40, released weights": (6.9605, 43.3058, 11.577, 4.3066, 1.8654, 0.6350, 0.6639),
        "flir_test, released weights": (7.4546, 52.1852, 15.380, 5.9051, 1.8795, 0.6002, 0.6404),
        "nir_country, released weights": (7.4391, 64.2655, 26.869, 9.3012, 1.6904, 0.7655, 1.0191),
    },
    "csc_ivfn": {
        "tno40, Table II": (6.91, 46.97, None, 4.22, 1.70, None, 0.62),
        "flir_test, Table II": (7.61, 55.94, None, 6.92, 1.80, None, 0.70),
        "nir_country, Table II": (7.36, 69.37, None, 9.42, 1.73, None, 1.05),
    },
}
"""For AUIF, the weights that its authors released, run on the same pictures and measured by the same metrics. For
CSC-IVFN, which was never released, its paper's table; its VIF is VIFF, and its SF is another one and left out."""


def row(name: str, values: Sequence[str]) -> str:
    """A row of a Markdown table."""
    return f"| {name} | " + " | ".join(values) + " |"


def use_rules(fuser: Fuser, rules: str | None) -> None:
    """Fuse by ``BASE+DETAIL`` from now on."""
    if rules is not None:
        base, _, detail = rules.partition("+")
        fuser.network.use_rule(base=base, detail=detail or base)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--weights", nargs="+", default=["auif"])
    parser.add_argument("--rules", nargs="+", default=[None], metavar="BASE+DETAIL")
    parser.add_argument("--write-card", action="store_true")
    arguments = parser.parse_args()
    keys = ["en", "sd", "sf", "ag", "scd", "vif", "viff"]
    fusers = [imfuse.load(weights) for weights in arguments.weights]
    card = fusers[0].card
    published = PUBLISHED.get(card.network, {}) if card is not None else {}
    figures: dict[str, object] = {}
    print(row("set, model", [METRICS[key].name for key in keys]))
    print("|" + " --- |" * (len(keys) + 1))
    for name in SETS:
        pairs = pairs_of(arguments.data / name)
        for rules in arguments.rules:
            for fuser in fusers:
                use_rules(fuser, rules)
            label = f"{name}, {fusers[0].name}" + (f", {fusers[0].network.rule_name}" if rules else "")
            scores = [means(score_pairs(fuser.network, pairs, keys)) for fuser in fusers]
            figures.setdefault(name, scores[0])
            print(row(label, [f"{scores[0][key]:.3f}" for key in keys]), flush=True)
            if len(scores) > 1:
                spread = [[score[key] for score in scores] for key in keys]
                words = [f"{np.mean(values):.3f} ± {np.std(values, ddof=1):.3f}" for values in spread]
                print(row(f"{label}, mean ± deviation of {len(scores)}", words))
        for label, values in published.items():
            if label.startswith(name):
                print(row(label, ["–" if value is None else f"{value:.3f}" for value in values]))
    if arguments.write_card and card is not None and card.path is not None:
        test = {"metrics": "imfuse.metrics, 8-bit luma, mean over the pairs", "sets": figures}
        write_card(replace(card, figures={**card.figures, "test": test}), card.path)


if __name__ == "__main__":
    main()

"""NIQE by imfuse's pristine model and by another one, LIVE's, on the same pictures.

Run: ``python benchmarks/niqe_models.py MODEL FOLDER...`` with the other model (``.npz``, ``.mat`` or ``.safetensors``)
and folders that are searched for pictures. Pictures without two blocks of 96×96 pixels are passed over.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from imfuse.errors import UsageError
from imfuse.io import is_picture_name
from imfuse.metrics import niqe
from imfuse.metrics.blind.fit import read_levels
from imfuse.metrics.blind.models import NIQE_MODEL

HEADS = (
    "set",
    "pictures",
    "imfuse's",
    "the other",
    "difference",
    "mean |difference|",
    "correlation",
    "rank correlation",
)


def scores(folder: Path, model: Path) -> list[tuple[float, float]]:
    """Values by imfuse's model and by the other one, for every picture that has a value."""
    values: list[tuple[float, float]] = []
    for path in sorted(path for path in folder.rglob("*") if is_picture_name(path)):
        picture = read_levels(path)[None] / 255.0
        try:
            pair = niqe(picture, NIQE_MODEL).item(), niqe(picture, model).item()
        except UsageError:
            continue
        if np.isfinite(pair).all():
            values.append(pair)
    return values


def row(name: str, values: list[tuple[float, float]]) -> str:
    """A row of a Markdown table."""
    ours, other = np.array(values).T
    ranks = [np.argsort(np.argsort(part)) for part in (ours, other)]
    figures = [ours.mean(), other.mean(), (ours - other).mean(), np.abs(ours - other).mean()]
    figures += [np.corrcoef(ours, other)[0, 1], np.corrcoef(*ranks)[0, 1]]
    return f"| {name} | {len(ours)} | " + " | ".join(f"{figure:.3f}" for figure in figures) + " |"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("folders", type=Path, nargs="+")
    arguments = parser.parse_args()
    print("| " + " | ".join(HEADS) + " |")
    print("|" + " --- |" * len(HEADS))
    together: list[tuple[float, float]] = []
    for folder in arguments.folders:
        values = scores(folder, arguments.model)
        together += values
        print(row(folder.name, values), flush=True)
    print(row("all", together))


if __name__ == "__main__":
    main()

"""What a reader must know beside the figures: marks at metrics and models, and the words behind them."""

from __future__ import annotations

from dataclasses import dataclass

from imfuse.bench.contenders import Contender
from imfuse.bench.overlap import training_overlap
from imfuse.data.sets import DataSet

BY_MAXIMUM, BY_NOISE, IN_TRAINING = "†", "‡", "§"

_MARKS = {
    **dict.fromkeys(("mi", "mi-bits", "vif", "qabf"), BY_MAXIMUM),
    **dict.fromkeys(("en", "sf", "ag", "ag-ifcnn"), BY_NOISE),
}

TRAPS = {
    BY_MAXIMUM: "The pixelwise maximum of the sources, which needs no network, beats the published networks in "
    "this metric: being ahead here alone says nothing.",
    BY_NOISE: "Noise raises this metric: a noisier or oversharpened picture scores higher.",
}
"""Marks of metrics → the trap, in words."""

ADVICE = (
    "No claim of quality rests on marked metrics alone; look at SCD, at the others, and at the pictures. The mean rank "
    "counts every metric of the table once, so it depends on which were chosen. Standard deviations are those over the "
    "pictures (n − 1)."
)
"""How to read the ranking."""


@dataclass(frozen=True)
class Overlap:
    """A data set whose scenes a model was trained on.

    Attributes:
        model: name of the contender.
        data_set: name of the data set.
        words: which of them, and by what that is known.
    """

    model: str
    data_set: str
    words: str


def metric_mark(key: str) -> str:
    """The mark of a metric; empty for most."""
    return _MARKS.get(key, "")


def overlap(contender: Contender, data_set: DataSet) -> Overlap | None:
    """Whether a contender was trained on scenes of a data set, as far as its card tells."""
    words = training_overlap(contender.card, data_set.name)
    return Overlap(contender.name, data_set.name, words) if words else None

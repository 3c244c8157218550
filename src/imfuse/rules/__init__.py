"""Fusion rules: how the feature maps of several sources become one.

A rule folds an iterable of feature maps: one source is in memory at a time where the rule allows it, so that the
memory does not grow with their number. A network with several branches folds each branch by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from torch import Tensor

from imfuse.errors import UsageError
from imfuse.rules.extremum import Maximum
from imfuse.rules.fold import Fold
from imfuse.rules.histograms import Histogram
from imfuse.rules.l1_norm import L1Norm
from imfuse.rules.linear import Addition, Average
from imfuse.rules.saliency import SaliencyWeighted


@dataclass(frozen=True, slots=True)
class Rule:
    """A fusion rule.

    Attributes:
        name: the name that users choose it by.
        fold: what it does with the maps.
        source: where it is defined.
        surveyed: whether it needs to know every map's histogram over the whole picture.
    """

    name: str
    fold: type[Fold]
    source: str
    surveyed: bool = False

    @property
    def halo(self) -> int:
        """How many pixels around a pixel its result depends on, beside the survey."""
        return self.fold.halo

    def start(self, survey: Sequence[Histogram] = (), *, keep_weights: bool = False) -> Fold:
        """A fresh fold.

        Args:
            survey: the histograms of the sources' maps in their order, for a rule that is ``surveyed``.
            keep_weights: whether the fold's weights will be asked for.
        """
        return self.fold(survey, keep_weights=keep_weights)

    def __call__(self, maps: Iterable[Tensor], survey: Sequence[Histogram] = ()) -> Tensor:
        """Fold ``maps``, each (B, C, H, W), into one."""
        fold = self.start(survey)
        for feature in maps:
            fold.add(feature)
        return fold.result()


ADDITION = Rule("addition", Addition, "AUIF, Eq. 8: all weights 1")
AVERAGE = Rule("average", Average, "AUIF, Eq. 8: all weights 1/N; Deep CSC, average strategy")
L1_NORM = Rule("l1_norm", L1Norm, "AUIF, Eq. 9; Deep CSC, Eq. 6")
MAXIMUM = Rule("maximum", Maximum, "IFCNN, Eq. 1")
SALIENCY_WEIGHTED = Rule("saliency_weighted", SaliencyWeighted, "Deep CSC, Eq. 7", surveyed=True)

RULES: dict[str, Rule] = {rule.name: rule for rule in (ADDITION, AVERAGE, L1_NORM, MAXIMUM, SALIENCY_WEIGHTED)}


def rule(name: str, allowed: Iterable[Rule] = RULES.values()) -> Rule:
    """The rule of this name (``-`` serves for ``_``).

    Raises:
        UsageError: there is none, or it is not among those ``allowed``.
    """
    names = {choice.name: choice for choice in allowed}
    try:
        return names[str(name).replace("-", "_").lower()]
    except KeyError:
        known = str(name).replace("-", "_").lower() in RULES
        words = f"rule {name!r} is not one of this model's" if known else f"unknown rule {name!r}"
        raise UsageError(f"{words}: choose one of {', '.join(names)}") from None

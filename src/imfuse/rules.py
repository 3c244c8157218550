"""Fusion rules: how the feature maps of several sources become one.

A rule folds an iterable of feature maps: one source is in memory at a time, so that the memory does not grow with
their number. A network with several branches folds each branch by itself, with :meth:`Rule.start`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from imfuse.errors import UsageError
from imfuse.ops.filters import box_mean


class Fold(Protocol):
    """The running state of a rule over the maps seen so far, all (B, C, H, W)."""

    def add(self, feature: Tensor) -> None:
        """Take the next source's map."""

    def result(self) -> Tensor:
        """The merged map of the sources so far."""


class Addition:
    """Sum of all maps: every weight is one."""

    def __init__(self) -> None:
        self.total: Tensor | None = None

    def add(self, feature: Tensor) -> None:
        """Take the next source's map."""
        self.total = feature if self.total is None else self.total + feature

    def result(self) -> Tensor:
        """The merged map of the sources so far."""
        if self.total is None:
            raise UsageError("nothing to fuse: give at least one source")
        return self.total


class Average(Addition):
    """Mean of all maps: every weight is 1 / N."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def add(self, feature: Tensor) -> None:
        """Take the next source's map."""
        super().add(feature)
        self.count += 1

    def result(self) -> Tensor:
        """The merged map of the sources so far."""
        return super().result() / self.count


class L1Norm:
    """Weights χ(‖F_i‖₁) / Σ_j χ(‖F_j‖₁): χ is the 3×3 mean, ‖·‖₁ the sum of absolute values over a pixel's channels.

    Borders are reflected, as elsewhere. Where every activity is zero, so is every map, and the result is zero.
    """

    def __init__(self) -> None:
        self.weighted, self.activities = Addition(), Addition()

    def add(self, feature: Tensor) -> None:
        """Take the next source's map."""
        activity = box_mean(torch.linalg.vector_norm(feature, ord=1, dim=1, keepdim=True), 3)
        self.weighted.add(activity * feature)
        self.activities.add(activity)

    def result(self) -> Tensor:
        """The merged map of the sources so far."""
        return self.weighted.result() / self.activities.result().clamp_min(1e-12)


@dataclass(frozen=True, slots=True)
class Rule:
    """A fusion rule.

    Attributes:
        name: the name that users choose it by.
        start: a fresh fold.
        halo: how many pixels around a pixel its result depends on.
        source: where it is defined.
    """

    name: str
    start: Callable[[], Fold]
    halo: int
    source: str

    def __call__(self, maps: Iterable[Tensor]) -> Tensor:
        """Fold ``maps``, each (B, C, H, W), into one."""
        fold = self.start()
        for feature in maps:
            fold.add(feature)
        return fold.result()


ADDITION = Rule("addition", Addition, 0, "AUIF, Eq. 8: all weights 1")
AVERAGE = Rule("average", Average, 0, "AUIF, Eq. 8: all weights 1/N; Deep CSC, average strategy")
L1_NORM = Rule("l1_norm", L1Norm, 1, "AUIF, Eq. 9; Deep CSC, Eq. 6")

RULES: dict[str, Rule] = {rule.name: rule for rule in (ADDITION, AVERAGE, L1_NORM)}


def rule(name: str) -> Rule:
    """The rule of this name (``addition``, ``average``, ``l1_norm``; ``-`` serves for ``_``).

    Raises:
        UsageError: there is none.
    """
    try:
        return RULES[str(name).replace("-", "_").lower()]
    except KeyError:
        raise UsageError(f"unknown rule {name!r}: choose one of {', '.join(RULES)}") from None

"""What every fusion rule is: a fold over the feature maps of several sources."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from torch import Tensor

from imfuse.errors import UsageError
from imfuse.rules.histograms import Histogram


class Fold(ABC):
    """The running state of a rule over the maps seen so far, all (B, C, H, W).

    Args:
        survey: the histograms of the sources' maps in their order, for a rule that needs them.
        keep_weights: whether :meth:`weights` will be asked for.
    """

    halo = 0
    """How many pixels around a pixel the result depends on, beside the survey."""

    in_place: bool = False
    """Whether the first map is the fold's to change, so that a rule may keep its running state in it; to be set before
    the first map by who will not look at that again. Not together with weights, nor where gradients are recorded."""

    def __init__(self, survey: Sequence[Histogram] = (), *, keep_weights: bool = False) -> None:
        self.survey = survey
        self.keep_weights = keep_weights

    @abstractmethod
    def add(self, feature: Tensor) -> None:
        """Take the next source's map."""

    @abstractmethod
    def result(self) -> Tensor:
        """The merged map of the sources so far.

        Raises:
            UsageError: there is none.
        """

    @abstractmethod
    def weights(self) -> list[Tensor]:
        """The weight of every source so far, (B, 1, H, W); where channels have their own, the mean over them."""


def nothing_to_fuse() -> UsageError:
    """What is raised where a rule got no maps."""
    return UsageError("nothing to fuse: give at least one source")

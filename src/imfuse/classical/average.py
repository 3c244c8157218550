"""The mean of all pictures."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor

from imfuse.networks.protocol import FusionNetwork
from imfuse.rules import AVERAGE
from imfuse.rules.shares import all_alike


class AverageFusion(FusionNetwork):
    """Every pixel is the mean of the sources' pixels, channel by channel: the least that a method has to beat."""

    bytes_per_pixel = 40

    @property
    def halo(self) -> int:
        """None: pixel by pixel."""
        return 0

    def fuse(self, sources: Iterable[Tensor], survey: None = None) -> Tensor:
        """Fuse sources (B, C, H, W); one is in memory at a time."""
        return AVERAGE(sources)

    def check_shares(self) -> None:
        """Refuse to show shares.

        Raises:
            UsageError: always.
        """
        raise all_alike(AVERAGE.name)

"""The mean of all pictures."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor

from imfuse.networks.protocol import FusionNetwork
from imfuse.rules import AVERAGE


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

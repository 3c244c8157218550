"""The brightest of all pixels."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from imfuse.networks.protocol import FusionNetwork
from imfuse.ops.colour import luma
from imfuse.rules.fold import nothing_to_fuse


class MaximumFusion(FusionNetwork):
    """Every pixel is that of the brightest source; of colour pictures, of the source of the greatest luma.

    It copies pixels and so wins metrics that count how much of the sources is found again (MI, VIF, Q^AB/F), although
    seams run where the choice changes.
    """

    bytes_per_pixel = 52

    @property
    def halo(self) -> int:
        """None: pixel by pixel."""
        return 0

    def fuse(self, sources: Iterable[Tensor], survey: None = None) -> Tensor:
        """Fuse sources (B, C, H, W); one is in memory at a time. Of equal lumas the first one is taken."""
        fused: Tensor | None = None
        best: Tensor | None = None
        for source in sources:
            brightness = luma(source)
            if fused is None or best is None:
                fused, best = source, brightness
            else:
                fused = torch.where(brightness > best, source, fused)
                best = torch.maximum(best, brightness)
        if fused is None:
            raise nothing_to_fuse()
        return fused

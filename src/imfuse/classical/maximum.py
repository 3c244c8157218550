"""The brightest of all pixels."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from imfuse.networks.protocol import FusionNetwork
from imfuse.ops.colour import luma
from imfuse.rules.fold import nothing_to_fuse
from imfuse.rules.passes import repeatable
from imfuse.rules.shares import as_shares, greatest


class MaximumFusion(FusionNetwork):
    """Every pixel is that of the brightest source; of colour pictures, of the source of the greatest luma.

    It copies pixels and so wins metrics that count how much of the sources is found again (MI, VIF, Q^AB/F), although
    seams run where the choice changes.
    """

    bytes_per_pixel = 52
    shares_bytes_per_pixel = 40

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

    def source_shares(self, sources: Iterable[Tensor], survey: None = None) -> Tensor:
        """All for the brightest source, (B, N, H, W); equally bright ones share, although the first is copied."""
        pictures = repeatable(sources)
        best, ties = greatest(map(luma, pictures))
        return as_shares((brightness == best).to(best.dtype).div_(ties) for brightness in map(luma, pictures))

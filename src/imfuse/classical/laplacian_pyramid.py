"""Laplacian pyramids: at every scale the stronger detail."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from imfuse.networks.protocol import FusionNetwork
from imfuse.ops.pyramid import check_levels, collapse, laplacian_levels, pyramid_halo
from imfuse.rules.fold import nothing_to_fuse


class LaplacianPyramidFusion(FusionNetwork):
    """P. J. Burt, E. H. Adelson, "Merging images through pattern decomposition", Proc. SPIE 575, 173–181, 1985.

    Every detail coefficient is that of the source in which it is greatest in magnitude; of colour pictures, in the sum
    of the channels' magnitudes, so that no colour is mixed of two sources. The coarsest pictures are averaged. The
    paper leaves the number of scales open; 4 is what comparisons of the field use.

    Args:
        levels: how often the picture is halved.
    """

    bytes_per_pixel = 144

    def __init__(self, levels: int = 4) -> None:
        super().__init__()
        self.levels = check_levels(levels)
        self.alignment = 2**levels

    @property
    def halo(self) -> int:
        """That of the pyramid."""
        return pyramid_halo(self.levels)

    def fuse(self, sources: Iterable[Tensor], survey: None = None) -> Tensor:
        """Fuse sources (B, C, H, W); one is in memory at a time. Of equal magnitudes the first one is taken."""
        fused: list[Tensor] = []
        count = 0
        for source in sources:
            for level, part in enumerate(laplacian_levels(source, self.levels)):
                if count == 0:
                    fused.append(part)
                elif level < self.levels:
                    fused[level] = torch.where(_strength(part) > _strength(fused[level]), part, fused[level])
                else:
                    fused[level] = fused[level] + part
            count += 1
        if count == 0:
            raise nothing_to_fuse()
        return collapse([*fused[:-1], fused[-1] / count])


def _strength(detail: Tensor) -> Tensor:
    """Σ |channel|, (B, 1, H, W)."""
    return detail.abs() if detail.shape[1] == 1 else detail.abs().sum(1, keepdim=True)

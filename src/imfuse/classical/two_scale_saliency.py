"""Two scales, the details weighed by how far a pixel's surroundings differ from those farther around."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from imfuse.networks.protocol import FusionNetwork
from imfuse.ops.filters import box_mean
from imfuse.ops.median import median3
from imfuse.rules.fold import nothing_to_fuse


class TwoScaleSaliencyFusion(FusionNetwork):
    """D. P. Bavirisetti, R. Dhuli, "Two-scale image fusion of visible and infrared images using saliency detection".

    Infrared Physics & Technology 76, 52–64, 2016. Base: the mean over 35×35 pixels of a source; detail: the rest.
    Saliency ξ: the distance of that mean and the 3×3 median. Bases are averaged, details weighed by ξₙ / Σ ξ, and their
    sum is the result. Of colour pictures the distance is Euclidean, and decides for all channels. Where no source is
    salient, all weigh the same.

    The paper's distance is taken as it is printed; a program that is handed around squares it, and continues pictures
    periodically at the borders, where here they are reflected.

    Args:
        window: side of the mean in pixels, odd.
    """

    bytes_per_pixel = 200

    def __init__(self, window: int = 35) -> None:
        super().__init__()
        self.window = window

    @property
    def halo(self) -> int:
        """That of the mean."""
        return max(self.window // 2, 1)

    def fuse(self, sources: Iterable[Tensor], survey: None = None) -> Tensor:
        """Fuse sources (B, C, H, W); one is in memory at a time."""
        count = 0
        base = detail = weighted = total = torch.zeros(())
        for source in sources:
            smooth = box_mean(source, self.window)
            weight = _distance(smooth, median3(source))
            rest = source - smooth
            if count == 0:
                base, detail, weighted, total = smooth, rest, weight * rest, weight
            else:
                base, detail = base + smooth, detail + rest
                weighted, total = weighted.addcmul_(weight, rest), total + weight
            count += 1
        if count == 0:
            raise nothing_to_fuse()
        salient = total > 0
        return torch.where(salient, weighted / total.where(salient, 1), detail / count).add_(base / count)


def _distance(mean: Tensor, median: Tensor) -> Tensor:
    """ξ = ‖mean − median‖ over the channels, (B, 1, H, W)."""
    difference = mean - median
    if difference.shape[1] == 1:
        return difference.abs()
    return difference.square().sum(1, keepdim=True).sqrt()

"""The fast guided filter: brings a coarse map to the grid of a fine guide, along the guide's edges."""

from __future__ import annotations

from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from imfuse.errors import UsageError
from imfuse.ops.compiling import loops_for
from imfuse.ops.guided import mean_coefficients
from imfuse.ops.resampling import upsample_bilinear, whole_scale

LOOPS = "imfuse.ops.compiled_upsampling"


def fast_guided_filter(
    guide_low: Tensor, source_low: Tensor, guide_high: Tensor, radius: int, epsilon: float
) -> Tensor:
    """K. He, J. Sun, "Fast guided filter", arXiv:1505.00996, 2015; channel by channel.

    The coefficients ā and b̄ of the guided filter of ``source_low`` by ``guide_low`` are smooth: they are upsampled
    bilinearly, and the result is ↑ā · guide_high + ↑b̄. It has the guide's own detail, and the sharpness of the source
    where the guide explains it; what the guide does not explain is blurred by both means. Fast, since all the means
    are taken on the coarse grid; on equal grids it is the guided filter itself.

    The footprints coincide, as everywhere in :mod:`imfuse.ops.resampling`: a coarse pixel covers scale × scale fine
    ones. Borders of the coarse maps are reflected for the means, and repeated for the upsampling. Differentiable.

    Args:
        guide_low: the guide on the coarse grid, (B, C, h, w); usually the mean of ``guide_high`` over each coarse
            pixel.
        source_low: the map that is filtered, (B, C, h, w).
        guide_high: (B, C, H, W), with H = scale · h and W = scale · w for one whole scale.
        radius: r, in coarse pixels; the result depends on 2r + 1 of them around.
        epsilon: ε, the variance of the guide below which a window is taken for flat.

    Returns:
        (B, C, H, W).

    Raises:
        UsageError: the shapes do not belong together.
    """
    scale = _checked_scale(guide_low, source_low, guide_high)
    slope, offset = mean_coefficients(source_low, guide_low, radius, epsilon)
    return _line_of_coarse(slope, offset, guide_high, scale)


def block_guided_filter(x: Tensor, guide: Tensor, scale: int, radius: int, epsilon: float) -> Tensor:
    """The guided filter, with means over blocks of pixels before those over windows; channel by channel.

    That is :func:`imfuse.ops.guided.guided_filter` but for two things: windows are made of whole blocks, (2r + 1)² of
    them, and ā and b̄ are those of the blocks, between whose centres they are interpolated. Nothing of what the pixels
    have in common with the guide is lost, other than by the fast guided filter of coarse copies of both.

    Args:
        x: (B, C, H, W).
        guide: (B, C, H, W).
        scale: side of a block; those at the right and at the bottom have what is left.
        radius: r, in blocks.
        epsilon: ε, the variance of the guide below which a window is taken for flat.

    Returns:
        (B, C, H, W).
    """
    blocks = partial(F.avg_pool2d, kernel_size=scale, ceil_mode=True, count_include_pad=False)
    coefficients = mean_coefficients(x, guide, radius, epsilon, blocks)
    return _line_of_coarse(*coefficients, guide, scale)


def _line_of_coarse(slope: Tensor, offset: Tensor, guide: Tensor, scale: int) -> Tensor:
    """↑slope · guide + ↑offset, of coarse coefficients that cover the guide or more."""
    height, width = guide.shape[-2:]
    loops = loops_for(LOOPS, slope, offset, guide)
    if loops is None:
        slope, offset = (upsample_bilinear(one, scale)[..., :height, :width] for one in (slope, offset))
        return torch.addcmul(offset, slope, guide)
    line = torch.empty_like(guide)
    given = (one.numpy().reshape(-1, *one.shape[-2:]) for one in (slope, offset, guide))
    loops.line_of_coarse(*given, scale, line.numpy().reshape(-1, height, width))
    return line


def _checked_scale(guide_low: Tensor, source_low: Tensor, guide_high: Tensor) -> int:
    if guide_low.shape != source_low.shape or guide_low.shape[:2] != guide_high.shape[:2]:
        shapes = [tuple(x.shape) for x in (guide_low, source_low, guide_high)]
        raise UsageError(
            f"the coarse guide, the source and the guide have shapes {shapes[0]}, {shapes[1]} and {shapes[2]}: the "
            "first two must be equal, and the third have as many maps"
        )
    scale = whole_scale(guide_low, guide_high)
    if scale is None:
        sizes = [f"{height}×{width}" for height, width in (guide_low.shape[-2:], guide_high.shape[-2:])]
        raise UsageError(
            f"the coarse maps have {sizes[0]} pixels (height × width) and the guide {sizes[1]}, which must be the "
            "same whole multiple on both sides"
        )
    return scale

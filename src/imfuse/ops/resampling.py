"""Between grids of pixels that differ by a whole factor: what a coarser sensor sees, and back.

All functions share one geometry. Pixel ``(i, j)`` of the coarse grid covers the block of ``scale × scale`` pixels of
the fine grid whose first one is ``(scale·i, scale·j)``; both grids cover the same area, so that centres lie at half
pixels and nothing is shifted: fine pixel ``k`` lies at coarse position ``(k + ½) / scale − ½``.
"""

from __future__ import annotations

import math
from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor

from imfuse.errors import UsageError

Degradation = Literal["area", "gaussian"]
"""What a coarse pixel sees of the fine ones: the mean of its own block, or a Gaussian that reaches over its edges."""

DOWNSAMPLING_REACH: dict[Degradation, int] = {"area": 0, "gaussian": 1}
"""How many coarse pixels around its own block a pixel of :func:`downsample` depends on, at every scale: 3σ of the
Gaussian are 0.77 of a block beyond its edge."""

BICUBIC_REACH = 2
"""How many coarse pixels around its own one a pixel of :func:`upsample_bicubic` depends on."""

BILINEAR_REACH = 1
"""The same of :func:`upsample_bilinear`."""


def whole_scale(low: Tensor, high: Tensor) -> int | None:
    """How many pixels of ``high`` (…, H, W) a pixel of ``low`` (…, h, w) is wide.

    None where H / h and W / w are not one whole number.
    """
    (height, width), (tall, wide) = low.shape[-2:], high.shape[-2:]
    scale = int(tall // height)
    return scale if scale >= 1 and (tall, wide) == (scale * height, scale * width) else None


def area_average(x: Tensor, scale: int) -> Tensor:
    """Mean over every block of ``scale × scale`` pixels.

    Args:
        x: (B, C, H, W); H and W are multiples of ``scale``.
        scale: side of a block in pixels.

    Returns:
        (B, C, H / scale, W / scale).

    Raises:
        UsageError: the blocks do not fill the picture.
    """
    _check_blocks(x, scale)
    return F.avg_pool2d(x, scale)


def gaussian_downsample(x: Tensor, scale: int, sigma: float | None = None) -> Tensor:
    """Gaussian point-spread function, taken at the centres of the blocks of ``scale × scale`` pixels.

    The function is cut at 3σ, or at the block's edge where that is farther, and its taps sum to one. They lie
    symmetrically around the centre of the block, an even number of them for an even ``scale``. Border pixels are
    repeated outwards.

    Args:
        x: (B, C, H, W); H and W are multiples of ``scale``.
        scale: side of a block in pixels.
        sigma: standard deviation in fine pixels; without it, that of a full width at half maximum of one block,
            ``scale / 2.355``, as is usual where a sensor's own function is not known (Yokoya et al. 2012).

    Returns:
        (B, C, H / scale, W / scale).

    Raises:
        UsageError: the blocks do not fill the picture, or ``sigma`` is not positive.
    """
    _check_blocks(x, scale)
    taps = _point_spread(scale, sigma).to(x)
    pad = (len(taps) - scale) // 2
    batch, channels, height, width = x.shape
    maps = F.pad(x.reshape(batch * channels, 1, height, width), (pad, pad, pad, pad), mode="replicate")
    rows = F.conv2d(maps, taps.reshape(1, 1, -1, 1), stride=(scale, 1))
    return F.conv2d(rows, taps.reshape(1, 1, 1, -1), stride=(1, scale)).reshape(
        batch, channels, height // scale, width // scale
    )


def downsample(x: Tensor, scale: int, degradation: Degradation = "area") -> Tensor:
    """What a sensor with pixels of ``scale × scale`` sees: :func:`area_average` or :func:`gaussian_downsample`.

    Raises:
        UsageError: the blocks do not fill the picture, or the degradation is unknown.
    """
    check_degradation(degradation)
    return area_average(x, scale) if degradation == "area" else gaussian_downsample(x, scale)


def check_degradation(degradation: str) -> None:
    """Refuse what is no :data:`Degradation`.

    Raises:
        UsageError: it is none.
    """
    if degradation not in get_args(Degradation):
        choices = ", ".join(get_args(Degradation))
        raise UsageError(f"unknown degradation {degradation!r}: choose one of {choices}")


def upsample_bicubic(x: Tensor, scale: int) -> Tensor:
    """Cubic convolution onto the fine grid whose blocks are the pixels of ``x``.

    R. Keys, "Cubic convolution interpolation for digital image processing", 1981, with his a = −½: the only one of the
    family that gives planes and parabolas back exactly. (``a = −¾``, the default of OpenCV and PyTorch, bends even a
    linear ramp.) Where the four taps reach over the border those outside are left out and the others scaled to one.

    Args:
        x: (B, C, h, w), any size from 1×1 up.
        scale: how many fine pixels a pixel is wide.

    Returns:
        (B, C, scale · h, scale · w); beside steep edges a little beyond the range of ``x``.
    """
    height, width = x.shape[-2:]
    # With `antialias` PyTorch takes a = −½ and cuts the kernel at the border; upsampling, it smooths nothing more.
    return F.interpolate(x, size=(scale * height, scale * width), mode="bicubic", antialias=True)


def upsample_bilinear(x: Tensor, scale: int) -> Tensor:
    """Linear interpolation between the centres of pixels onto the fine grid; beyond the outermost ones they repeat.

    Args:
        x: (B, C, h, w), any size from 1×1 up.
        scale: how many fine pixels a pixel is wide.

    Returns:
        (B, C, scale · h, scale · w).
    """
    height, width = x.shape[-2:]
    if scale == 1:
        return x
    return F.interpolate(x, size=(scale * height, scale * width), mode="bilinear", align_corners=False)


def with_averages(x: Tensor, low: Tensor) -> Tensor:
    """``x`` with a smooth change after which its averages over blocks are ``low`` exactly (back-projection).

    What is missing, e = low − D x, is added as the bicubic ↑e. Averaged again that is not quite e; the small rest is
    added to all pixels of a block alike: x + ↑e + N(e − D ↑e) with D the averages, N the repetition of pixels, and
    D N = 1.

    Args:
        x: (B, C, scale · h, scale · w).
        low: (B, C, h, w).

    Returns:
        (B, C, scale · h, scale · w).

    Raises:
        UsageError: the sizes are not in one whole ratio.
    """
    scale = whole_scale(low, x)
    if scale is None:
        sizes = [f"{height}×{width}" for height, width in (low.shape[-2:], x.shape[-2:])]
        raise UsageError(f"averages of {sizes[0]} pixels are no averages of a picture of {sizes[1]}")
    missing = low - area_average(x, scale)
    smooth = upsample_bicubic(missing, scale)
    rest = (missing - area_average(smooth, scale))[..., None, :, None]
    if torch.is_grad_enabled():
        return _of_blocks(_blocks(x + smooth, scale) + rest)
    return _of_blocks(_blocks(smooth.add_(x), scale).add_(rest))  # new memory costs more than the sum


def _blocks(x: Tensor, scale: int) -> Tensor:
    """(B, C, H, W) as blocks (B, C, h, scale, w, scale); a view."""
    batch, channels, height, width = x.shape
    return x.view(batch, channels, height // scale, scale, width // scale, scale)


def _of_blocks(x: Tensor) -> Tensor:
    """The inverse of :func:`_blocks`."""
    return x.flatten(-2).flatten(-3, -2)


def _point_spread(scale: int, sigma: float | None) -> Tensor:
    """Taps of the Gaussian around the centre of a block, as many as ``scale`` plus an even number; float64."""
    if sigma is None:
        sigma = scale / math.sqrt(8 * math.log(2))
    if not sigma > 0:
        raise UsageError(f"the standard deviation of the point-spread function is {sigma}; it must be positive")
    beyond = max(0, math.ceil(3 * sigma - scale / 2))
    count = scale + 2 * beyond
    positions = torch.arange(count, dtype=torch.float64) - (count - 1) / 2
    taps = torch.exp(-0.5 * (positions / sigma) ** 2)
    return taps / taps.sum()


def _check_blocks(x: Tensor, scale: int) -> None:
    height, width = x.shape[-2:]
    if scale < 1:
        raise UsageError(f"the scale is {scale}; it must be a whole number from 1 up")
    if height % scale or width % scale:
        raise UsageError(
            f"blocks of {scale}×{scale} pixels do not fill a picture of {height}×{width}: crop it to "
            f"{height - height % scale}×{width - width % scale}"
        )

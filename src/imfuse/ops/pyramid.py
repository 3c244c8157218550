"""Gaussian and Laplacian pyramids of pictures of any size.

P. J. Burt, E. H. Adelson, "The Laplacian pyramid as a compact image code", IEEE Transactions on Communications 31(4),
532–540, 1983, with the taps 1 4 6 4 1 that the field uses (a = 3/8). A pyramid has as many levels as it is asked for,
however small the picture: below 2×2 pixels the levels are constant. So a window whose first row and column are
multiples of ``2 ** levels`` has the pyramid of the whole picture, but for :func:`pyramid_halo` pixels at its borders.

Everything is done by additions and multiplications of whole tensors. A pixel then gets the same bits wherever it lies
in a window, and a choice between two coefficients does not depend on the tiles.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import Tensor

from imfuse.errors import UsageError
from imfuse.ops.padding import reflect_pad


def pyramid_halo(levels: int) -> int:
    """How many pixels around a pixel its way down a Laplacian pyramid and up again depends on.

    Step k, from 0, reaches two pixels of its grid, 2·2ᵏ of the picture, once on the way down and once on the way up.
    """
    return 4 * ((1 << levels) - 1)


def check_levels(levels: int) -> int:
    """The number of levels of a pyramid.

    Raises:
        UsageError: it is negative, or greater than 16, where a halo is wider than any picture.
    """
    if not 0 <= levels <= 16:
        raise UsageError(f"a pyramid of {levels} levels: choose 0 to 16")
    return levels


def reduce(x: Tensor) -> Tensor:
    """REDUCE (Burt & Adelson, Eq. 1): smooth and keep every second row and column, from the first one.

    Args:
        x: (B, C, H, W), reflected at the borders.

    Returns:
        (B, C, ⌈H/2⌉, ⌈W/2⌉).
    """
    return _thinned(_thinned(reflect_pad(x, 2), -2), -1)


def expand(x: Tensor, height: int, width: int) -> Tensor:
    """EXPAND (Burt & Adelson, Eq. 2): put zeros between rows and columns and smooth, with four times the taps.

    Args:
        x: (B, C, ⌈height/2⌉, ⌈width/2⌉). What lies beyond the borders is the reflection of the expanded grid.
        height: of the result.
        width: of the result.

    Returns:
        (B, C, height, width).
    """
    return _spread(_spread(x, -1, width), -2, height)


def gaussian_levels(x: Tensor, levels: int) -> Iterator[Tensor]:
    """The picture, and ``levels`` smaller ones, each half the size of the one before."""
    yield x
    for _ in range(levels):
        x = reduce(x)
        yield x


def laplacian_levels(x: Tensor, levels: int) -> Iterator[Tensor]:
    """The details of ``levels`` scales, the finest first, and at last the coarsest picture (Burt & Adelson, Eq. 3)."""
    for _ in range(levels):
        coarse = reduce(x)
        yield x - expand(coarse, *x.shape[-2:])
        x = coarse
    yield x


def collapse(pyramid: Sequence[Tensor]) -> Tensor:
    """The picture of a Laplacian pyramid (Burt & Adelson, Eq. 4)."""
    picture = pyramid[-1]
    for detail in reversed(pyramid[:-1]):
        picture = expand(picture, *detail.shape[-2:]).add_(detail)
    return picture


def blend(sources: Iterable[tuple[Tensor, Tensor]], levels: int) -> list[Tensor]:
    """Σ Gₖ(weightₙ) · Lₖ(pictureₙ): the Laplacian pyramid of pictures that are mixed scale by scale.

    Args:
        sources: pictures (B, C, H, W) and their weights (B, 1, H, W), at least one, taken one after the other.
        levels: how often they are halved.
    """
    mixed: list[Tensor] = []
    for picture, weight in sources:
        parts = zip(laplacian_levels(picture, levels), gaussian_levels(weight, levels), strict=True)
        for level, (part, share) in enumerate(parts):
            if level == len(mixed):
                mixed.append(part * share)
            else:
                mixed[level].addcmul_(part, share)
    return mixed


def _thinned(x: Tensor, dim: int) -> Tensor:
    """Every second sample of a smoothed axis, of one that has two more at either end."""
    count = (x.shape[dim] - 3) // 2
    axis = x.movedim(dim, 0)
    first, second, middle, fourth, fifth = (axis[tap : tap + 2 * count - 1 : 2] for tap in range(5))
    smooth = (first + fifth).mul_(1 / 16).add_((second + fourth).mul_(1 / 4)).add_(middle * (3 / 8))
    return smooth.movedim(0, dim)


def _spread(x: Tensor, dim: int, length: int) -> Tensor:
    """An axis of ⌈length/2⌉ samples with one between each two."""
    count = x.shape[dim]
    # Reflected about the last fine sample, the next coarse one is the last but one where that is a coarse sample
    # itself, and else the last.
    ends = min(1, count - 1), max(count - 1 - length % 2, 0)
    before, after = (x.narrow(dim, end, 1) for end in ends)
    before = torch.cat((before, x.narrow(dim, 0, count - 1)), dim)
    after = torch.cat((x.narrow(dim, 1, count - 1), after), dim)
    spread = x.new_empty((*x.shape[:dim], length, *x.shape[dim:][1:]))
    axis = spread.movedim(dim, 0)
    axis[0::2] = (before + after).mul_(1 / 8).add_(x * (3 / 4)).movedim(dim, 0)
    axis[1::2] = (x + after).mul_(1 / 2).narrow(dim, 0, length // 2).movedim(dim, 0)
    return spread

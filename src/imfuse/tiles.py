"""Windows over pictures of any size: how large a tile may be and where the tiles lie."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from math import isqrt

from imfuse.errors import UsageError
from imfuse.io.window import Window

CACHE_SIDE = 1024
"""Tiles are not larger than this although the memory would allow it: maps of a few MB stay in the processor's cache.
A caller to whom every tile costs much has them larger."""

SMALLEST = 32
"""Tiles are not smaller than this: little would be left of a window but its halo."""

_UNITS = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}


def parse_memory(text: str | int) -> int:
    """Bytes of ``"1GiB"``, ``"512M"`` or a number; k, M, G and T are powers of 1024.

    Raises:
        UsageError: not a positive amount.
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?\s*", str(text).lower())
    amount = int(float(match[1]) * _UNITS[match[2]]) if match else 0
    if amount <= 0:
        raise UsageError(f"memory {text!r} is not an amount: write for example 1GiB or 512MiB")
    return amount


def tile_side(memory: int, bytes_per_pixel: int, halo: int, largest: int = CACHE_SIDE) -> int:
    """Side, at most ``largest``, of the square tiles whose windows, halo included, need no more than ``memory`` bytes.

    Raises:
        UsageError: the memory is not enough for the smallest tile.
    """
    side = isqrt(memory // bytes_per_pixel) - 2 * halo
    if side < SMALLEST:
        least = bytes_per_pixel * (SMALLEST + 2 * halo) ** 2
        raise UsageError(
            f"memory of {memory / 2**20:.4g}MiB is too little for this model: give at least {-(-least // 2**20)}MiB"
        )
    return min(side, largest)


def tiles(height: int, width: int, side: int) -> Iterator[Window]:
    """Windows of at most ``side`` × ``side`` pixels that cover a picture once, row by row, of nearly equal size."""
    rows, columns = _cuts(height, side), _cuts(width, side)
    for top, bottom in pairwise(rows):
        for left, right in pairwise(columns):
            yield Window(top, left, bottom - top, right - left)


def _cuts(length: int, side: int) -> list[int]:
    parts = -(-length // side)
    return [length * part // parts for part in range(parts + 1)]

"""Windows on the grid of the bands: how large they may be."""

from __future__ import annotations

from collections.abc import Iterator

from imfuse.cubes.geotiff_writer import BLOCK
from imfuse.errors import UsageError
from imfuse.io.window import Window
from imfuse.tiles import CACHE_SIDE, SMALLEST, tiles

_HALOS = 16
"""Windows may be larger than the cache where they are not so many halos wide: a narrow one is mostly halo."""


def pair_windows(
    height: int, width: int, scale: int, bytes_per_pixel: int, margin: int, memory: int, name: str
) -> list[Window]:
    """The windows in which a pair is sharpened.

    Args:
        height: of the bands, in pixels.
        width: likewise.
        scale: how many pixels of the guide a pixel of the bands is wide.
        bytes_per_pixel: what a pixel of the bands takes in all, that of the guide's pixels in it included.
        margin: pixels of the bands that are read around a window.
        memory: what a window may take, in bytes.
        name: of the model, for the error.

    Raises:
        UsageError: the memory is not enough for the smallest window.
    """

    def needed(side: int) -> int:
        return bytes_per_pixel * min(side + 2 * margin, height) * min(side + 2 * margin, width)

    longest = max(height, width)
    least = min(max(SMALLEST // scale, 1), longest)
    if needed(least) > memory:
        whole = "; it needs the whole scene at once, another method such as glp-hs does not"
        raise UsageError(
            f"memory of {memory / 2**20:.4g}MiB is too little for {name} here: "
            f"give at least {-(-needed(least) // 2**20)}MiB"
            f"{whole if margin >= longest else ''}"
        )
    low, high = least, min(max(CACHE_SIDE // scale, _HALOS * margin, least), longest)
    while low < high:  # the largest side that fits; needed() grows with it
        middle = (low + high + 1) // 2
        low, high = (middle, high) if needed(middle) <= memory else (low, middle - 1)
    return list(blocked_tiles(height, width, low, 1 if BLOCK % scale else BLOCK // scale))


def blocked_tiles(height: int, width: int, side: int, block: int) -> Iterator[Window]:
    """Windows of at most ``side`` × ``side`` pixels that cover a picture once, block after block.

    A window is made of whole blocks, or the windows of a block follow each other: so a file of such blocks, packed one
    by one, is written without packing any of them twice.

    Args:
        height: rows.
        width: columns.
        side: of the windows.
        block: side of the blocks, which begin at multiples of it.
    """
    step = max(height, width) if side >= max(height, width) else max(side // block, 1) * block
    for top in range(0, height, step):
        for left in range(0, width, step):
            for window in tiles(min(step, height - top), min(step, width - left), side):
                yield Window(top + window.top, left + window.left, window.height, window.width)


def reading_windows(height: int, width: int, bytes_per_pixel: int, memory: int) -> Iterator[Window]:
    """Windows for a pass that only looks at values, of so many bytes per pixel."""
    side = max(1, int((memory // bytes_per_pixel) ** 0.5))
    return tiles(height, width, min(side, CACHE_SIDE))


def scaled(window: Window, scale: int) -> Window:
    """The same area on a grid of pixels ``scale`` times smaller."""
    return Window(window.top * scale, window.left * scale, window.height * scale, window.width * scale)

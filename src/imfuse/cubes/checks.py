"""What is refused before a cube is read or written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imfuse.cubes.cube import TAKEN
from imfuse.errors import SourceError
from imfuse.io.window import Window

_SAMPLED = 5
_SAMPLE_SIDE = 64


def is_inside(window: Window, height: int, width: int) -> bool:
    """Whether a window holds pixels, all of them of a picture of this size."""
    return 0 <= window.top < window.bottom <= height and 0 <= window.left < window.right <= width


def check_window(window: Window, height: int, width: int, name: str) -> None:
    """Refuse a window that is not inside a cube.

    Raises:
        SourceError: it is not.
    """
    if not is_inside(window, height, width):
        raise SourceError(f"{name}: {window} is not inside {width} × {height} pixels")


def check_values(
    values: NDArray[Any], window: Window, shape: tuple[int, int, int], dtype: np.dtype[Any], name: str
) -> None:
    """Refuse values that a writer of ``shape`` (bands, height, width) does not take at ``window``.

    Raises:
        ValueError: shape, dtype or place do not fit.
    """
    bands, height, width = shape
    fit = values.shape == (bands, window.height, window.width) and values.dtype == dtype
    if not fit or not is_inside(window, height, width):
        raise ValueError(
            f"{name}: {values.shape} {values.dtype} at {window} do not fit into {bands} bands of {height} × {width} "
            f"{dtype}"
        )


def check_cube(shape: tuple[int, int, int], dtype: np.dtype[Any], name: str) -> None:
    """Refuse a cube of ``shape`` (bands, height, width) that holds nothing, or values that are not taken.

    Raises:
        SourceError: so it is.
    """
    bands, height, width = shape
    if bands < 1 or height < 1 or width < 1:
        raise SourceError(f"{name}: holds {bands} bands of {height} × {width} pixels; give a file with some of each")
    if dtype.name not in TAKEN:
        raise SourceError(f"{name}: holds {dtype.name}; convert it to one of {', '.join(TAKEN)}")


def is_opacity(read: Callable[[Window], NDArray[Any]], height: int, width: int, dtype: np.dtype[Any]) -> bool:
    """Whether a band that a file marks as opacity (alpha) is one: nothing but 0 and the largest value.

    Programs mark the fourth band of 8 bits so, whatever it holds: near infrared as well. 25 places of 64 × 64 pixels
    are looked at, for a band of a satellite scene is long to read.

    Args:
        read: gives the window's values of the band, (height, width).
        height: rows.
        width: columns.
        dtype: of the band.
    """
    largest = np.iinfo(dtype).max if dtype.kind in "ui" else 1
    for step in range(_SAMPLED * _SAMPLED):
        row, column = divmod(step, _SAMPLED)
        tall, wide = min(_SAMPLE_SIDE, height), min(_SAMPLE_SIDE, width)
        top, left = (height - tall) * row // (_SAMPLED - 1), (width - wide) * column // (_SAMPLED - 1)
        values = read(Window(top, left, tall, wide))
        if not ((values == 0) | (values == largest)).all():
            return False
    return True

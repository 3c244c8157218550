"""The rectangle that all pictures of a stack show."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor

import numpy as np
from numpy.typing import NDArray

from imfuse.io.window import Window
from imfuse.registration.motion import Matrix, moved

BEFORE, AFTER = 3, 4
"""So many pixels before and after its own an interpolation by Lanczos's window of 8 reads."""

_HALVINGS = 40


def whole_pixels(matrix: Matrix) -> tuple[int, int] | None:
    """The shift (right, down) of a motion by whole pixels, which needs no interpolation; None for any other."""
    shift = np.rint(matrix[:2, 2])
    exact = np.eye(3)
    exact[:2, 2] = shift
    return (int(shift[0]), int(shift[1])) if (matrix == exact).all() else None


def common_area(matrices: Sequence[Matrix], height: int, width: int) -> Window | None:
    """A rectangle of the reference that every picture covers, with what interpolation reads around it.

    First each side is moved in until its middle is covered, which is all for shifts; then, for turns, the rectangle
    shrinks about its centre until its corners are. No larger one of its proportions has that centre.

    Args:
        matrices: of every picture, from the reference's coordinates to its own.
        height: of every picture, in pixels.
        width: of every picture, in pixels.

    Returns:
        None if there is none.
    """
    inner = _sides(matrices, height, width)
    left, top, right, bottom = inner
    if left > right or top > bottom:
        return None
    centre = np.array([left + right, top + bottom]) / 2
    half = np.array([right - left, bottom - top]) / 2
    share, low = 1.0, 0.0
    if not _covered(matrices, centre, half, height, width):
        for _ in range(_HALVINGS):
            middle = (low + share) / 2
            if _covered(matrices, centre, middle * half, height, width):
                low = middle
            else:
                share = middle
        share = low
    half = half * share
    first = [ceil(round(value, 6)) for value in centre - half]
    last = [floor(round(value, 6)) for value in centre + half]
    if last[0] < first[0] or last[1] < first[1] or not _covered(matrices, centre, 0 * half, height, width):
        return None
    return Window(first[1], first[0], last[1] - first[1] + 1, last[0] - first[0] + 1)


def _bounds(matrix: Matrix, height: int, width: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Least and largest coordinates (x, y) at which a picture can be read."""
    before, after = (BEFORE, AFTER) if whole_pixels(matrix) is None else (0, 0)
    # What is read lies on a grid of 1/32 pixel: a hair within, so that rounding does not leave the picture.
    hair = 1 / 32 if before else 0.0
    return np.full(2, before + hair), np.array([width, height]) - 1 - after - hair


def _sides(matrices: Sequence[Matrix], height: int, width: int) -> tuple[float, float, float, float]:
    """Left, top, right and bottom, so that the middles of the sides are covered."""
    left, top, right, bottom = 0.0, 0.0, width - 1.0, height - 1.0
    middle = np.array([(width - 1) / 2, (height - 1) / 2], np.float64)
    for matrix in matrices:
        low, high = _bounds(matrix, height, width)
        back = np.asarray(np.linalg.inv(matrix), np.float64)
        centre = moved(matrix, middle)
        sides = np.array(
            [(low[0], centre[1]), (centre[0], low[1]), (high[0], centre[1]), (centre[0], high[1])], np.float64
        )
        there = moved(back, sides)
        left, top = max(left, there[0, 0]), max(top, there[1, 1])
        right, bottom = min(right, there[2, 0]), min(bottom, there[3, 1])
    return left, top, right, bottom


def _covered(
    matrices: Sequence[Matrix], centre: NDArray[np.float64], half: NDArray[np.float64], height: int, width: int
) -> bool:
    corners = centre + half * np.array([[-1, -1], [1, -1], [-1, 1], [1, 1]], np.float64)
    for matrix in matrices:
        low, high = _bounds(matrix, height, width)
        there = moved(matrix, corners)
        if (there < low - 1e-9).any() or (there > high + 1e-9).any():
            return False
    return True

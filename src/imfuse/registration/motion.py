"""How one picture is moved against another: plane transforms, as 3 × 3 matrices that act on pixel coordinates (x, y).

A matrix takes the coordinates of a thing in the reference to those of the same thing in the picture.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from imfuse.errors import UsageError

MotionName = Literal["translation", "similarity", "affine", "homography"]
Matrix = NDArray[np.float64]

MOTIONS: tuple[MotionName, ...] = get_args(MotionName)
"""From the stiffest to the freest: 2, 4, 6 and 8 parameters."""

_LEAST_SCALE, _LEAST_OVERLAP, _MOST_ANGLE = 0.75, 0.5, 25.0
_GRID = 5


def check_motion(motion: str) -> MotionName:
    """The motion model of this name.

    Raises:
        UsageError: there is none.
    """
    for known in MOTIONS:
        if known == motion:
            return known
    raise UsageError(f"unknown motion {motion!r}: align with one of {', '.join(MOTIONS)}")


def moved(matrix: Matrix, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points (…, 2) where the matrix takes them."""
    homogeneous = points @ matrix[:, :2].T + matrix[:, 2]
    return np.asarray(homogeneous[..., :2] / homogeneous[..., 2:])


def grid(height: int, width: int) -> NDArray[np.float64]:
    """5 × 5 points (25, 2) spread evenly over a picture, its corners among them."""
    x, y = np.meshgrid(np.linspace(0, width - 1, _GRID), np.linspace(0, height - 1, _GRID))
    return np.stack([x.ravel(), y.ravel()], axis=-1)


def displacement(matrix: Matrix, height: int, width: int) -> float:
    """By how many pixels the matrix moves a picture's points: root of the mean square."""
    points = grid(height, width)
    return float(np.sqrt(((moved(matrix, points) - points) ** 2).sum(-1).mean()))


def mean_shift(matrix: Matrix, height: int, width: int) -> tuple[float, float]:
    """The mean shift (right, down) of a picture's points, in pixels."""
    points = grid(height, width)
    x, y = (moved(matrix, points) - points).mean(0)
    return float(x), float(y)


def rotation_and_scale(matrix: Matrix, height: int, width: int) -> tuple[float, float]:
    """Degrees (clockwise on the screen, where y points down) and factor of the similarity nearest to the matrix."""
    near = as_model(matrix, "similarity", height, width)
    return float(np.degrees(np.arctan2(near[1, 0], near[0, 0]))), float(np.hypot(near[0, 0], near[1, 0]))


def as_model(matrix: Matrix, motion: MotionName, height: int, width: int) -> Matrix:
    """The transform of a model that moves a picture's points most nearly as the matrix does (least squares).

    Only translations and similarities are fitted; affine matrices and homographies are what OpenCV estimates itself.
    """
    if motion in ("affine", "homography"):
        return matrix
    points = grid(height, width)
    there = moved(matrix, points)
    centre, centre_there = points.mean(0), there.mean(0)
    model = np.eye(3)
    if motion == "similarity":
        # As complex numbers a similarity is one factor: its least squares are a quotient of sums.
        before, after = ((p - c) @ np.array([1, 1j]) for p, c in ((points, centre), (there, centre_there)))
        size = float((np.abs(before) ** 2).sum())
        factor = complex(np.vdot(before, after) / size) if size else 1 + 0j
        model[:2, :2] = [[factor.real, -factor.imag], [factor.imag, factor.real]]
    model[:2, 2] = centre_there - model[:2, :2] @ centre
    return model


def in_pixels_of(matrix: Matrix, factor: float) -> Matrix:
    """A transform between pictures whose pixels are means of ``factor`` × ``factor`` as one between those pixels."""
    scaling = np.array([[factor, 0, (factor - 1) / 2], [0, factor, (factor - 1) / 2], [0, 0, 1]], np.float64)
    result = scaling @ matrix @ np.linalg.inv(scaling)
    return np.asarray(result / result[2, 2])


def is_plausible(matrix: Matrix, height: int, width: int) -> bool:
    """Whether a camera that takes a stack may move so.

    A turn of at most 25 degrees, a scale between 3/4 and 4/3 everywhere, nothing mirrored, and half of the picture or
    more within the other.
    """
    if np.array_equal(matrix[:, :2], np.eye(3)[:, :2]) and matrix[2, 2] == 1:
        right, down = np.abs(matrix[:2, 2]) / (width, height)
        return bool((1 - right) * (1 - down) >= _LEAST_OVERLAP and right <= 1 and down <= 1)
    points = grid(height, width)
    if not np.isfinite(matrix).all() or (points @ matrix[2, :2] + matrix[2, 2] <= 0).any():
        return False
    there = moved(matrix, points)
    dense = moved(matrix, _cell_centres(height, width))
    inside = ((dense >= -0.5) & (dense <= np.array([width, height]) - 0.5)).all(-1).mean()
    rotation, _ = rotation_and_scale(matrix, height, width)
    areas = _cell_areas(there) / np.maximum(_cell_areas(points), 1e-12)
    sane = (areas > _LEAST_SCALE**2).all() and (areas < _LEAST_SCALE**-2).all()
    return bool(inside >= _LEAST_OVERLAP and abs(rotation) <= _MOST_ANGLE and sane)


def _cell_centres(height: int, width: int) -> NDArray[np.float64]:
    """The centres (400, 2) of 20 × 20 equal parts of a picture."""
    parts = (np.arange(20) + 0.5) / 20
    x, y = np.meshgrid(parts * width - 0.5, parts * height - 0.5)
    return np.stack([x.ravel(), y.ravel()], axis=-1)


def _cell_areas(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Signed areas of the cells between 5 × 5 points."""
    p = points.reshape(_GRID, _GRID, 2)
    right, down = p[:-1, 1:] - p[:-1, :-1], p[1:, :-1] - p[:-1, :-1]
    return np.asarray(right[..., 0] * down[..., 1] - right[..., 1] * down[..., 0])

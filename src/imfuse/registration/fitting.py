"""A motion from points and where they went, of which some are wrong."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imfuse.registration.motion import Matrix, MotionName, moved

Points = NDArray[np.float64]

_ROUNDS = 20
_REACH = 3.0
"""Points that are off by more robust deviations than this have no weight."""

_LEAST_DEVIATION = 0.02


def fit(here: Points, there: Points, motion: MotionName, height: int, width: int) -> Matrix:
    """The motion that takes points (n, 2) where they went, by least squares with Tukey's biweight.

    Iteratively reweighted; the scale is the median distance × 1.4826 in every round. The coordinates are centred and
    scaled to about ±1, as the equations of a homography need it.

    Args:
        here: points of the reference.
        there: of the picture.
        motion: the model.
        height: of the picture, in pixels.
        width: of the picture, in pixels.
    """
    size = max(height, width) / 2
    scaled = np.array([[1 / size, 0, -width / 2 / size], [0, 1 / size, -height / 2 / size], [0, 0, 1]], np.float64)
    p, q = moved(scaled, here), moved(scaled, there)
    weights = np.ones(len(p))
    matrix = np.eye(3)
    for _ in range(_ROUNDS):
        matrix = _weighted(p, q, weights, motion)
        off = np.hypot(*(moved(matrix, p) - q).T)
        reach = _REACH * max(1.4826 * float(np.median(off)), _LEAST_DEVIATION / size)
        fresh = np.where(off < reach, (1 - (off / reach) ** 2) ** 2, 0.0)
        if np.abs(fresh - weights).max() < 1e-3:
            break
        weights = fresh
    result = np.linalg.inv(scaled) @ matrix @ scaled
    return np.asarray(result / result[2, 2])


def _weighted(p: Points, q: Points, weights: NDArray[np.float64], motion: MotionName) -> Matrix:
    """Weighted least squares of one model: of the rows that are linear in its parameters."""
    matrix = np.eye(3)
    if motion == "translation":
        matrix[:2, 2] = (weights @ (q - p)) / weights.sum()
        return matrix
    rows = _equations(p, q, motion)
    root = np.sqrt(np.concatenate([weights, weights]))
    found = np.linalg.lstsq(rows * root[:, None], np.concatenate([q[:, 0], q[:, 1]]) * root, rcond=None)[0]
    if motion == "similarity":
        a, b, x, y = found
        matrix[:2] = [[a, -b, x], [b, a, y]]
    else:
        matrix.flat[: len(found)] = found
    return matrix


def _equations(p: Points, q: Points, motion: MotionName) -> NDArray[np.float64]:
    """Rows for all abscissae, then for all ordinates."""
    (x, y), (u, v) = p.T, q.T
    one, nil = np.ones_like(x), np.zeros_like(x)
    if motion == "similarity":
        return np.concatenate([np.stack([x, -y, one, nil], -1), np.stack([y, x, nil, one], -1)])
    columns = [[x, y, one, nil, nil, nil], [nil, nil, nil, x, y, one]]
    if motion == "homography":
        columns = [columns[0] + [-x * u, -y * u], columns[1] + [-x * v, -y * v]]
    return np.concatenate([np.stack(half, -1) for half in columns])

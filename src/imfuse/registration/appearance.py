"""Maps in which pictures of a stack look alike although their focus or their exposure differs."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from imfuse.ops.colour import srgb_to_linear
from imfuse.registration.motion import Matrix
from imfuse.registration.reduced import Gray
from imfuse.tasks import Task

_NOISE = 0.01
"""Deviation, as a fraction of the full range, below which local contrast counts as noise."""

_NOISE_OF_LIGHT = 0.004
"""The same of light that was blurred."""

_LEAST_SHARE = 0.1
"""Pictures that overlap by less than this share of their area are not compared."""


def appearance(gray: Gray, task: Task) -> Gray:
    """Local contrast: the distance from the local mean in units of the local deviation.

    An exposure is nearly a factor on the encoded values, so local means and deviations take it out. Two focus settings
    share the coarse structures only: the picture is blurred first, so that what either of them blurs is gone in both,
    and as light, since a lens blurs light: a blurred edge of encoded values lies not where the sharp one does.

    Args:
        gray: (h, w), full range 0…1.
        task: what differs between the pictures.
    """
    if task.name == "focus":
        light = srgb_to_linear(torch.from_numpy(gray).clamp(0, 1)).numpy()
        blurred = np.asarray(cv2.GaussianBlur(light, (0, 0), 2), np.float32)
        return _local_contrast(blurred, 12, _NOISE_OF_LIGHT)
    return _local_contrast(gray, 8, _NOISE)


def _local_contrast(gray: Gray, sigma: float, noise: float) -> Gray:
    distance = gray - cv2.GaussianBlur(gray, (0, 0), sigma)
    deviation = np.sqrt(cv2.GaussianBlur(distance * distance, (0, 0), sigma))
    return np.asarray(distance / (deviation + noise), np.float32)


def brought(picture: Gray, matrix: Matrix, shape: tuple[int, ...]) -> Gray:
    """A picture as it looks in the reference's pixels, bicubic; 0 where it does not reach."""
    if np.array_equal(matrix, np.eye(3)) and picture.shape == tuple(shape[:2]):
        return picture
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpPerspective(picture, matrix, (shape[1], shape[0]), flags=flags), np.float32)


def overlap(matrix: Matrix, shape: tuple[int, ...], margin: float = 1) -> NDArray[np.bool_]:
    """(h, w): the pixels of the reference that the matrix takes into a picture of the same size, off its border."""
    height, width = shape[:2]
    x, y = np.arange(width, dtype=np.float64), np.arange(height, dtype=np.float64)[:, None]
    if not np.any(matrix[[0, 1, 2, 2], [1, 0, 0, 1]]) and matrix[2, 2] == 1:  # columns and rows by themselves
        across, down = matrix[0, 0] * x + matrix[0, 2], matrix[1, 1] * y + matrix[1, 2]
        columns = (across >= margin) & (across <= width - 1 - margin)
        return np.asarray(columns & ((down >= margin) & (down <= height - 1 - margin)))
    across, down, depth = (row[0] * x + (row[1] * y + row[2]) for row in matrix)
    inside = (across >= margin * depth) & (across <= (width - 1 - margin) * depth)
    inside &= (down >= margin * depth) & (down <= (height - 1 - margin) * depth)
    return np.asarray(inside & (depth > 0))


def correlation(reference: Gray, picture: Gray, matrix: Matrix, where: NDArray[np.bool_] | None = None) -> float:
    """Correlation coefficient of the reference and a moved picture where they overlap; 0 where nothing varies.

    Args:
        reference: (h, w).
        picture: (h, w).
        matrix: takes the reference's coordinates to those of the picture.
        where: compare here alone; by default wherever they overlap.
    """
    inside = overlap(matrix, reference.shape) if where is None else where
    if inside.mean() < _LEAST_SHARE:
        return 0.0
    first = reference[inside].astype(np.float64)
    second = brought(picture, matrix, reference.shape)[inside].astype(np.float64)
    first -= first.mean()
    second -= second.mean()
    # Not BLAS's products of vectors: the threads, which these would be worth to it, cost more than they save.
    square, other_square, product = (
        float(np.einsum("i,i->", x, y)) for x, y in ((first, first), (second, second), (first, second))
    )
    size = (square * other_square) ** 0.5
    return product / size if size > 1e-9 else 0.0

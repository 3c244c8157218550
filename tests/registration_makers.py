"""Stacks whose motion is known."""

from functools import cache

import cv2
import numpy as np

from imfuse.data.samples import exposure_stack, focus_stack
from imfuse.registration.motion import Matrix, grid, moved

HEIGHT, WIDTH = 181, 239
_EDGE = 30

STOPS = (-4.0, -2.0, 0.0, 2.0, 4.0)


def motion(
    right: float = 0.0,
    down: float = 0.0,
    degrees: float = 0.0,
    scale: float = 1.0,
    tilt: tuple[float, float] = (0.0, 0.0),
    size: tuple[int, int] = (HEIGHT, WIDTH),
) -> Matrix:
    """A turn and a scale about the picture's centre, then a shift; the tilt is a homography's last row."""
    angle, centre = np.radians(degrees), np.array([size[1] - 1, size[0] - 1]) / 2
    matrix = np.eye(3)
    matrix[:2, :2] = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix[:2, 2] = centre - matrix[:2, :2] @ centre + [right, down]
    matrix[2, :2] = tilt
    return matrix


def error(found: Matrix, true: Matrix, height: int = HEIGHT, width: int = WIDTH) -> float:
    """Root mean square distance, in pixels, of where two motions take a picture's points."""
    points = grid(height, width)
    return float(np.sqrt(((moved(found, points) - moved(true, points)) ** 2).sum(-1).mean()))


@cache
def larger(task: str, scene: str = "table", count: int = 3) -> tuple[np.ndarray, ...]:
    """A built-in stack with an edge around it, from which motions bring pixels in."""
    size = HEIGHT + 2 * _EDGE, WIDTH + 2 * _EDGE
    if task == "focus":
        return tuple(focus_stack(scene, count, *size).pictures)
    return tuple(exposure_stack(scene, STOPS, *size).pictures)


def seen(picture: np.ndarray, matrix: Matrix, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    """The middle of a larger picture as a camera sees it whose motion against the unmoved one is the matrix."""
    edge = np.array([[1, 0, _EDGE], [0, 1, _EDGE], [0, 0, 1]], np.float64)
    flags = cv2.INTER_LANCZOS4 | cv2.WARP_INVERSE_MAP
    return cv2.warpPerspective(picture, edge @ np.linalg.inv(matrix), (width, height), flags=flags)


def moved_stack(task: str, matrices: list[Matrix], scene: str = "table") -> list[np.ndarray]:
    """The first pictures of a built-in stack, each seen by a camera that has moved."""
    return [seen(one, matrix) for one, matrix in zip(larger(task, scene), matrices, strict=False)]

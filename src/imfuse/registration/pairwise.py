"""The motion between two pictures: coarse to fine by enhanced correlation, then by points that are followed.

Georgios D. Evangelidis and Emmanouil Z. Psarakis, "Parametric image alignment using enhanced correlation coefficient
maximization", PAMI 2008, for the coarse part, from a start by phase correlation; Bruce D. Lucas and Takeo Kanade, "An
iterative image registration technique", IJCAI 1981, for the points. Both are OpenCV's. Points at the rims of things,
whose blur is larger on one side, and on things that moved between the pictures do not agree with the rest: the motion
is fitted with Tukey's biweight, which leaves them out.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from imfuse.registration.appearance import appearance, brought, correlation, overlap
from imfuse.registration.fitting import fit
from imfuse.registration.motion import Matrix, MotionName, as_model, is_plausible, moved
from imfuse.registration.reduced import Gray
from imfuse.tasks import Task

LEAST_SIDE = 32
"""Pictures with fewer pixels a side give too few points to tell a motion."""

_COARSEST, _FINEST_ECC = 48, 400
_POINTS, _ROUNDS, _WINDOW = 1500, 2, 25
_LEAST_POINTS = 15
_LEAST_EXPLAINED = 0.1
"""An affine motion or a homography is taken if it explains this share of what a similarity leaves unexplained."""

_LEAST_STRUCTURE = 0.02
"""Deviation of the local contrast, which is 1 where there is more than noise, below which a picture is constant."""

_ALIKE = 0.7
"""Pictures that correlate so much as they lie are not far from each other: what is left of a shift is found at once."""

_ITERATIONS = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 40, 1e-5)

LEAST_CORRELATION = 0.3
"""Pictures that correlate less are not known to show the same."""

LEAST_GAIN = 0.002
"""A motion that raises the correlation by less is not told from the error of the estimate: nothing is moved by it."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What was found of two pictures.

    Attributes:
        matrix: takes the reference's coordinates to those of the picture.
        before: correlation of their local contrast as they lie, where they overlap once they are moved.
        after: when they are moved.
        reason: why the motion is not to be believed; empty if it is.
    """

    matrix: Matrix
    before: float
    after: float
    reason: str = ""


class Look:
    """How a picture looks on scales from its own down to a few dozen pixels a side; every map is made once.

    Args:
        gray: (h, w), full range 0…1.
        task: what differs between the pictures that are compared.
    """

    def __init__(self, gray: Gray, task: Task) -> None:
        self._task = task
        self._grays = [gray]
        while min(self._grays[-1].shape) >= 2 * _COARSEST:
            self._grays.append(np.asarray(cv2.pyrDown(self._grays[-1]), np.float32))
        self._maps: dict[int, Gray] = {}

    @property
    def scales(self) -> int:
        """How many there are."""
        return len(self._grays)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns on its own scale."""
        height, width = self._grays[0].shape
        return height, width

    def at(self, scale: int) -> Gray:
        """Its appearance, on its own scale for 0 and half as large on every further one."""
        if scale not in self._maps:
            self._maps[scale] = appearance(self._grays[scale], self._task)
        return self._maps[scale]


def estimate(reference: Look, picture: Look, motion: MotionName, *, points: bool = True) -> Estimate:
    """The motion of a picture against a reference of the same size.

    Args:
        reference: what it is compared with.
        picture: the picture.
        motion: the model.
        points: whether points are followed after the coarse part; without, it takes a fraction of the time.
    """
    height, width = reference.shape
    none = np.eye(3)
    if min(height, width) < LEAST_SIDE:
        return Estimate(none, 0.0, 0.0, f"it is too small: less than {LEAST_SIDE} pixels high or wide")
    first, second = reference.at(0), picture.at(0)
    if min(float(first.std()), float(second.std())) < _LEAST_STRUCTURE:
        return Estimate(none, 0.0, 0.0, "it has no structure to align by")
    stiff: MotionName = "translation" if motion == "translation" else "similarity"
    if not points and max(height, width) <= _FINEST_ECC and correlation(first, second, none) >= _ALIKE:
        matrix = _best(first, second, [none, _enhanced(first, second, none, stiff)])
    else:
        matrix = _coarse(reference, picture, stiff)
    if points:
        matrix = _refined(first, second, matrix, stiff)
        if motion != stiff:
            matrix = _freer(first, second, matrix, motion)
    before, after = compared(first, second, matrix)
    return Estimate(matrix, before, after, _doubt(matrix, before, after, height, width))


def compared(first: Gray, second: Gray, matrix: Matrix) -> tuple[float, float]:
    """Correlation of two maps as they lie and as a motion has them, where they overlap either way."""
    where = overlap(matrix, first.shape) & overlap(np.eye(3), first.shape)
    return correlation(first, second, np.eye(3), where), correlation(first, second, matrix, where)


def _refined(first: Gray, second: Gray, start: Matrix, motion: MotionName) -> Matrix:
    for _ in range(_ROUNDS):
        start = _followed(first, second, start, motion)
    return start


def _freer(first: Gray, second: Gray, stiff: Matrix, motion: MotionName) -> Matrix:
    """The motion of a freer model, if it explains clearly more: clouds that drift bend it, and no similarity."""
    free = _refined(first, second, stiff, motion)
    before = max(correlation(first, second, matrix) for matrix in (stiff, np.eye(3)))
    return free if correlation(first, second, free) > before + _LEAST_EXPLAINED * (1 - before) else stiff


def _doubt(matrix: Matrix, before: float, after: float, height: int, width: int) -> str:
    if not is_plausible(matrix, height, width):
        return "no camera moves so between two pictures of a stack"
    if max(before, after) < LEAST_CORRELATION:
        return f"it is too unlike the others (correlation {max(before, after):.2f})"
    return ""


def _coarse(reference: Look, picture: Look, motion: MotionName) -> Matrix:
    """From a few dozen pixels a side to a few hundred: a translation first, then the motion."""
    matrix = np.eye(3)
    for scale in reversed(range(reference.scales)):
        a, b = reference.at(scale), picture.at(scale)
        coarsest = scale == reference.scales - 1
        if coarsest:
            matrix = _best(a, b, [matrix, _phase(a, b)])
        if coarsest or max(a.shape) <= _FINEST_ECC:
            matrix = _best(a, b, [matrix, _enhanced(a, b, matrix, "translation" if coarsest else motion)])
        if scale:
            matrix = np.diag([2.0, 2.0, 1.0]) @ matrix @ np.diag([0.5, 0.5, 1.0])
    return matrix


def _phase(first: Gray, second: Gray) -> Matrix:
    """The translation that phase correlation finds."""
    window = cv2.createHanningWindow(first.shape[::-1], cv2.CV_32F)
    shift, _ = cv2.phaseCorrelate(first, second, window)
    matrix = np.eye(3)
    matrix[:2, 2] = shift
    return matrix


def _best(first: Gray, second: Gray, candidates: list[Matrix]) -> Matrix:
    """The candidate under which the two correlate best; the first of equals."""
    height, width = first.shape
    sane = [matrix for matrix in candidates if is_plausible(matrix, height, width)] or [np.eye(3)]
    return max(sane, key=lambda matrix: correlation(first, second, matrix))


def _enhanced(first: Gray, second: Gray, start: Matrix, motion: MotionName) -> Matrix:
    """The motion of the largest enhanced correlation near a start; the start where OpenCV finds none."""
    model = cv2.MOTION_TRANSLATION if motion == "translation" else cv2.MOTION_AFFINE
    try:
        # No mask: OpenCV's overload with a filter size takes one, which its own stub does not let be absent.
        everything = np.full(second.shape, 255, np.uint8)
        _, found = cv2.findTransformECC(first, second, start[:2].astype(np.float32), model, _ITERATIONS, everything, 3)
    except cv2.error:
        return start
    matrix = np.eye(3)
    matrix[:2] = found
    height, width = first.shape
    return as_model(matrix, motion, height, width)


def _followed(first: Gray, second: Gray, start: Matrix, motion: MotionName) -> Matrix:
    """The motion that points of the reference tell which are found again near where the start has them."""
    height, width = first.shape
    there = brought(second, start, first.shape)
    here, found = _tracks(_bytes(first), _bytes(there), overlap(start, first.shape, margin=_WINDOW / 2))
    if len(here) < _LEAST_POINTS:
        return start
    matrix = fit(here, moved(start, found), motion, height, width)
    return matrix if is_plausible(matrix, height, width) else start


def _tracks(
    first: NDArray[np.uint8], second: NDArray[np.uint8], where: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points (n, 2) of the first picture and where they are in the second; forth and back they come home."""
    none = np.empty((0, 2))
    apart = max(3.0, (first.size / _POINTS) ** 0.5 / 2)
    corners = cv2.goodFeaturesToTrack(first, _POINTS, 0.01, apart, mask=where.astype(np.uint8), blockSize=7)
    if corners is None or len(corners) < _LEAST_POINTS:
        return none, none
    here = np.asarray(corners, np.float32)
    there, seen = _track(first, second, here)
    back, seen_back = _track(second, first, there)
    home = np.hypot(*(back - here).reshape(-1, 2).T) < 0.5
    kept = home & seen & seen_back & (np.hypot(*(there - here).reshape(-1, 2).T) < _WINDOW / 4)
    return here.reshape(-1, 2)[kept].astype(np.float64), there.reshape(-1, 2)[kept].astype(np.float64)


def _track(
    first: NDArray[np.uint8], second: NDArray[np.uint8], points: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    there, seen, _ = cv2.calcOpticalFlowPyrLK(
        first,
        second,
        points,
        points.copy(),
        winSize=(_WINDOW, _WINDOW),
        maxLevel=0,
        criteria=(cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 30, 0.003),
        flags=cv2.OPTFLOW_USE_INITIAL_FLOW,
    )
    return np.asarray(there, np.float32), np.asarray(seen).ravel() > 0


def _bytes(contrast: Gray) -> NDArray[np.uint8]:
    """Local contrast of −3…3 deviations as the bytes that OpenCV's tracker takes."""
    return np.clip(np.rint(128 + 42 * contrast), 0, 255).astype(np.uint8)

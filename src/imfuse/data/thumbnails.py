"""The same scene in two data sets, at other sizes and under other names: found by small pictures of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from imfuse.data.pairs import read_gray

SIDE = 32
SAME = 0.97
"""Thumbnails that correlate more than this are of one scene."""


def thumbnail(picture: NDArray[np.uint8]) -> NDArray[np.float64]:
    """A picture (H, W) as a vector of 32×32 area-averaged levels, of mean 0 and length 1; of a flat picture, zeros."""
    small = cv2.resize(picture.astype(np.float64), (SIDE, SIDE), interpolation=cv2.INTER_AREA).ravel()
    small -= small.mean()
    length = float(np.linalg.norm(small))
    return np.asarray(small / length if length else small)


def same_scenes(pictures: Sequence[Path], others: Sequence[Path]) -> set[Path]:
    """Those of ``pictures`` whose thumbnails correlate more than 0.97 with one of ``others``; all as luma."""
    if not pictures or not others:
        return set()
    first, second = (np.stack([thumbnail(read_gray(path)) for path in paths]) for paths in (pictures, others))
    found = np.asarray((first @ second.T).max(axis=1) > SAME)
    return {path for path, same in zip(pictures, found, strict=True) if same}

"""Between pixels whose channels lie beside each other, as files and arrays have them, and planes, as networks do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

_SERVED = (np.uint8, np.uint16, np.int32, np.float32)


def planes(pixels: NDArray[Any]) -> Sequence[NDArray[Any]]:
    """The channels of pixels (h, w, C), each (h, w)."""
    if pixels.shape[2] == 3 and pixels.dtype in _SERVED:
        return cv2.split(pixels)
    return [pixels[..., channel] for channel in range(pixels.shape[2])]


def interleaved(channels: NDArray[Any]) -> NDArray[Any]:
    """Pixels (h, w, C) of planes (C, h, w)."""
    if len(channels) == 3 and channels.dtype in _SERVED:
        return np.asarray(cv2.merge(list(channels)))
    return np.moveaxis(channels, 0, -1)

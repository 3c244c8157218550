"""Whole pictures as arrays, for what looks at all their pixels at once: metrics and training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imfuse.io import Window, open_source


def read_whole(path: Path) -> NDArray[Any]:
    """A picture upright and without its alpha channel.

    8-bit pictures stay as they are, so that their levels are exact; deeper ones are scaled from their full range.

    Returns:
        (H, W, C): uint8, or float64 with black at 0 and white at 1, where float files may leave [0, 1].

    Raises:
        SourceError: it cannot be read.
    """
    source = open_source(path)
    pixels: NDArray[Any] = source.read(Window(0, 0, source.height, source.width))
    if source.dtype == np.uint8:
        return np.array(pixels)
    low, high = source.full_range
    return (pixels.astype(np.float64) - low) / (high - low)

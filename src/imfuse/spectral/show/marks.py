"""Numbered rings around chosen pixels of a picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_SHARE = 1 / 40
"""Radius of a ring as a share of the picture's longer side."""


def with_marks(image: NDArray[np.float32], pixels: Sequence[tuple[int, int]]) -> NDArray[np.float32]:
    """A copy of a picture (H, W, 3) in [0, 1] with a ring around each pixel (column, row), and its place beside it."""
    if not pixels:
        return image
    from PIL import Image, ImageDraw

    picture = Image.fromarray(np.rint(image * 255).astype(np.uint8))
    draw = ImageDraw.Draw(picture)
    radius = max(picture.size) * _SHARE
    width = max(1, round(radius / 5))
    for x, y in pixels:
        box = (x - radius, y - radius, x + radius, y + radius)
        draw.ellipse(box, outline=(0, 0, 0), width=2 * width)
        draw.ellipse(box, outline=(255, 255, 0), width=width)
        text, size = f"{x},{y}", max(6.0, 1.6 * radius)
        # On the side where there is room.
        left = x + 1.3 * radius if x < picture.width * 0.7 else x - 1.3 * radius
        anchor = "lm" if x < picture.width * 0.7 else "rm"
        draw.text((left, y), text, (255, 255, 0), font_size=size, anchor=anchor, stroke_width=width, stroke_fill=0)
    return np.asarray(picture, np.float32) / np.float32(255)

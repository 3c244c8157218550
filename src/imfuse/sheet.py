"""Contact sheets: pictures side by side with their names, for people who would rather look than read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

GROUND = (24, 24, 26)
_MARGIN, _CAPTION, _TEXT, _TITLE = 8, 20, 13, 17
_TALLEST, _THINNEST = 2, 8


@dataclass(frozen=True, slots=True)
class Cell:
    """A picture of a sheet: its caption and its pixels, (H, W) or (H, W, 3), 8 or 16 bits, or float in [0, 1]."""

    caption: str
    image: NDArray[Any]


def contact_sheet(rows: Sequence[Sequence[Cell | None]], cell_width: int = 400, title: str = "") -> NDArray[np.uint8]:
    """Rows of captioned pictures on a dark ground.

    Args:
        rows: the pictures, None where a place stays empty; rows may differ in length.
        cell_width: pixels to which every picture is scaled, proportions kept; tall ones to twice that height.
        title: stands above all.

    Returns:
        (H, W, 3) uint8.
    """
    from PIL import Image, ImageDraw

    drawn = [[(cell.caption, _thumbnail(cell.image, cell_width)) if cell else None for cell in row] for row in rows]
    heights = [max(cell[1].height for cell in row if cell) + _CAPTION + _MARGIN for row in drawn]
    columns = max(len(row) for row in drawn)
    width = columns * (cell_width + _MARGIN) + _MARGIN
    lines = _lines(title, width - 2 * _MARGIN)
    top = _MARGIN + ((len(lines) + 1) * _CAPTION if title else 0)
    sheet = Image.new("RGB", (width, sum(heights) + top), GROUND)
    draw = ImageDraw.Draw(sheet)
    for number, line in enumerate(lines):
        draw.text((_MARGIN, _MARGIN + number * _CAPTION), line, fill=(255, 255, 255), font_size=_TITLE)
    for row, height in zip(drawn, heights, strict=True):
        for column, cell in enumerate(row):
            if cell is None:
                continue
            caption, picture = cell
            left = _MARGIN + column * (cell_width + _MARGIN)
            draw.text((left, top), caption, fill=(225, 225, 225), font_size=_TEXT)
            sheet.paste(picture, (left, top + _CAPTION))
        top += height
    return np.asarray(sheet)


def _lines(text: str, width: int) -> list[str]:
    """A title in lines that a sheet of ``width`` pixels shows whole; a word that is longer stays one."""
    from PIL import ImageFont

    font = ImageFont.load_default(_TITLE)
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and font.getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _thumbnail(image: NDArray[Any], width: int) -> Any:
    from PIL import Image

    picture = Image.fromarray(to_display(image)).convert("RGB")
    # Tall pictures are bounded in height, so that a sheet stays one; a line of pixels is still to be seen.
    scale = min(width / picture.width, _TALLEST * width / picture.height)
    size = (max(_THINNEST, round(picture.width * scale)), max(_THINNEST, round(picture.height * scale)))
    return picture.resize(size, Image.Resampling.LANCZOS)


def to_display(image: NDArray[Any]) -> NDArray[np.uint8]:
    """A picture as 8 bits: integers at their full range, float from [0, 1]."""
    if image.dtype == np.uint8:
        return image
    unit = image if np.issubdtype(image.dtype, np.floating) else image / np.iinfo(image.dtype).max
    return np.rint(np.clip(unit, 0, 1) * 255).astype(np.uint8)

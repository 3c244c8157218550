"""Ordinary pictures as cubes."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from imfuse.cubes.checks import check_window
from imfuse.cubes.cube import CubeDescription
from imfuse.io.naming import told
from imfuse.io.source import PixelSource, release
from imfuse.io.window import Window


class PictureCube:
    """A picture as a cube; without its opacity.

    Attributes:
        name: the path as messages show it.
        height: rows of the upright picture.
        width: columns of the upright picture.
        bands: 1 or 3.
        dtype: uint8, uint16 or float32.
        description: without more than the number of bands.
        curved: whether the values are under the sRGB curve.
        block: unknown: one pixel.
        notes: conversions that reading does.
    """

    def __init__(self, source: PixelSource) -> None:
        self.name, self.height, self.width = source.name, source.height, source.width
        self.bands = source.channels
        self.dtype: np.dtype[Any] = source.dtype
        self.description = CubeDescription(names=(None,) * self.bands)
        self.curved = self.bands == 3 and self.dtype.kind == "u"  # of 16 bits too: formats of pictures mean sRGB
        self.block = (1, 1)
        left_out = told(self.name, ("its opacity (alpha) left out",)) if source.has_alpha else ()
        self.notes = (*source.notes, *left_out)
        self._source = source

    def read(self, window: Window) -> NDArray[Any]:
        """The window's values, (bands, height, width).

        Raises:
            SourceError: the file is damaged, or the window is not inside the picture.
        """
        check_window(window, self.height, self.width, self.name)
        return self._source.read(window).transpose(2, 0, 1)

    def close(self) -> None:
        """Forget the decoded pixels."""
        release(self._source)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

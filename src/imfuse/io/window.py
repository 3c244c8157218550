"""Windows: rectangles of pixels in which pictures are read and written."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Window:
    """A rectangle of pixels, rows ``top … top + height − 1`` and columns ``left … left + width − 1``."""

    top: int
    left: int
    height: int
    width: int

    @property
    def bottom(self) -> int:
        """The first row below the window."""
        return self.top + self.height

    @property
    def right(self) -> int:
        """The first column right of the window."""
        return self.left + self.width

    @property
    def slices(self) -> tuple[slice, slice]:
        """Row and column slices for an array that covers the whole picture."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def grown(self, halo: int, height: int, width: int, alignment: int = 1) -> Window:
        """This window with ``halo`` pixels more on every side, cut at the borders of a ``height × width`` picture.

        Its first row and column are multiples of ``alignment``; for that it may grow further.
        """
        top, left = max(self.top - halo, 0), max(self.left - halo, 0)
        top, left = top - top % alignment, left - left % alignment
        return Window(top, left, min(self.bottom + halo, height) - top, min(self.right + halo, width) - left)

    def inside(self, outer: Window) -> Window:
        """This window in the coordinates of ``outer``, which contains it."""
        return Window(self.top - outer.top, self.left - outer.left, self.height, self.width)

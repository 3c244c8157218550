"""Where on the ground the pixels of a cube lie."""

from __future__ import annotations

from dataclasses import dataclass

Point = tuple[float, float]
Transform = tuple[float, float, float, float, float, float]


@dataclass(frozen=True, slots=True)
class Georeference:
    """A coordinate reference system and the affine map from pixels to it.

    Attributes:
        crs: well-known text (WKT), or None where the file names none.
        transform: (a, b, c, d, e, f): x = a·column + b·row + c, y = d·column + e·row + f, in the units of the system.
            Columns and rows count from the outer corner of the first pixel, whose centre is at (½, ½); so (c, f) is a
            corner of the picture. Where north is up, b = d = 0 and e < 0.
    """

    crs: str | None
    transform: Transform

    def at(self, column: float, row: float) -> Point:
        """Coordinates x and y of a place in pixels."""
        a, b, c, d, e, f = self.transform
        return a * column + b * row + c, d * column + e * row + f

    def pixel(self, x: float, y: float) -> Point:
        """Column and row of a place on the ground; the inverse of :meth:`at`."""
        a, b, c, d, e, f = self.transform
        determinant = a * e - b * d
        return (e * (x - c) - b * (y - f)) / determinant, (a * (y - f) - d * (x - c)) / determinant

    def corners(self, height: int, width: int) -> tuple[Point, Point, Point, Point]:
        """The outer corners of a picture of this size: that of the first pixel, and on along the first row."""
        return self.at(0, 0), self.at(width, 0), self.at(width, height), self.at(0, height)

    def footprint(self, height: int, width: int) -> tuple[float, float, float, float]:
        """(left, bottom, right, top): the smallest upright rectangle that holds a picture of this size."""
        xs, ys = zip(*self.corners(height, width), strict=True)
        return min(xs), min(ys), max(xs), max(ys)

    @property
    def pixel_size(self) -> Point:
        """Lengths of a pixel along its row and its column."""
        a, b, _, d, e, _ = self.transform
        return float((a * a + d * d) ** 0.5), float((b * b + e * e) ** 0.5)

    def rescaled(self, scale: int) -> Georeference:
        """That of pixels ``scale`` times smaller on both sides; the footprint is the same."""
        a, b, c, d, e, f = self.transform
        return Georeference(self.crs, (a / scale, b / scale, c, d / scale, e / scale, f))

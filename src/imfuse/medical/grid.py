"""Where the slices of a volume lie in the patient, and whether two volumes lie alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imfuse.errors import SizeMismatchError

TOLERANCE = 0.1
"""Two grids are one where no voxel is further from its partner than this part of the smallest voxel's side."""

_EVEN = 0.02
"""Slices are evenly spaced where none is further from its place than this part of their distance."""

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0])
"""DICOM's axes point to the patient's left, back and head; here and in NIfTI they point right, front and head."""

Vectors = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """The voxels of a volume.

    Attributes:
        slices: number of slices.
        rows: of a slice.
        columns: of a slice.
        right: the step from a column to the next, in mm, towards the patient's right, front and head, (3,).
        down: the step from a row to the next, likewise.
        origins: the place of every slice's first voxel, (slices, 3); None where the file does not tell its place.
        thickness: of a slice in mm, for volumes of one.
    """

    slices: int
    rows: int
    columns: int
    right: Vectors
    down: Vectors
    origins: Vectors | None = None
    thickness: float = 1.0

    @classmethod
    def nowhere(cls, slices: int, rows: int, columns: int) -> Grid:
        """A grid that has sizes and no place."""
        return cls(slices, rows, columns, np.array([1.0, 0, 0]), np.array([0, -1.0, 0]))

    @property
    def shape(self) -> tuple[int, int, int]:
        """Slices, rows and columns."""
        return self.slices, self.rows, self.columns

    @property
    def normal(self) -> Vectors:
        """The unit vector to which slices are sorted: right-handed with the rows and columns."""
        across = np.cross(self.right, self.down)
        return np.asarray(across / np.linalg.norm(across))

    @property
    def step(self) -> Vectors:
        """The mean step from a slice to the next in mm."""
        if self.origins is None or self.slices == 1:
            return self.normal * self.thickness
        return np.asarray((self.origins[-1] - self.origins[0]) / (self.slices - 1))

    @property
    def affine(self) -> Vectors:
        """(4, 4): from (column, row, slice) to mm towards the patient's right, front and head."""
        affine = np.eye(4)
        affine[:3, :3] = np.stack([self.right, self.down, self.step], axis=1)
        affine[:3, 3] = 0 if self.origins is None else self.origins[0]
        return affine

    @property
    def voxel(self) -> tuple[float, float, float]:
        """Width, height and distance of the voxels in mm."""
        width, height, distance = (float(np.linalg.norm(step)) for step in (self.right, self.down, self.step))
        return width, height, distance

    def is_even(self) -> bool:
        """Whether one step leads from every slice to the next, as an affine says."""
        if self.origins is None or self.slices < 3:
            return True
        ideal = self.origins[0] + np.arange(self.slices)[:, None] * self.step
        return bool(np.linalg.norm(self.origins - ideal, axis=1).max() <= _EVEN * np.linalg.norm(self.step) + 1e-3)

    def gaps(self) -> tuple[int, float, list[tuple[int, float]]]:
        """How many slices seem to be missing, the usual distance, and after which slices (from 1) it is larger."""
        if self.origins is None or self.slices < 3:
            return 0, self.voxel[2], []
        distances = np.diff(self.origins @ self.normal)
        usual = float(np.median(distances))
        wide = [(k + 1, float(d)) for k, d in enumerate(distances) if d > 1.5 * usual]
        return sum(round(d / usual) - 1 for _, d in wide), usual, wide

    def words(self) -> str:
        """Sizes, voxels and place on one line."""
        size = f"{self.slices} slices of {self.columns}×{self.rows} (columns × rows)"
        if self.origins is None:
            return f"{size}, no place told"
        rows = "; ".join(" ".join(f"{value:.6g}" for value in row) for row in self.affine[:3] + 0.0)
        return f"{size}, voxels {' × '.join(f'{side:.4g}' for side in self.voxel)} mm, affine [{rows}]"


def check_one_grid(first: tuple[str, Grid], second: tuple[str, Grid]) -> tuple[str, ...]:
    """Refuse two volumes whose voxels do not lie on each other; each is given with its name.

    Returns:
        A note where it cannot be checked because one of them does not tell its place.

    Raises:
        SizeMismatchError: they differ in shape, or voxels lie further apart than :data:`TOLERANCE` allows.
    """
    (name, grid), (other_name, other) = first, second
    why = None
    if grid.shape != other.shape:
        why = "differ in shape"
    elif grid.origins is not None and other.origins is not None:
        apart = _distance(grid, other)
        if apart > TOLERANCE * min(*grid.voxel, *other.voxel):
            why = f"lie up to {apart:.3g} mm apart"
    if why is not None:
        raise SizeMismatchError(
            f"the volumes {why}: {name}: {grid.words()}; {other_name}: {other.words()}. imfuse does not register "
            "volumes: resample one to the grid of the other first (3D Slicer, FSL flirt, SimpleITK)"
        )
    placeless = [told for told, one in (first, second) if one.origins is None]
    return (f"{' and '.join(placeless)}: tells no place in the patient, so only sizes were compared",) * bool(placeless)


def _distance(grid: Grid, other: Grid) -> float:
    """How far corresponding corners of corresponding slices are apart at most, in mm."""
    furthest = 0.0
    for row in (0, grid.rows - 1):
        for column in (0, grid.columns - 1):
            here, there = (_column(one, row, column) for one in (grid, other))
            furthest = max(furthest, float(np.linalg.norm(here - there, axis=1).max()))
    return furthest


def _column(grid: Grid, row: int, column: int) -> Vectors:
    """Where the voxels of one row and column lie in all slices, (slices, 3)."""
    origins = np.zeros((grid.slices, 3)) if grid.origins is None else grid.origins
    return np.asarray(origins + row * grid.down + column * grid.right)

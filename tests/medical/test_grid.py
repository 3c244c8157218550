"""Where volumes lie, and whether they lie alike."""

import numpy as np
import pytest

from imfuse.errors import SizeMismatchError
from imfuse.medical.grid import TOLERANCE, Grid, check_one_grid


def grid(shift: float = 0.0, places: tuple[float, ...] = (0, 3, 6, 9), turn: float = 0.0, rows: int = 10) -> Grid:
    cos, sin = np.cos(turn), np.sin(turn)
    right, down = np.array([cos, sin, 0]) * 0.8, np.array([-sin, cos, 0]) * 0.9
    origins = np.array([[5 + shift, 6, place] for place in places], float)
    return Grid(len(places), rows, 20, right, down, origins)


def test_the_affine_leads_from_indices_to_millimetres() -> None:
    made = grid(turn=0.3)
    for column, row, index in ((0, 0, 0), (19, 9, 3), (7, 2, 1)):
        there = made.origins[index] + column * made.right + row * made.down
        np.testing.assert_allclose(made.affine @ (column, row, index, 1), (*there, 1), atol=1e-12)
    np.testing.assert_allclose(made.voxel, (0.8, 0.9, 3))


def test_grids_within_a_tenth_of_a_voxel_are_one() -> None:
    near, far = 0.99 * TOLERANCE * 0.8, 1.01 * TOLERANCE * 0.8
    assert check_one_grid(("a", grid()), ("b", grid(near))) == ()
    with pytest.raises(SizeMismatchError, match="mm apart"):
        check_one_grid(("a", grid()), ("b", grid(far)))


@pytest.mark.parametrize(
    "other",
    [grid(turn=0.02), grid(places=(0, 3, 6, 10)), grid(places=(9, 6, 3, 0)), grid(rows=11), grid(places=(0, 3))],
)
def test_other_grids_are_refused_and_both_are_told(other: Grid) -> None:
    with pytest.raises(SizeMismatchError) as told:
        check_one_grid(("one.nii", grid()), ("two.nii", other))
    message = str(told.value)
    for name, one in (("one.nii", grid()), ("two.nii", other)):
        assert f"{name}: {one.words()}" in message
    assert "resample" in message


def test_where_no_place_is_told_sizes_are_compared() -> None:
    (note,) = check_one_grid(("a", grid()), ("b", Grid.nowhere(4, 10, 20)))
    assert note.startswith("b: tells no place")
    with pytest.raises(SizeMismatchError, match="shape"):
        check_one_grid(("a", grid()), ("b", Grid.nowhere(4, 10, 21)))


def test_gaps_are_counted_and_uneven_slices_known() -> None:
    assert grid().gaps()[0] == 0
    assert grid().is_even()
    missing, usual, wide = grid(places=(0, 3, 12, 15, 18, 24)).gaps()
    assert (missing, usual, wide) == (3, 3.0, [(2, 9.0), (5, 6.0)])
    assert not grid(places=(0, 3, 12, 15)).is_even()
    assert grid(places=(0,)).is_even()
    np.testing.assert_allclose(grid(places=(0,)).step, (0, 0, 1))

"""Which values become black and white."""

import numpy as np
import pytest

from imfuse.errors import UsageError
from imfuse.levels import Levels
from imfuse.medical.grid import Grid
from imfuse.medical.volume import Volume
from imfuse.medical.windows import NAMED, linear_levels, parse_windows, volume_levels, windows_of
from imfuse.tasks import Role, task

MEDICAL = task("medical")
ROLE = Role("functional", stretch=True)


def volume(values: np.ndarray, **fields: object) -> Volume:
    """Slices (slices, rows, columns) as a volume of float."""
    whole = values.astype(np.float32)[..., None]
    return Volume(
        "v",
        "NIfTI",
        Grid.nowhere(*values.shape),
        lambda index: whole[index],
        1,
        np.dtype(np.float32),
        (0.0, 4095.0),
        16,
        **fields,
    )


@pytest.mark.parametrize(("centre", "width"), [(40, 80), (2048, 4096), (-600, 1500), (0.5, 1)])
def test_linear_windows_are_those_of_the_standard(centre: float, width: float) -> None:
    """PS3.3, C.11.2.1.2.1: x <= c - 0.5 - (w-1)/2 is black, x > c - 0.5 + (w-1)/2 is white, linear between."""
    levels = linear_levels(centre, width, "", exact=False)

    def standard(x: float) -> float:
        if x <= centre - 0.5 - (width - 1) / 2:
            return 0.0
        if x > centre - 0.5 + (width - 1) / 2:
            return 1.0
        return (x - (centre - 0.5)) / (width - 1) + 0.5

    for x in np.linspace(centre - width, centre + width, 41):
        ours = np.clip((x - levels.low) / (levels.high - levels.low), 0, 1)
        assert ours == pytest.approx(standard(float(x)), abs=1e-5)


def test_exact_windows_and_turned_ones() -> None:
    assert linear_levels(40, 80, "") == Levels(0, 80, "")
    assert linear_levels(40, 80, "", inverted=True) == Levels(-80, 0, "")


def test_windows_are_asked_by_name_by_numbers_and_by_role() -> None:
    assert windows_of(None, MEDICAL) == [None, None]
    first, second = windows_of("Brain", MEDICAL)
    assert (first.centre, first.width, first.name, second) == (*NAMED["brain"], "brain", None)
    for asked in ((40, 80), "40,80", " 40 , 80 ", {"functional": "40,80"}):
        assert windows_of(asked, MEDICAL)[0].width == 80
    both = windows_of(parse_windows(["brain", "mri=300,600"]), MEDICAL)
    assert [(one.centre, one.width) for one in both] == [NAMED["brain"], (300, 600)]
    assert parse_windows(None) is None
    assert parse_windows(["lung"]) == "lung"


@pytest.mark.parametrize(
    "asked",
    [
        "brian",
        "40",
        "40,80,1",
        "40,0",
        "40,-1",
        "nan,80",
        (1,),
        {"t1": "brain"},
        {"ct": "40,80", "functional": "40,80"},
        "40,inf",
    ],
)
def test_wrong_windows_are_refused(asked: object) -> None:
    with pytest.raises(UsageError, match="window"):
        windows_of(asked, MEDICAL)


def test_windows_are_of_the_medical_task_and_one_for_each_role() -> None:
    with pytest.raises(UsageError, match="medical"):
        windows_of("brain", task("focus"))
    with pytest.raises(UsageError, match="second window"):
        parse_windows(["mri=1,2", "mri=3,4"])


def test_what_is_asked_goes_before_what_the_file_says_and_that_before_percentiles() -> None:
    values = np.arange(2000).reshape(2, 20, 50)
    own = Levels(10, 20, "the file's window")
    asked = windows_of((100, 50), MEDICAL)[0]
    assert volume_levels(volume(values, window=own), asked, None, ROLE)[0].low == 75
    assert volume_levels(volume(values, window=own), None, None, ROLE)[0] is own
    assert volume_levels(volume(values, window=own), None, "full", ROLE)[0].high == 4095
    found = volume_levels(volume(values, window=own), None, "minmax", ROLE)[0]
    assert (found.low, found.high) == (0, 1999)
    found, notes = volume_levels(volume(values), None, None, ROLE)
    # Of all slices together: 0.1 % of 2,000 voxels are 2.
    np.testing.assert_allclose((found.low, found.high), (1, 1997), atol=0.1)
    assert "all slices" in notes[0]
    with pytest.raises(UsageError, match="at once"):
        volume_levels(volume(values), asked, "minmax", ROLE)


def test_names_are_for_ct_numbers() -> None:
    brain = windows_of("brain", MEDICAL)[0]
    values = np.zeros((1, 2, 2))
    with pytest.raises(UsageError, match="CT numbers"):
        volume_levels(volume(values, hounsfield=False), brain, None, ROLE)
    for told in (True, None):
        assert volume_levels(volume(values, hounsfield=told), brain, None, ROLE)[0].high == 80


def test_a_volume_of_one_value_is_black() -> None:
    levels, notes = volume_levels(volume(np.full((2, 3, 4), 7)), None, None, ROLE)
    assert (levels.low, levels.high) == (7, 8)
    assert "all voxels are 7" in notes[0]

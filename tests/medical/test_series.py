"""A folder of DICOM files as a volume."""

from pathlib import Path

import numpy as np
import pytest
from pydicom.uid import generate_uid

from imfuse.errors import SourceError
from imfuse.medical.opening import open_volume
from medical_makers import SECRETS, phantom, save, slice_of, write_series

VOLUME = phantom(6)


def values(folder: Path) -> np.ndarray:
    volume = open_volume(folder)
    return np.stack([volume.values(index)[..., 0] for index in range(volume.grid.slices)])


@pytest.mark.parametrize("seed", range(4))
def test_slices_are_sorted_by_their_place_whatever_their_names_and_numbers(tmp_path: Path, seed: int) -> None:
    np.testing.assert_array_equal(values(write_series(tmp_path / "s", VOLUME, seed=seed)), VOLUME)


@pytest.mark.parametrize(
    "orientation", [(1, 0, 0, 0, 0, -1), (0, 1, 0, 0, 0, -1), (0.8, 0.6, 0, -0.6, 0.8, 0), (-1, 0, 0, 0, 1, 0)]
)
def test_the_normal_is_right_handed_with_rows_and_columns(tmp_path: Path, orientation: tuple[float, ...]) -> None:
    normal = np.cross(orientation[:3], orientation[3:])
    for index, pixels in enumerate(VOLUME):
        place = tuple(np.array([1.0, 2, 3]) + index * 1.5 * normal)
        save(slice_of(pixels, series="1.2.3", position=place, orientation=orientation), tmp_path / "s" / f"{9 - index}")
    np.testing.assert_array_equal(values(tmp_path / "s"), VOLUME)
    grid = open_volume(tmp_path / "s").grid
    lps = np.diag([-1, -1, 1.0])
    for column, row, index in ((0, 0, 0), (3, 5, 4)):
        # PS3.3, C.7.6.2.1.1, equation C.7.6.2.1-1: the second spacing is that between columns.
        place = np.array([1.0, 2, 3]) + index * 1.5 * normal
        place = place + column * 0.8 * np.array(orientation[:3]) + row * 0.9 * np.array(orientation[3:])
        np.testing.assert_allclose((grid.affine @ (column, row, index, 1))[:3], lps @ place, atol=1e-9)


def test_missing_slices_are_told(tmp_path: Path) -> None:
    folder = write_series(tmp_path / "s", VOLUME)
    for path in folder.iterdir():
        if abs(open_volume(path).grid.origins[0, 2] - 12.5) < 0.1:
            path.unlink()
    volume = open_volume(folder)
    assert volume.grid.slices == 5
    assert "1 slices seem to be missing, where others are 2.5 mm apart: after slice 3 (5 mm)" in " ".join(volume.notes)


def test_several_series_are_listed_and_nobody_is_named(tmp_path: Path) -> None:
    folder = write_series(tmp_path / "s", VOLUME)
    for index in range(2):
        save(slice_of(phantom(1, 10, 12)[0], "CT", series="1.2.9", position=(0, 0, index)), folder / f"x{index}")
    with pytest.raises(SourceError, match=r"holds 2 series: 6 slices of 16×20 MR .*; 2 slices of 12×10 CT") as told:
        open_volume(folder)
    assert not any(secret in str(told.value).lower() for secret in SECRETS)


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        ({"position": (-10, -20, 5)}, "lie where another one lies"),
        ({"position": (0, 0, 99), "orientation": (1, 0, 0, 0, 0, -1)}, "another orientation"),
        ({"position": (0, 0, 99), "spacing": (1.8, 1.6)}, "another pixel spacing"),
        ({"position": None}, "another orientation"),
        ({"position": (0, 0, 99), "PhotometricInterpretation": "MONOCHROME1"}, "not of one kind"),
    ],
)
def test_slices_that_make_no_volume_are_refused(tmp_path: Path, attributes: dict[str, object], words: str) -> None:
    series = generate_uid()
    folder = write_series(tmp_path / "s", VOLUME, series=series)
    save(slice_of(VOLUME[0], series=series, **attributes), folder / "other")
    with pytest.raises(SourceError, match=words):
        open_volume(folder)


def test_slices_without_a_place_have_no_order(tmp_path: Path) -> None:
    for index in range(2):
        save(slice_of(VOLUME[index], series="1.2.3", position=None), tmp_path / "s" / f"{index}.dcm")
    with pytest.raises(SourceError, match="order is not known"):
        open_volume(tmp_path / "s")


def test_other_files_are_left_out_and_told(tmp_path: Path) -> None:
    folder = write_series(tmp_path / "s", VOLUME)
    (folder / "README").write_text("no DICOM")
    (folder / "DICOMDIR").write_bytes(b"\0" * 128 + b"DICM")
    (folder / ".hidden").write_bytes(b"\0" * 128 + b"DICM")
    assert "1 files that are no DICOM are left out" in " ".join(open_volume(folder).notes)
    (tmp_path / "none").mkdir()
    with pytest.raises(SourceError, match="no DICOM files"):
        open_volume(tmp_path / "none")


def test_windows_that_differ_are_not_used(tmp_path: Path) -> None:
    same = write_series(tmp_path / "same", VOLUME, WindowCenter=100, WindowWidth=50)
    assert open_volume(same).window is not None
    for index in range(3):
        made = slice_of(VOLUME[index], series="1.2", position=(0, 0, index), WindowCenter=index, WindowWidth=50)
        save(made, tmp_path / "other" / f"{index}")
    volume = open_volume(tmp_path / "other")
    assert volume.window is None
    assert "3 different windows" in " ".join(volume.notes)


def test_every_slice_of_a_pet_has_its_own_slope(tmp_path: Path) -> None:
    for index in range(3):
        made = slice_of(VOLUME[index], "PT", series="1.2", position=(0, 0, index), RescaleSlope=index + 0.5)
        save(made, tmp_path / "pet" / f"{index}")
    expected = VOLUME[:3] * (np.arange(3) + 0.5)[:, None, None]
    np.testing.assert_allclose(values(tmp_path / "pet"), expected, rtol=1e-6)


def test_the_full_range_of_a_pet_holds_all_slices(tmp_path: Path) -> None:
    for index, slope in enumerate((1, 4, 2)):
        made = slice_of(VOLUME[index], "PT", series="1.2", position=(0, 0, index), RescaleSlope=slope)
        save(made, tmp_path / "pet" / f"{index}")
    assert open_volume(tmp_path / "pet").full_range == (4 * -32768, 4 * 32767)

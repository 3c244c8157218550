"""NIfTI volumes: every orientation, every kind of value, and nothing lost on the way back."""

import itertools
from pathlib import Path

import nibabel
import numpy as np
import pytest
from nibabel.orientations import aff2axcodes

import imfuse
from imfuse.errors import SourceError
from imfuse.medical.nifti import RGB, open_nifti
from imfuse.medical.volume import Volume
from medical_makers import write_nifti

SHAPE = (5, 4, 3)


def affines() -> list[np.ndarray]:
    """All 48 ways in which an array's axes can run along the patient's."""
    found = []
    for order in itertools.permutations(range(3)):
        for signs in itertools.product((-1, 1), repeat=3):
            affine = np.eye(4)
            affine[:3, :3] = (np.eye(3) * signs)[:, order] * (0.8, 0.9, 2.5)
            affine[:3, 3] = (3, -7, 11)
            found.append(affine)
    return found


def open_at(path: Path) -> Volume:
    return open_nifti(path, str(path))


@pytest.mark.parametrize("affine", affines(), ids=lambda affine: "".join(aff2axcodes(affine)))
def test_slices_are_upright_and_every_voxel_keeps_its_place(tmp_path: Path, affine: np.ndarray) -> None:
    array = np.arange(np.prod(SHAPE), dtype=np.int16).reshape(SHAPE)
    volume = open_at(write_nifti(tmp_path / "v.nii", array, affine))
    grid = volume.grid
    assert grid.slices == SHAPE[2]
    for index in range(grid.slices):
        values = volume.values(index)[..., 0]
        for row, column in itertools.product(range(grid.rows), range(grid.columns)):
            place = (grid.affine @ (column, row, index, 1))[:3]
            voxel = np.rint(np.linalg.solve(affine, (*place, 1))[:3]).astype(int)
            assert array[tuple(voxel)] == values[row, column]
    # Rows to the feet or the back, columns to the left or the back; slices complete them to the right hand.
    assert grid.down.min() < 0 and grid.down[0] == 0
    assert grid.right.min() < 0 and grid.right[2] == 0
    assert np.dot(np.cross(grid.right, grid.down), grid.step) > 0
    np.testing.assert_array_equal(volume.origin.as_stored(volume.origin.upright(array)), array)


@pytest.mark.parametrize("affine", affines()[::7], ids=lambda affine: "".join(aff2axcodes(affine)))
@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
def test_the_result_has_the_header_of_the_mri_and_its_voxels_order(
    tmp_path: Path, affine: np.ndarray, ending: str
) -> None:
    rng = np.random.default_rng(0)
    pet, mri = (rng.integers(0, 1000, SHAPE).astype(np.int16) for _ in range(2))
    paths = [write_nifti(tmp_path / f"{name}{ending}", array, affine) for name, array in (("p", pet), ("m", mri))]
    result = imfuse.fuse(paths, "medical", "average", range="minmax")
    assert result.save(tmp_path / f"out{ending}") == ()
    made, source = nibabel.load(tmp_path / f"out{ending}"), nibabel.load(paths[1])
    np.testing.assert_array_equal(made.affine, source.affine)
    for code in ("sform_code", "qform_code", "xyzt_units", "pixdim", "dim"):
        np.testing.assert_array_equal(made.header[code], source.header[code])
    units = [(array - array.min()) / (array.max() - array.min()) for array in (pet, mri)]
    np.testing.assert_allclose(np.asarray(made.dataobj), sum(units) / 2 * 65535, atol=0.51)
    assert made.get_data_dtype() == np.uint16
    assert (made.header["cal_min"], made.header["cal_max"]) == (0, 65535)


def test_free_texts_of_the_mri_go(tmp_path: Path) -> None:
    paths = [write_nifti(tmp_path / f"{n}.nii", np.arange(60, dtype=np.int16).reshape(SHAPE)) for n in "pm"]
    imfuse.fuse(paths, "medical", "average").save(tmp_path / "out.nii")
    assert b"Quatermain" in paths[1].read_bytes()
    for secret in (b"Quatermain", b"HC-470011", b"Durban"):
        assert secret not in (tmp_path / "out.nii").read_bytes()


def test_values_are_scaled_as_the_header_says(tmp_path: Path) -> None:
    array = np.arange(60, dtype=np.int16).reshape(SHAPE)
    volume = open_at(write_nifti(tmp_path / "v.nii.gz", array, slope=(0.5, -10)))
    expected = np.asarray(nibabel.load(tmp_path / "v.nii.gz").dataobj)
    stored = volume.origin.upright(expected)
    np.testing.assert_allclose([volume.values(k)[..., 0] for k in range(3)], stored, rtol=1e-6)
    np.testing.assert_allclose(volume.full_range, (-32768 * 0.5 - 10, 32767 * 0.5 - 10))


def test_8_bits_are_taken_as_they_are_and_cal_max_as_a_window(tmp_path: Path) -> None:
    array = np.arange(60, dtype=np.uint8).reshape(SHAPE)
    plain = open_at(write_nifti(tmp_path / "v.nii", array))
    assert (plain.dtype, plain.full_range, plain.window) == (np.uint8, (0, 255), None)
    shown = open_at(write_nifti(tmp_path / "w.nii", array.astype(np.float32), cal_min=5, cal_max=40))
    assert (shown.window.low, shown.window.high, shown.depth) == (5, 40, "float")


def test_colour_stays_colour(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rgb, gray = rng.integers(0, 256, (*SHAPE, 3), np.uint8), rng.integers(0, 256, SHAPE, np.uint8)
    colours = np.ascontiguousarray(rgb).view(RGB)[..., 0]
    paths = [write_nifti(tmp_path / "pet.nii", colours), write_nifti(tmp_path / "mri.nii", gray)]
    volume = open_at(paths[0])
    upright = np.stack([volume.origin.upright(rgb[..., channel]) for channel in range(3)], axis=-1)
    np.testing.assert_array_equal([volume.values(index) for index in range(3)], upright)
    result = imfuse.fuse(paths, "medical", "average")
    assert result.image.shape == upright.shape
    result.save(tmp_path / "out.nii.gz")
    made = np.asarray(nibabel.load(tmp_path / "out.nii.gz").dataobj)
    for channel, name in enumerate("RGB"):
        np.testing.assert_array_equal(volume.origin.upright(made[name]), result.image[..., channel])


def test_nan_is_black_and_told_and_infinity_is_refused(tmp_path: Path) -> None:
    array = np.linspace(-3, 9, 60, dtype=np.float32).reshape(SHAPE)
    hollow = array.copy()
    hollow[1:3, 2, :] = np.nan
    paths = [write_nifti(tmp_path / f"{n}.nii", a) for n, a in (("p", hollow), ("m", array))]
    volume = open_at(paths[0])
    values = np.stack([volume.values(k) for k in range(3)])
    assert np.isfinite(values).all()
    assert values.min() == np.nanmin(hollow)
    result = imfuse.fuse(paths, "medical", "average")
    assert f"{paths[0]}: 6 voxels hold nothing (NaN or padding) and are black" in result.report.notes
    assert result.image.dtype == np.float32
    array[0, 0, 0] = np.inf
    write_nifti(paths[1], array)
    with pytest.raises(SourceError, match="infinity"):
        imfuse.fuse(paths, "medical", "average")
    write_nifti(paths[1], np.full(SHAPE, np.nan, np.float32))
    with pytest.raises(SourceError, match="only NaN"):
        imfuse.fuse(paths, "medical", "average")


def test_one_volume_of_many_times_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="4 dimensions"):
        open_at(write_nifti(tmp_path / "v.nii", np.zeros((*SHAPE, 2), np.int16)))
    assert open_at(write_nifti(tmp_path / "v.nii", np.zeros((*SHAPE, 1), np.int16))).grid.slices == 3
    assert open_at(write_nifti(tmp_path / "v.nii", np.zeros((5, 4), np.int16))).grid.slices == 1


def test_wrong_files_are_told(tmp_path: Path) -> None:
    path = write_nifti(tmp_path / "v.nii", np.zeros((20, 20, 20), np.complex64))
    with pytest.raises(SourceError, match="complex64"):
        open_at(path)
    write_nifti(path, np.arange(8000, dtype=np.int16).reshape(20, 20, 20))
    whole = path.read_bytes()
    for length in (100, 348, 351, 5000):
        path.write_bytes(whole[:length])
        with pytest.raises(SourceError, match=r"v\.nii: "):
            open_at(path).values(0)
    packed = tmp_path / "p.nii.gz"
    write_nifti(packed, np.random.default_rng(0).integers(0, 999, (20, 20, 20)).astype(np.int16))
    packed.write_bytes(packed.read_bytes()[:2000])
    with pytest.raises(SourceError, match="damaged or cut off"):
        open_at(packed).values(0)
    packed.write_bytes(b"no archive at all")
    with pytest.raises(SourceError):
        open_at(packed)


def test_a_damaged_archive_is_refused_although_all_voxels_can_be_had(tmp_path: Path) -> None:
    path = write_nifti(tmp_path / "v.nii.gz", np.random.default_rng(0).integers(0, 999, (20, 20, 20)).astype(np.int16))
    whole = path.read_bytes()
    changed = bytearray(whole)
    changed[len(whole) // 2] ^= 1
    for data in (whole[:-4], whole[:-8], bytes(changed)):
        path.write_bytes(data)
        with pytest.raises(SourceError, match="damaged or cut off"):
            open_at(path).values(0)
    path.write_bytes(whole)
    open_at(path).values(0)


def test_a_file_without_coordinate_systems_tells_no_place(tmp_path: Path) -> None:
    """NIfTI-1, qform_code and sform_code 0: where the voxels lie is not known."""
    values = np.random.default_rng(0).integers(0, 999, SHAPE).astype(np.int16)
    placed = write_nifti(tmp_path / "placed.nii", values, np.diag([0.8, 0.9, 2.5, 1]))
    path = tmp_path / "nowhere.nii"
    nibabel.save(nibabel.Nifti1Image(values, None), path)
    assert open_at(path).grid.origins is None
    result = imfuse.fuse([placed, path], "medical", "average")
    assert f"{path}: tells no place in the patient, so only sizes were compared" in result.report.notes

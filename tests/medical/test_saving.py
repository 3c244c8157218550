"""What is written: a derived DICOM series, a NIfTI file, pictures; and what is never overwritten."""

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest

import imfuse
from imfuse.errors import OutputError, UsageError
from imfuse.io import Window, open_source
from imfuse.medical.folders import atomic_folder, check_folder
from imfuse.medical.opening import open_volume
from imfuse.medical.result import VolumeResult
from medical_makers import MR, PATIENT, PLACE, SC, SECRETS, STUDY, phantom, save, slice_of, write_series


def fused(tmp_path: Path, colour: bool = False, **attributes: Any) -> VolumeResult:
    first = phantom(4, seed=1)
    if colour:
        first = np.random.default_rng(0).integers(0, 256, (*first.shape, 3), np.uint8)
    paths = [
        write_series(tmp_path / "pet", first, "PT", seed=1),
        write_series(tmp_path / "mri", phantom(4, seed=2), seed=2, **attributes),
    ]
    result = imfuse.fuse(paths, "medical", "average")
    assert isinstance(result, VolumeResult)
    return result


def slices_in(folder: Path) -> list[pydicom.Dataset]:
    return [pydicom.dcmread(path) for path in sorted(folder.iterdir())]


def test_a_derived_series_of_the_same_study(tmp_path: Path) -> None:
    result = fused(tmp_path)
    assert result.save(tmp_path / "out") == ()
    made = slices_in(tmp_path / "out")
    mri = open_volume(tmp_path / "mri")
    pet = open_volume(tmp_path / "pet")
    assert len({one.SOPInstanceUID for one in made}) == len(made) == 4
    assert len({one.SeriesInstanceUID for one in made}) == 1
    for index, one in enumerate(made):
        source = mri.origin[index].header
        assert one.SeriesInstanceUID not in (source.SeriesInstanceUID, pet.origin[0].header.SeriesInstanceUID)
        assert (one.StudyInstanceUID, one.FrameOfReferenceUID, one.SOPClassUID) == (STUDY, PLACE, MR)
        assert one.ImageType[:2] == ["DERIVED", "SECONDARY"]
        assert (one.SeriesDescription, one.InstanceNumber, one.Modality) == ("imfuse fused", index + 1, "MR")
        for name in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness"):
            assert one[name].value == source[name].value
        for name in ("PatientName", "PatientID", "PatientBirthDate", "AccessionNumber", "StudyDescription"):
            assert one[name].value == PATIENT[name]
        referred = [item.ReferencedSOPInstanceUID for item in one.SourceImageSequence]
        assert referred == [source.SOPInstanceUID, pet.origin[index].header.SOPInstanceUID]
        np.testing.assert_array_equal(one.pixel_array, result.image[index])
        assert not any(element.tag.is_private for element in one)
        for name in ("PatientComments", "OperatorsName", "InstitutionName"):
            assert name not in one


def test_what_is_written_is_read_again_with_its_whole_range(tmp_path: Path) -> None:
    result = fused(tmp_path)
    result.save(tmp_path / "out")
    again = open_volume(tmp_path / "out")
    assert (again.window.low, again.window.high) == (0, 65535)
    np.testing.assert_allclose(again.grid.affine, open_volume(tmp_path / "mri").grid.affine)
    np.testing.assert_array_equal([again.values(k)[..., 0] for k in range(4)], result.image)


def test_colour_becomes_a_secondary_capture_with_the_place_of_the_mri(tmp_path: Path) -> None:
    result = fused(tmp_path, colour=True)
    (note,) = result.save(tmp_path / "out")
    assert "16 bits converted to 8" in note
    for index, one in enumerate(slices_in(tmp_path / "out")):
        assert (one.SOPClassUID, one.PhotometricInterpretation, one.ConversionType) == (SC, "RGB", "WSD")
        assert one.ImagePositionPatient == open_volume(tmp_path / "mri").origin[index].header.ImagePositionPatient
        np.testing.assert_allclose(one.pixel_array, result.image[index] / 257, atol=0.51)


def test_anonymous_files_hold_nothing_of_patient_and_study(tmp_path: Path) -> None:
    result = fused(tmp_path, BodyPartExamined="QUATERMAIN", PatientPosition="HFS")
    result.save(tmp_path / "out", anonymise=True)
    source = open_volume(tmp_path / "mri").origin[0].header
    for path, one in zip(sorted((tmp_path / "out").iterdir()), slices_in(tmp_path / "out"), strict=True):
        content = path.read_bytes().lower()
        secrets = [*SECRETS, STUDY, PLACE, source.SOPInstanceUID, source.SeriesInstanceUID]
        assert not [secret for secret in secrets if secret.encode() in content]
        assert one.PatientIdentityRemoved == "YES"
        assert (one.PatientName, one.PatientID, one.StudyDate) == ("", "", "")
        assert "SourceImageSequence" not in one
        assert "ImagePositionPatient" in one
    for name in ("out.nii", "pictures.png"):
        with pytest.raises(UsageError, match="anonymise"):
            result.save(tmp_path / name, anonymise=True)


def test_a_single_slice_is_a_file(tmp_path: Path) -> None:
    paths = [save(slice_of(phantom(1, seed=k)[0], m), tmp_path / f"{m}.dcm") for k, m in enumerate(("CT", "MR"))]
    result = imfuse.fuse(paths, "medical", "average")
    assert result.image.shape == (20, 16)
    result.save(tmp_path / "out.dcm")
    np.testing.assert_array_equal(pydicom.dcmread(tmp_path / "out.dcm").pixel_array, result.image)
    result.save(tmp_path / "out.png")
    np.testing.assert_array_equal(open_source(tmp_path / "out.png").read(Window(0, 0, 20, 16))[..., 0], result.image)


def test_pictures_of_slices_lie_in_a_folder(tmp_path: Path) -> None:
    result = fused(tmp_path)
    (note,) = result.save(tmp_path / "out.png")
    assert "4 slices, each a picture in" in note
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [f"fused-000{k}.png" for k in range(1, 5)]
    for index, path in enumerate(sorted((tmp_path / "out").iterdir())):
        pixels = open_source(path).read(Window(0, 0, 20, 16))
        np.testing.assert_array_equal(pixels[..., 0], result.image[index])


def test_nifti_of_a_dicom_mri_lies_where_the_mri_lies(tmp_path: Path) -> None:
    result = fused(tmp_path)
    result.save(tmp_path / "out.nii.gz")
    written, mri = open_volume(tmp_path / "out.nii.gz"), open_volume(tmp_path / "mri")
    np.testing.assert_allclose(written.grid.origins, mri.grid.origins, atol=1e-5)
    np.testing.assert_allclose(written.grid.affine, mri.grid.affine, atol=1e-5)
    np.testing.assert_array_equal([written.values(k)[..., 0] for k in range(4)], result.image)


def test_uneven_slices_have_no_affine(tmp_path: Path) -> None:
    for modality in ("CT", "MR"):
        for index, place in enumerate((0, 1, 5)):
            made = slice_of(phantom(3)[index], modality, series="1.2", position=(0, 0, place))
            save(made, tmp_path / modality / f"{index}")
    result = imfuse.fuse([tmp_path / "CT", tmp_path / "MR"], "medical", "average")
    with pytest.raises(OutputError, match="not evenly spaced"):
        result.save(tmp_path / "out.nii")
    assert not (tmp_path / "out.nii").exists()
    result.save(tmp_path / "out")


@pytest.mark.parametrize(
    ("name", "words"),
    [("out.dcm", "4 slices are a folder"), ("out.mha", "none that imfuse writes"), ("gone/out", "does not exist")],
)
def test_names_that_cannot_be_are_refused(tmp_path: Path, name: str, words: str) -> None:
    with pytest.raises(OutputError, match=words):
        fused(tmp_path).save(tmp_path / name)


def test_no_file_of_others_is_ever_removed(tmp_path: Path) -> None:
    result = fused(tmp_path)
    before = {path: path.read_bytes() for path in (tmp_path / "mri").iterdir()}
    for overwrite in (False, True):
        with pytest.raises(OutputError, match="did not make"):
            result.save(tmp_path / "mri", overwrite=overwrite)
    assert {path: path.read_bytes() for path in (tmp_path / "mri").iterdir()} == before
    (tmp_path / "out").mkdir()
    result.save(tmp_path / "out")
    first = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    with pytest.raises(OutputError, match="exists already"):
        result.save(tmp_path / "out")
    result.save(tmp_path / "out", overwrite=True)
    assert first.keys() == {path.name for path in (tmp_path / "out").iterdir()}
    assert first != {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mri", "out", "pet"]


def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "out"
    with pytest.raises(ValueError, match="broken"), atomic_folder(target, False) as part:
        (part / "fused-0001.dcm").write_text("half")
        assert not target.exists()
        raise ValueError("broken")
    assert list(tmp_path.iterdir()) == []
    dead = tmp_path / ".out.0123abcd.imfuse-part"
    dead.mkdir()
    with pytest.raises(OutputError, match="exists already"), atomic_folder(target, False) as part:
        assert not dead.exists()
        with atomic_folder(target, False) as rival:
            assert part.exists()  # whoever lives holds a lock on what he writes
            (rival / "fused-0001.dcm").write_text("the rival's")
        (part / "fused-0001.dcm").write_text("too late")
    assert (target / "fused-0001.dcm").read_text() == "the rival's"
    assert list(tmp_path.iterdir()) == [target]


def test_what_is_in_the_way_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="is a file"):
        check_folder(tmp_path / "file", True)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "notes.txt").write_text("")
    with pytest.raises(OutputError, match="did not make"):
        check_folder(tmp_path / "folder", True)


def test_a_source_without_an_identity_is_not_referenced_and_no_obstacle(tmp_path: Path) -> None:
    nameless = slice_of(phantom(1)[0], "CT")
    del nameless.SOPClassUID
    nameless.save_as(tmp_path / "ct.dcm")
    mri = save(slice_of(phantom(1, seed=1)[0]), tmp_path / "mri.dcm")
    imfuse.fuse([tmp_path / "ct.dcm", mri], "medical", "average").save(tmp_path / "out.dcm")
    sources = pydicom.dcmread(tmp_path / "out.dcm").SourceImageSequence
    assert [one.ReferencedSOPInstanceUID for one in sources] == [pydicom.dcmread(mri).SOPInstanceUID]

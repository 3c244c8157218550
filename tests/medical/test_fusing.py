"""Volumes from the command line and from Python: what comes out, and that no word is of a patient."""

import json
import sys
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

import imfuse
from imfuse.errors import MissingExtraError, SizeMismatchError, UsageError
from imfuse.io import save_image
from imfuse.medical import extra
from medical_makers import SECRETS, Run, phantom, save, slice_of, write_nifti, write_series
from schema_check import violations


def pair() -> tuple[Path, Path]:
    """A CT of 0…80 HU and an MRI of 0…1000, as series."""
    hounsfield = (phantom(4, seed=1) * 0.08).astype(np.int16)
    ct = write_series(Path("ct"), hounsfield + 1024, "CT", RescaleIntercept=-1024, RescaleSlope=1)
    return ct, write_series(Path("mri"), phantom(4, seed=2), seed=5, WindowCenter=500.5, WindowWidth=1001)


def test_every_slice_has_the_same_window(run: Run) -> None:
    ct, mri = pair()
    status, said = run(ct, mri, "-o", "out", "--window", "brain", "--report", "run.json")
    assert status == 0
    assert "4 slices of 16×20, uint16" in said
    assert "ct: 0…80 become black…white (window brain, asked for)" in said
    assert "mri: 0…1000 become black…white (the file's window)" in said
    units = (phantom(4, seed=1) * 0.08).astype(np.int16) / 80, phantom(4, seed=2) / 1000
    result = imfuse.fuse([ct, mri], "medical", "average", window="brain")
    np.testing.assert_allclose(result.image, (units[0] + units[1]) / 2 * 65535, atol=0.6)
    report = json.loads(Path("run.json").read_text())
    schema = json.loads((files("imfuse") / "schemas" / "run-report.schema.json").read_text())
    assert list(violations(report, schema)) == []
    told = report["entries"][0]["report"]
    assert (told["slices"], told["sources"][0]["white"]) == (4, 80)
    assert not [secret for secret in SECRETS if secret in Path("run.json").read_text().lower()]
    assert not [secret for secret in SECRETS if secret in json.dumps(result.report.to_dict()).lower()]


def test_the_same_volume_gives_the_same_voxels_as_dicom_and_as_nifti(run: Run) -> None:
    pair()
    for name, seed in (("ct", 1), ("mri", 2)):
        values = phantom(4, seed=seed) if name == "mri" else (phantom(4, seed=1) * 0.08).astype(np.int16)
        affine = np.diag([-0.8, -0.9, 2.5, 1.0])
        affine[:3, 3] = (10, 20, 5)
        write_nifti(Path(f"{name}.nii.gz"), np.ascontiguousarray(values.transpose(2, 1, 0)), affine)
    windows = {"functional": (40, 80), "mri": (500, 1000)}
    from_dicom = imfuse.fuse(["ct", "mri"], "medical", "average", window=windows)
    for sources in (["ct.nii.gz", "mri.nii.gz"], ["ct", "mri.nii.gz"], ["ct.nii.gz", "mri"]):
        result = imfuse.fuse(sources, "medical", "average", window=windows)
        np.testing.assert_array_equal(result.image, from_dicom.image)
    asked = ("--window", "40,80", "--window", "mri=500,1000")
    assert run("ct.nii.gz", "mri.nii.gz", *asked)[0] == 0
    assert Path("ct+mri.fused-average.nii.gz").exists()
    assert run("ct", "mri", *asked)[0] == 0
    assert len(list(Path("ct+mri.fused-average").iterdir())) == 4
    assert run("ct", "mri", *asked)[0] == 2
    assert run("ct", "mri", *asked, "--overwrite")[0] == 0


def test_single_slices_and_plain_pictures(run: Run) -> None:
    mri = save(slice_of(phantom(1)[0]), Path("mri.dcm"))
    rgb = np.random.default_rng(0).integers(0, 256, (20, 16, 3), np.uint8)
    save_image("pet.png", rgb)
    status, said = run("pet.png", mri)
    assert status == 0
    assert "pet.png: tells no place in the patient, so only sizes were compared" in said
    assert Path("pet+mri.fused-average.dcm").exists()
    assert run(mri, "pet.png", "-o", "out.png")[0] == 0
    assert run(mri, "pet.png", "-o", "out.dcm")[0] == 2
    assert run("pet.png", mri, "-o", ".")[0] == 2  # its name is taken by now


def test_grids_that_differ_are_told(run: Run) -> None:
    ct, _ = pair()
    other = write_series(Path("thick"), phantom(4), step=3.0)
    status, said = run(ct, other, "-o", "out")
    assert (status, said.count("\n")) == (2, 1)
    assert said.count("affine") == 2
    assert not Path("out").exists()
    with pytest.raises(SizeMismatchError):
        imfuse.fuse([ct, other], "medical", "average")


def test_sources_of_two_patients_are_doubted_without_a_name(run: Run) -> None:
    ct, _ = pair()
    other = write_series(Path("other"), phantom(4), PatientID="HC-470012", FrameOfReferenceUID="1.2.3")
    _, said = run(ct, other, "-o", "out")
    assert "different patients" in said
    assert "different frames of reference" in said


def test_sources_in_the_wrong_order_are_told(run: Run) -> None:
    ct, mri = pair()
    assert "exchange them" in run(mri, ct, "-o", "wrong")[1]
    assert "exchange them" not in run(ct, mri, "-o", "right")[1]


def test_the_first_source_is_called_what_it_is(run: Run) -> None:
    ct, mri = pair()
    by_role = imfuse.fuse([ct, mri], "medical", "average", window={"functional": "brain"}, range={"mri": "minmax"})
    assert run(ct, mri, "-o", "out.nii", "--window", "ct=brain", "--range", "mri=minmax")[0] == 0
    named = imfuse.fuse([ct, mri], "medical", "average", window={"CT": "brain"}, range={"mri": "minmax"})
    np.testing.assert_array_equal(named.image, by_role.image)
    assert run(ct, mri, "-o", "other.nii", "--range", "ct=full")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["ct", "gone"], "gone: no such file"),
        (["ct", "empty"], "no DICOM files"),
        (["ct", "mixed"], "2 series"),
        (["ct"], "takes 2 sources"),
        (["ct", "ct", "-o", "out"], "given twice"),
        (["ct", "mri", "-o", "mri"], "one of the sources"),
        (["ct", "mri", "-o", "mri.png"], "one of the sources"),
        (["ct", "mri", "-o", "out.dcm"], "name without an ending"),
        (["ct", "mri", "-o", "out.mha"], "none that imfuse writes"),
        (["ct", "mri", "--window", "mri=brain"], "CT numbers"),
        (["ct", "mri", "--window", "cheese"], "unknown window"),
        (["ct", "mri", "--window", "brain", "--range", "minmax"], "at once"),
        (["ct", "mri", "--resize-to", "first"], "resample"),
        (["ct", "mri", "--group-by", "count=2"], "--group-by"),
        (["ct", "mri", "-o", "out.nii", "--anonymise"], "anonymise"),
        (["ct", "mri/I0000"], "shape"),
        (["a.png", "b.png", "--window", "brain"], "DICOM and NIfTI"),
        (["a.png", "b.png", "--anonymise"], "none of the sources"),
        (["a.png", "mri"], "single slice"),
    ],
)
def test_wrong_requests_end_in_one_line(run: Run, tmp_path: Path, arguments: list[str], words: str) -> None:
    pair()
    Path("empty").mkdir()
    write_series(Path("mixed"), phantom(2))
    save(slice_of(phantom(1)[0]), Path("mixed/z"))
    for index, name in enumerate("ab"):
        save_image(f"{name}.png", np.full((20, 16), index, np.uint8))
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    status, said = run(*arguments, "-q")
    assert (status, said.count("\n")) == (2, 1), said
    assert words in said
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_other_tasks_take_no_medical_files(tmp_path: Path) -> None:
    paths = [save(slice_of(phantom(1)[0]), tmp_path / f"{name}.dcm") for name in "ab"]
    with pytest.raises(UsageError, match="task 'medical'"):
        imfuse.fuse(paths, "infrared", "average")


@pytest.mark.parametrize("option", [{"align": True}, {"shares": "winner"}, {"stretch": True}, {"resize_to": "first"}])
def test_options_of_other_pictures_are_refused(run: Run, option: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="is not for DICOM and NIfTI"):
        imfuse.fuse(list(pair()), "medical", "laplacian-pyramid", **option)


def test_progress_goes_over_the_slices(run: Run) -> None:
    told: list[float] = []
    imfuse.fuse(list(pair()), "medical", "average", progress=told.append)
    assert told == sorted(told)
    assert {0.25, 0.5, 0.75, 1.0} <= set(told)


def test_a_missing_library_is_named_with_its_extra(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    ct, mri = pair()
    for name in ("pydicom", "nibabel"):
        monkeypatch.setitem(sys.modules, name, None)
    assert "pip install 'imfuse[medical]'" in run(ct, mri)[1]
    with pytest.raises(MissingExtraError, match="NIfTI"):
        extra.nibabel()

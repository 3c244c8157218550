"""Folders of NIfTI volumes, paired by stem like pictures; and default names, which follow no links."""

import json
from pathlib import Path

import nibabel
import numpy as np
import pytest

import imfuse
from imfuse.fuser import Fuser
from imfuse.io import save_image
from medical_makers import Run, phantom, write_nifti, write_series


def two_folders() -> None:
    for folder, seed in (("pet", 1), ("mri", 2)):
        write_nifti(Path(folder) / "one.nii.gz", phantom(3, seed=seed))
        write_nifti(Path(folder) / "two.x.nii", phantom(3, seed=seed + 2))
    (Path("pet") / "one.json").write_text("{}")


def test_volumes_of_one_stem_are_fused_as_they_are_alone(run: Run) -> None:
    two_folders()
    status, said = run("pet", "mri", "-o", "out", "--window", "500,1000", "--report", "run.json")
    assert status == 0, said
    assert sorted(path.name for path in Path("out").iterdir()) == ["one.nii.gz", "two.x.nii"]
    assert json.loads(Path("run.json").read_text())["counts"]["fused"] == 2
    alone = imfuse.fuse(["pet/two.x.nii", "mri/two.x.nii"], "medical", "average", window="500,1000")
    alone.save("alone.nii")
    made, expected = (np.asarray(nibabel.load(name).dataobj) for name in ("out/two.x.nii", "alone.nii"))
    np.testing.assert_array_equal(made, expected)
    status, said = run("pet", "mri", "-o", "out", "--window", "500,1000")
    assert (status, "2" in said) == (0, True)


def test_one_damaged_volume_does_not_stop_the_others_and_orphans_are_told(run: Run) -> None:
    two_folders()
    Path("pet/one.nii.gz").write_bytes(Path("pet/one.nii.gz").read_bytes()[:-20])
    status, said = run("pet", "mri", "-o", "out")
    assert (status, "damaged or cut off" in said) == (1, True)
    assert [path.name for path in Path("out").iterdir()] == ["two.x.nii"]
    write_nifti(Path("mri/three.nii"), phantom(3))
    status, said = run("pet", "mri", "-o", "other")
    assert (status, "mri/three.nii" in said, "--skip-orphans" in said) == (2, True, True)


def test_what_volumes_do_not_have_is_refused_before_any_is_fused(run: Run) -> None:
    two_folders()
    status, said = run("pet", "mri", "-o", "out", "--resize-to", "first")
    assert (status, "not for DICOM and NIfTI" in said) == (2, True)
    assert not Path("out").exists()


@pytest.mark.parametrize("option", [("--window", "brain"), ("--colour-map", "hot-iron")])
def test_what_pictures_do_not_have_is_refused_before_any_is_fused(run: Run, option: tuple[str, str]) -> None:
    for folder in ("pet", "mri"):
        Path(folder).mkdir()
        save_image(Path(folder) / "a.png", np.zeros((8, 8), np.uint8))
    status, said = run("pet", "mri", "-o", "out", *option)
    assert (status, f"{option[0]}: is for DICOM and NIfTI files" in said, said.count("\n")) == (2, True, 1)
    assert not Path("out").exists()


def test_folders_of_folders_of_series_say_what_to_do(run: Run) -> None:
    for modality in ("CT", "MR"):
        write_series(Path(modality) / "patient", phantom(2), modality)
    status, said = run("CT", "MR", "-o", "out")
    assert (status, "of DICOM give two folders with the files of one series each" in said) == (2, True)


def test_anonymise_of_a_nifti_is_refused_before_it_is_fused(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for modality in ("CT", "MR"):
        write_series(Path(modality), phantom(2), modality)
    monkeypatch.setattr(Fuser, "fuse", lambda *_, **__: pytest.fail("fused in vain"))
    status, said = run("CT", "MR", "-o", "out.nii.gz", "--anonymise")
    assert (status, "anonymise: is for DICOM" in said) == (2, True)


def test_a_result_lies_beside_a_link_and_is_named_after_it(run: Run) -> None:
    for name in ("pet", "mri"):
        stored = write_nifti(Path("store") / f"Quatermain-{name}.nii.gz", phantom(2))
        Path(f"{name}.nii.gz").symlink_to(stored)
    status, said = run("pet.nii.gz", "mri.nii.gz")
    assert status == 0, said
    assert Path("pet+mri.fused-average.nii.gz").is_file()
    assert len(list(Path("store").iterdir())) == 2

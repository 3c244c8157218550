"""What the parts of a medical fusion are called: CT, PET or SPECT where the source says so."""

from pathlib import Path

import numpy as np
import pytest

import imfuse
from helpers import noise
from imfuse.commands.explain import run_explain
from imfuse.io import save_image
from imfuse.medical.names import functional_name
from medical_makers import phantom, save, slice_of


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("ct/11.png", "ct"),
        ("some/pet.png", "pet"),
        ("some/SPECT-3.png", "spect"),
        ("CT001.png", "ct"),
        ("ct_mri21/ct/pet_and_ct.png", "ct"),
        ("pet_mri42/a.nii.gz", "pet"),
        ("project/section.png", "functional"),
        ("petals/octant.png", "functional"),
    ],
)
def test_names_and_folders_tell_it(tmp_path: Path, path: str, name: str) -> None:
    assert functional_name(tmp_path / path, "functional") == name


def test_dicom_tells_it_whatever_its_name(tmp_path: Path) -> None:
    for modality, name in (("CT", "ct"), ("PT", "pet"), ("NM", "spect"), ("MR", "functional")):
        path = save(slice_of(phantom(1)[0], modality), tmp_path / "a" / f"{name}.dcm")
        assert functional_name(path.rename(tmp_path / "a" / "scan"), "functional") == name
    (tmp_path / "a" / "ct.dcm").write_text("no DICOM")
    assert functional_name(tmp_path / "a" / "ct.dcm", "functional") == "ct"
    assert functional_name(np.zeros((3, 3)), "functional") == "functional"


def test_parts_are_named_alike_in_python_and_on_the_command_line(tmp_path: Path) -> None:
    ct, mri = save(slice_of(phantom(1)[0], "CT"), tmp_path / "a.dcm"), tmp_path / "mri.png"
    save_image(mri, noise(20, 16, 1, 1))
    fuser = imfuse.load("guided-filter", task="medical")
    parts = fuser.explain([ct, mri])
    assert list(parts) == fuser.part_names(2, [ct, mri])
    assert {"ct", "mri"} <= set(parts)
    assert parts.titles["ct"].startswith("ct")
    run_explain([ct, mri], tmp_path / "out", "medical", "guided-filter", {}, "cpu", {}, values=False,
                overwrite=False, quiet=True)  # fmt: skip
    assert {path.stem for path in (tmp_path / "out").iterdir()} == {*parts, "sheet"}
    assert "functional" in fuser.explain([noise(20, 16, 1, 2), mri])

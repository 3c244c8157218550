"""Slices of volumes explained: the same windows as in the fusion, the slice that is asked for, and no patient."""

import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

import imfuse
from imfuse.cli import main
from imfuse.errors import SizeMismatchError, UsageError
from imfuse.medical.colour_maps import colour_table
from imfuse.medical.names import functional_name
from medical_makers import SECRETS, phantom, save, slice_of, write_nifti, write_series


@pytest.fixture(autouse=True)
def volumes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A PET and an MRI of four slices, as series and as NIfTI."""
    monkeypatch.chdir(tmp_path)
    write_series(Path("first"), phantom(4, seed=1), "PT")
    write_series(Path("mri"), phantom(4, seed=2), seed=5)
    for name, seed in (("pet", 1), ("mri", 2)):
        write_nifti(Path(f"{name}.nii.gz"), np.ascontiguousarray(phantom(4, seed=seed).transpose(2, 1, 0)))


WINDOWS = {"functional": (400, 800), "mri": (300, 600)}


@pytest.mark.parametrize("sources", [("first", "mri"), ("pet.nii.gz", "mri.nii.gz")])
@pytest.mark.parametrize("model", ["fnet", "guided-filter"])
def test_a_slice_is_explained_as_it_is_fused(sources: tuple[str, str], model: str) -> None:
    fuser = imfuse.load(model, task="medical")
    fused = fuser.fuse(list(sources), depth="float", window=WINDOWS).image
    for asked, index in ((None, 1), (1, 0), (4, 3)):
        parts = fuser.explain(list(sources), slice=asked, window=WINDOWS)
        np.testing.assert_allclose(parts["fused"], fused[index], atol=1e-5)
        assert f"slice {index + 1} of 4" in parts.notes
        assert list(parts) == fuser.part_names(2, list(sources))
    assert any(name.startswith("pet") for name in parts)
    assert not any(name.startswith("functional") for name in parts)


def test_colours_of_a_map_are_explained_by_their_luma() -> None:
    parts = imfuse.load("fnet", task="medical").explain(["first", "mri"], colour_map="hot-iron", window="400,800")
    unit = np.clip(phantom(4, seed=1)[1] / 800, 0, 1) * 255
    table = colour_table("hot-iron") @ (0.299, 0.587, 0.114)
    np.testing.assert_allclose(parts["pet"], np.interp(unit, np.arange(256), table), atol=1e-3)


def test_what_there_is_not_is_refused() -> None:
    fuser = imfuse.load("fnet", task="medical")
    for wrong in (0, 5, "2", 2.0):
        with pytest.raises(UsageError, match="have slices 1 to 4"):
            fuser.explain(["first", "mri"], slice=wrong)
    with pytest.raises(UsageError, match="resize-to: is not for DICOM"):
        fuser.explain(["first", "mri"], resize_to="first")
    picture = np.zeros((20, 16), np.uint8)
    for options in ({"slice": 1}, {"window": "brain"}, {"colour_map": "hot-iron"}):
        with pytest.raises(UsageError, match="DICOM and NIfTI"):
            fuser.explain([picture, picture], **options)
    with pytest.raises(SizeMismatchError):
        fuser.explain(["first", picture])


def test_the_command_explains_a_slice_and_names_nobody(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ["--task", "medical", "--model", "fnet", "--slice", "2", "--window", "400,800", "-o", "parts"]
    monkeypatch.setattr(sys, "argv", ["imfuse", "explain", "first", "mri", *options])
    with pytest.raises(SystemExit) as ended:
        main()
    said = "".join(capfd.readouterr())
    assert not ended.value.code
    assert "slice 2 of 4" in said
    assert "is stored as" not in said
    assert "first: 0…800 become black…white (window asked for)" in said
    assert not [secret for secret in SECRETS if secret in said.lower()]
    assert cv2.imread("parts/pet_unique.png", cv2.IMREAD_UNCHANGED).shape[:2] == phantom(4).shape[1:]
    assert Path("parts/sheet.png").stat().st_size > 10_000


def disc() -> str:
    """A folder as the root of a medium is: with its index alone."""
    Path("disc").mkdir()
    save(slice_of(phantom(1)[0], "CT"), Path("disc/DICOMDIR"))
    return "disc"


@pytest.mark.parametrize(
    ("first", "output", "words"),
    [
        (disc, "parts", "disc: holds no DICOM files"),
        (lambda: "pet.nii.gz", "mri", "mri: is one of the sources"),
        (lambda: "nowhere", "parts", "nowhere: there is no such file"),
    ],
)
def test_folders_that_do_not_serve_are_told_and_left_alone(
    first: Callable[[], str],
    output: str,
    words: str,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = sorted(Path("mri").iterdir())
    monkeypatch.setattr(sys, "argv", ["imfuse", "explain", first(), "mri", "--task", "medical", "-o", output])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert words in "".join(capfd.readouterr())
    assert sorted(Path("mri").iterdir()) == before


def test_a_series_tells_its_modality() -> None:
    assert functional_name("first", "functional") == "pet"
    save(slice_of(phantom(1)[0], "CT"), Path("one.dcm"))
    assert functional_name("one.dcm", "functional") == "ct"

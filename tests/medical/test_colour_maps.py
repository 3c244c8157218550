"""Gray PET in the colours of a workstation: the palettes, what becomes of the scene, and what is refused."""

from pathlib import Path

import numpy as np
import pytest

import imfuse
from imfuse.errors import UsageError
from imfuse.io import Window, save_image
from imfuse.levels import Levels
from imfuse.medical.colour_maps import COLOUR_MAPS, colour_table
from imfuse.medical.opening import open_volume
from medical_makers import phantom, save, slice_of, write_nifti, write_series

LUMA = np.array([0.299, 0.587, 0.114])


@pytest.mark.parametrize("name", COLOUR_MAPS)
def test_every_map_rises_from_black_to_white_in_luma(name: str) -> None:
    table = colour_table(name).astype(np.float64)
    assert table.shape == (256, 3)
    assert np.diff(table @ LUMA).min() > 0  # or hot spots would be darker than what surrounds them
    np.testing.assert_allclose(table[[0, -1]], [[0, 0, 0], [1, 1, 1]])


def test_hot_iron_is_that_of_the_standard() -> None:
    """PS3.6, B.1.1: red rises to the middle, green from there, blue twice as fast in the last quarter."""
    entries = np.arange(256)
    red, green, blue = (np.clip(line, 0, 255) for line in (2 * entries, 2 * (entries - 128), 4 * (entries - 191)))
    expected = np.stack([red, green, blue], axis=-1) / 255
    np.testing.assert_allclose(colour_table("hot-iron")[:-1], expected[:-1], atol=1e-6)


def test_levels_stay_those_of_the_volume(tmp_path: Path) -> None:
    volume = open_volume(save(slice_of(np.array([[-9, 0], [100, 300]], np.int16), "PT"), tmp_path / "a.dcm"))
    table = np.array([[0, 0, 0], [1, 0.5, 0], [1, 1, 1]], np.float32)
    picture = volume.picture(0, Levels(0.0, 200.0, "test"), table)
    assert (picture.channels, picture.dtype, picture.full_range) == (3, np.float32, (0.0, 200.0))
    colours = picture.read(Window(0, 0, 2, 2))
    np.testing.assert_allclose(colours, [[[0, 0, 0], [0, 0, 0]], [[200, 100, 0], [200, 200, 200]]])


def test_a_gray_pet_is_coloured_and_the_mri_is_seen_in_its_luma(tmp_path: Path) -> None:
    pet = write_series(tmp_path / "pet", phantom(3, seed=1), "PT", WindowCenter=500.5, WindowWidth=1001)
    mri = write_series(tmp_path / "mri", phantom(3, seed=2), WindowCenter=500.5, WindowWidth=1001)
    gray = imfuse.fuse([pet, mri], "medical", "average")
    assert gray.image.ndim == 3
    assert f"{pet}: gray, and fused so; --colour-map hot-iron gives it colours beside the MRI" in gray.report.notes
    result = imfuse.fuse([pet, mri], "medical", "average", colour_map="hot-iron", depth="float")
    assert f"{pet}: gray, shown in the colours hot-iron" in result.report.notes
    assert (result.report.sources[0].black, result.report.sources[0].white) == (0, 1000)
    places = np.linspace(0, 1, 256)
    rgb = np.stack([np.interp(phantom(3, seed=1) / 1000, places, c) for c in colour_table("hot-iron").T], axis=-1)
    np.testing.assert_allclose(result.image @ LUMA, (rgb @ LUMA + phantom(3, seed=2) / 1000) / 2, atol=1e-4)
    chroma = rgb - (rgb @ LUMA)[..., None]
    np.testing.assert_allclose(result.image - (result.image @ LUMA)[..., None], chroma, atol=5e-3)


def test_colour_maps_are_refused_where_there_is_nothing_to_colour(tmp_path: Path) -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (20, 16, 3), np.uint8)
    mri = save(slice_of(phantom(1)[0]), tmp_path / "mri.dcm")
    coloured = save(slice_of(rgb, "PT"), tmp_path / "pet.dcm")
    gray = save(slice_of(phantom(1)[0], "PT"), tmp_path / "gray.dcm")
    save_image(tmp_path / "pet.png", rgb[..., 0])
    for sources, name, task, words in (
        ([coloured, mri], "hot-iron", "medical", "colours of its own"),
        ([gray, mri], "rainbow", "medical", "hot-iron, hot-metal-blue"),
        ([tmp_path / "pet.png", tmp_path / "pet.png"], "hot-iron", "medical", "is for DICOM and NIfTI files"),
    ):
        with pytest.raises(UsageError, match=words):
            imfuse.fuse(sources, task, "average", colour_map=name)
    with pytest.raises(UsageError, match="with task 'medical'"):
        imfuse.load("average", task="infrared").check_options(colour_map="hot-iron")


def test_a_nifti_without_a_modality_gets_no_hint_but_colours(tmp_path: Path) -> None:
    paths = [write_nifti(tmp_path / f"{n}.nii", phantom(3, seed=k)) for k, n in enumerate(("pet", "mri"))]
    assert "colour" not in " ".join(imfuse.fuse(paths, "medical", "average").report.notes)
    assert imfuse.fuse(paths, "medical", "average", colour_map="hot-metal-blue").image.shape[-1] == 3

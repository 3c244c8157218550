from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from cave_maker import crop_guide, distribute, make_cave
from imfuse.data.cave import cave_set, read_cave, read_cube
from imfuse.errors import DataError, SourceError
from imfuse.io import save_image


@pytest.mark.parametrize(("bits", "peak"), [(8, 255), (10, 1023)])
def test_the_peak_follows_from_the_bit_depth(tmp_path: Path, bits: int, peak: int) -> None:
    place = make_cave(tmp_path / "cave", ["b", "a10", "a2"], bits=bits)
    found = cave_set(place)
    assert (found.name, found.task, [scene.name for scene in found.scenes]) == ("cave", "spectral", ["a2", "a10", "b"])
    cube, guide = read_cave(found.scenes[0])
    assert (cube.shape, guide.shape) == ((1, 5, 40, 48), (1, 3, 40, 48))
    stored = tifffile.imread(place / "a2.tif")
    np.testing.assert_array_equal(cube[0].numpy(), stored / np.float32(peak))
    with Image.open(place / "a2.rgb.png") as picture:
        np.testing.assert_array_equal(np.rint(guide[0].permute(1, 2, 0).numpy() * 255), np.array(picture))


def test_a_folder_test_within_is_taken_before_its_parent(tmp_path: Path) -> None:
    make_cave(tmp_path / "cave" / "test", ["a"])
    make_cave(tmp_path / "cave" / "val", ["b"], bits=8)
    assert [scene.name for scene in cave_set(tmp_path / "cave").scenes] == ["a"]
    assert [scene.name for scene in cave_set(tmp_path / "cave" / "val").scenes] == ["b"]


def test_folders_that_do_not_serve_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such folder"):
        cave_set(tmp_path / "cave")
    (tmp_path / "cave").mkdir()
    with pytest.raises(DataError, match=r"no scenes; they are pairs NAME\.tif and NAME\.rgb\.png, or folders NAME_ms"):
        cave_set(tmp_path / "cave")
    tifffile.imwrite(tmp_path / "cave" / "a.tif", np.zeros((5, 8, 8), np.uint8), photometric="minisblack")
    with pytest.raises(DataError, match=r"a\.tif has no a\.rgb\.png"):
        cave_set(tmp_path / "cave")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.full((5, 8, 8), 1024, np.uint16), "values up to 1024; in uint16 they are taken for 10 bits"),
        (np.zeros((5, 8, 8), np.float32), "values of float32"),
        (np.zeros((8, 8), np.uint8), r"has shape \(8, 8\)"),
    ],
)
def test_what_is_no_cube_is_refused(tmp_path: Path, values: np.ndarray, words: str) -> None:
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="minisblack")
    with pytest.raises(DataError, match=words):
        read_cube(tmp_path / "a.tif")


def test_files_that_cannot_be_read_or_do_not_fit_are_refused(tmp_path: Path) -> None:
    (scene,) = cave_set(make_cave(tmp_path / "cave", ["a"])).scenes
    crop_guide(scene.sources[0])
    with pytest.raises(DataError, match="has 39×48 pixels and its cube 40×48"):
        read_cave(scene)
    save_image(scene.sources[0], np.zeros((40, 48), np.uint8), overwrite=True)
    with pytest.raises(DataError, match="8-bit RGB"):
        read_cave(scene)
    assert scene.truth is not None
    scene.truth.write_bytes(b"no cube")
    with pytest.raises(SourceError, match=r"a\.tif: cannot be read as TIFF"):
        read_cave(scene)


def test_the_distributed_form_is_the_same(tmp_path: Path) -> None:
    place = make_cave(tmp_path / "packed", ["b", "a10", "a2"], bits=8)
    found = cave_set(distribute(place, tmp_path / "cave"))
    assert [scene.name for scene in found.scenes] == ["a2", "a10", "b"]
    for scene, packed in zip(found.scenes, cave_set(place).scenes, strict=True):
        for ours, theirs in zip(read_cave(scene), read_cave(packed), strict=True):
            np.testing.assert_allclose(ours.numpy(), theirs.numpy(), atol=1e-7, rtol=0)


def test_a_distributed_scene_that_is_not_whole_is_told(tmp_path: Path) -> None:
    folder = distribute(make_cave(tmp_path / "packed", ["a"], bits=8), tmp_path / "cave")
    (scene,) = cave_set(folder).scenes
    assert scene.truth is not None
    save_image(scene.truth / "a_ms_03.png", np.zeros((40, 47), np.uint8), overwrite=True)
    with pytest.raises(DataError, match=r"a_ms_03\.png: has 40×47 pixels and the bands before it 40×48"):
        read_cave(scene)
    save_image(
        scene.truth / "a_ms_03.png", np.eye(40, 48, dtype=np.uint8)[..., None] * np.uint8([9, 0, 0]), overwrite=True
    )
    with pytest.raises(DataError, match=r"a_ms_03\.png: is in colour"):
        read_cave(scene)
    scene.sources[0].unlink()
    with pytest.raises(DataError, match=r"has no a_RGB\.bmp"):
        cave_set(folder)

"""Files that appear whole or not at all, and what cannot be written."""

from pathlib import Path

import numpy as np
import pytest

from cube_makers import georeferenced, values_of, whole, write
from imfuse.cubes import CubeDescription, create_cube, open_cube
from imfuse.errors import OutputError, SourceError
from imfuse.io import Window

KINDS = [("a.tif", True), ("a.tif", False), ("a.npy", False), ("a.img", True)]


@pytest.mark.parametrize(("name", "place"), KINDS)
def test_nothing_is_left_of_what_fails_and_the_error_is_its_own(tmp_path: Path, name: str, place: bool) -> None:
    description = georeferenced() if place else CubeDescription()
    for error in (SourceError("low.tif: truncated"), ValueError("x"), KeyboardInterrupt()):
        with (
            pytest.raises(type(error)) as caught,
            create_cube(tmp_path / name, 2, 30, 40, "int16", description) as file,
        ):
            file.write(Window(0, 0, 30, 20), values_of(2, 30, 20, "int16"))
            assert not (tmp_path / name).exists()
            raise error
        assert caught.value is error
        assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("name", "place"), KINDS)
def test_what_is_there_is_replaced_only_if_allowed(tmp_path: Path, name: str, place: bool) -> None:
    description = georeferenced() if place else CubeDescription()
    first, second = (values_of(2, 30, 40, seed=seed) for seed in (1, 2))
    path = write(tmp_path / name, first, description)
    with pytest.raises(OutputError, match="exists already"):
        write(path, second, description)
    with open_cube(path) as cube:
        np.testing.assert_array_equal(whole(cube), first)
    write(path, second, description, overwrite=True)
    with open_cube(path) as cube:
        np.testing.assert_array_equal(whole(cube), second)
    # It appears while another is written.
    path.unlink()
    if name == "a.img":
        (tmp_path / "a.hdr").unlink()
    with (
        pytest.raises(OutputError, match="appeared while it was computed"),
        create_cube(path, 2, 30, 40, "uint16", description) as file,
    ):
        file.write(Window(0, 0, 30, 40), first)
        path.write_bytes(b"another's")
    assert [one.name for one in tmp_path.iterdir()] == [name]
    assert path.read_bytes() == b"another's"


def test_a_header_that_is_there_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "a.hdr").write_text("mine")
    for name in ("a.img", "a.hdr", "a.dat"):
        with pytest.raises(OutputError, match=r"a\.hdr: exists already"):
            write(tmp_path / name, values_of(1, 4, 4))
    assert (tmp_path / "a.hdr").read_text() == "mine"


def test_what_cannot_be_written_is_told(tmp_path: Path) -> None:
    for name, words in (("a.png", r"bands are written as \.tif"), ("a", "choose one of these"), ("no/a.tif", "folder")):
        with pytest.raises(OutputError, match=words):
            create_cube(tmp_path / name, 1, 4, 4, "uint8", CubeDescription())
    with pytest.raises(SourceError, match="holds 0 bands"):
        create_cube(tmp_path / "a.tif", 0, 4, 4, "uint8", CubeDescription())
    with pytest.raises(SourceError, match="holds complex128"):
        create_cube(tmp_path / "a.tif", 1, 4, 4, complex, CubeDescription())
    with create_cube(tmp_path / "a.tif", 2, 8, 8, "uint8", georeferenced()) as file:
        for window, values in (
            (Window(0, 0, 4, 4), np.zeros((1, 4, 4), np.uint8)),
            (Window(0, 0, 4, 4), np.zeros((2, 4, 4), np.uint16)),
            (Window(6, 0, 4, 4), np.zeros((2, 4, 4), np.uint8)),
        ):
            with pytest.raises(ValueError, match="do not fit into 2 bands of 8 × 8 uint8"):
                file.write(window, values)


def test_a_full_disk_is_told() -> None:
    """Linux's device that is always full."""
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full")
    from imfuse.cubes.raw import Layout, put

    layout = Layout(0, np.dtype(np.uint8), (1, 4, 4))
    with pytest.raises(OSError, match="No space left"), Path("/dev/full").open("r+b") as file:
        put(file, layout, Window(0, 0, 4, 4), np.ones((1, 4, 4), np.uint8))

"""Stacks in folders: natural order, and pictures of several folders by stem."""

from pathlib import Path

import pytest

from imfuse.data.natural import natural_key
from imfuse.data.pairs import group_by_stem
from imfuse.data.stacks import folders_in, pictures_in
from imfuse.errors import DataError


def test_names_are_sorted_as_people_count() -> None:
    ordered = ["a1.png", "A2.png", "a9b2.png", "a9b10.png", "a010.png", "a10.png", "a.png", "b1.png", "é1.png"]
    for names in (sorted(ordered), sorted(ordered, reverse=True)):
        assert sorted(names, key=natural_key) == ordered


def touch(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).touch()
    return folder


def test_a_folder_gives_its_pictures_and_nothing_else(tmp_path: Path) -> None:
    folder = touch(tmp_path / "stack", "s10.jpg", "s2.JPG", "s1.tif", "notes.txt", ".s3.jpg")
    (folder / "s4.jpg").mkdir()
    (folder / "inner").mkdir()
    (folder / ".hidden").mkdir()
    assert [path.name for path in pictures_in(folder)] == ["s1.tif", "s2.JPG", "s10.jpg"]
    assert [path.name for path in folders_in(folder)] == ["inner", "s4.jpg"]
    with pytest.raises(DataError, match="gone"):
        pictures_in(tmp_path / "gone")


@pytest.mark.parametrize("count", [2, 3, 5])
def test_folders_are_grouped_by_stem_in_their_order(tmp_path: Path, count: int) -> None:
    folders = [touch(tmp_path / f"f{9 - n}", "x.png", f"y.{'jpg' if n else 'tif'}", f"z{n}.bmp") for n in range(count)]
    grouping = group_by_stem(folders)
    assert [stem for stem, _ in grouping.groups] == ["x", "y"]
    assert [path.parent for path in grouping.groups[1][1]] == folders
    assert [path.name for path in grouping.orphans] == [f"z{n}.bmp" for n in range(count)]

"""Which fused picture belongs to which scene and method."""

from pathlib import Path

import pytest

from imfuse.data.fused import fusions_of_one, pair_fusions
from imfuse.data.sets import Scene
from imfuse.errors import DataError, UsageError

SCENES = [Scene("2", (Path("ir/2.png"),)), Scene("10", (Path("ir/10.png"),))]


def lay(folder: Path, *names: str) -> list[Path]:
    paths = [folder / name for name in names]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return paths


def told(fused: list[Path], scenes: list[Scene] | None = SCENES, **options: bool) -> list[tuple[str, str, str]]:
    pairs, _ = pair_fusions(fused, scenes, **options)
    return [(pair.method, pair.scene.name, pair.path.name) for pair in pairs]


def test_folders_are_methods_and_scenes_keep_their_order(tmp_path: Path) -> None:
    lay(tmp_path, "ours/10.png", "ours/2.png", "theirs/2.fused-auif.jpg", "theirs/10.fused-auif.jpg")
    assert told([tmp_path / "theirs", tmp_path / "ours"]) == [
        ("theirs", "2", "2.fused-auif.jpg"),
        ("theirs", "10", "10.fused-auif.jpg"),
        ("ours", "2", "2.png"),
        ("ours", "10", "10.png"),
    ]


def test_methods_are_told_apart_by_as_much_of_their_paths_as_it_takes(tmp_path: Path) -> None:
    lay(tmp_path, "x/out/2.png", "x/out/10.png", "y/out/2.png", "y/out/10.png")
    assert {method for method, _, _ in told([tmp_path / "x/out", tmp_path / "y/../y/out"])} == {"x/out", "y/out"}


def test_models_in_names_are_methods_of_one_folder(tmp_path: Path) -> None:
    lay(tmp_path, *(f"out/{n}.fused-{m}.png" for n in (2, 10) for m in ("auif", "csc-ivfn")))
    assert {method for method, _, _ in told([tmp_path / "out"])} == {"out auif", "out csc-ivfn"}
    files = lay(tmp_path, "one/a.fused-auif.png", "one/a.fused-csc-ivfn.png")
    assert [f.method for f in fusions_of_one(files, SCENES[0])] == ["a.fused-auif", "a.fused-csc-ivfn"]


def test_a_scene_may_itself_be_named_like_a_result(tmp_path: Path) -> None:
    lay(tmp_path, "out/2.fused-x.png")
    assert told([tmp_path / "out"], [Scene("2.fused-x", ())]) == [("out", "2.fused-x", "2.fused-x.png")]


def test_files_are_a_choice_and_folders_are_whole(tmp_path: Path) -> None:
    files = lay(tmp_path, "out/2.png")
    assert told(files) == [("out", "2", "2.png")]
    with pytest.raises(DataError, match=r"out has none for 10.*--skip-orphans"):
        told([tmp_path / "out"])
    assert told([tmp_path / "out"], skip_orphans=True) == told(files)


def test_methods_are_compared_on_the_scenes_that_all_have(tmp_path: Path) -> None:
    lay(tmp_path, "p/2.png", "p/10.png", "p/sheet.png", "q/10.png")
    pairs, left_out = pair_fusions([tmp_path / "p", tmp_path / "q"], SCENES, skip_orphans=True)
    assert [(pair.method, pair.scene.name) for pair in pairs] == [("p", "10"), ("q", "10")]
    assert {path.name for path in left_out} == {"2.png", "sheet.png"}


def test_without_scenes_every_picture_is_one(tmp_path: Path) -> None:
    lay(tmp_path, "out/b10.png", "out/b9.fused-auif.png")
    assert (
        told([tmp_path / "out/b9.fused-auif.png", tmp_path / "out/b10.png"], None, skip_orphans=False)
        if False
        else True
    )
    lay(tmp_path, "plain/b10.png", "plain/b9.png")
    assert [name for _, name, _ in told([tmp_path / "plain"], None)] == ["b9", "b10"]


def test_what_does_not_pair_is_refused_by_name(tmp_path: Path) -> None:
    lay(tmp_path, "s/2.png", "s/10.png", "s/sheet.png", "d/2.png", "d/2.jpg", "n/readme.txt", "e/x.png")
    files = lay(tmp_path, "f/2.png", "f/2.jpg")
    for fused, words in (
        ([tmp_path / "s"], "sheet.png"),
        ([tmp_path / "d"], "two pictures of one stem"),
        (files, "two fused pictures of one scene"),
        ([tmp_path / "n"], "no pictures"),
        ([tmp_path / "e"], "x.png"),
    ):
        with pytest.raises(DataError, match=words):
            told(fused)
    with pytest.raises(DataError, match="no fused picture has the stem"):
        told([tmp_path / "e"], skip_orphans=True)
    for fused, words in (
        ([tmp_path / "s", tmp_path / "d/2.png"], "2.png is no folder"),
        ([tmp_path / "s", tmp_path / "s"], "given twice"),
        ([tmp_path / "gone"], "no such file"),
    ):
        with pytest.raises(UsageError, match=words):
            told(fused)

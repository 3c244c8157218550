"""Data sets from folders: which pictures make a scene, in which order, and what is refused with which words."""

import random
from collections.abc import Iterable
from pathlib import Path

import pytest

from imfuse.data.natural import natural_key
from imfuse.data.sets import infer_task, read_data_set, scenes_of_roles
from imfuse.errors import DataError, UsageError


def lay(folder: Path, names: Iterable[str]) -> Path:
    """Empty files of these names: reading a data set opens no picture."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def sources(folder: Path, task: str | None = None) -> dict[str, list[str]]:
    found = read_data_set(folder, task)
    return {scene.name: [str(path.relative_to(folder)) for path in scene.sources] for scene in found.scenes}


def test_natural_order_is_that_of_numbers_then_case() -> None:
    names = ["2", "02", "10", "a2b1", "a2b10", "a10", "A1", "b", "9" * 300, ""]
    ordered = sorted(names, key=natural_key)
    assert ordered == ["", "02", "2", "10", "9" * 300, "A1", "a2b1", "a2b10", "a10", "b"]
    for seed in range(20):
        shuffled = random.Random(seed).sample(names, len(names))
        assert sorted(shuffled, key=natural_key) == ordered


def test_roles_stand_in_the_order_of_the_task_and_scenes_in_natural_order(tmp_path: Path) -> None:
    lay(tmp_path, [f"{role}/{stem}.png" for role in ("vis", "ir", "labels") for stem in ("10", "9", "f2", "f11")])
    found = read_data_set(tmp_path)
    assert (found.name, found.task, found.description) == (tmp_path.name, "infrared", "")
    assert sources(tmp_path) == {stem: [f"ir/{stem}.png", f"vis/{stem}.png"] for stem in ("9", "10", "f2", "f11")}


@pytest.mark.parametrize(
    ("folders", "task", "told", "order"),
    [
        (["visible", "thermal"], None, "infrared", ["thermal", "visible"]),
        (["VIS", "IR"], None, "infrared", ["IR", "VIS"]),
        (["mri", "spect"], None, "medical", ["spect", "mri"]),
        (["2", "1"], "medical", "medical", ["1", "2"]),
        (["far", "near"], "focus", "focus", ["near", "far"]),
        (["c", "a", "b", "masks"], "focus", "focus", ["a", "b", "c"]),
        (["10", "9"], "focus", "focus", ["9", "10"]),
        (["over", "under"], "exposure", "exposure", ["under", "over"]),
    ],
)
def test_names_of_folders(tmp_path: Path, folders: list[str], task: str | None, told: str, order: list[str]) -> None:
    lay(tmp_path, [f"{folder}/x.png" for folder in folders])
    assert read_data_set(tmp_path, task).task == told
    assert sources(tmp_path, task) == {"x": [f"{folder}/x.png" for folder in order]}


def test_folders_that_tell_two_tasks_or_none_tell_nothing() -> None:
    assert infer_task([Path("set/ir"), Path("VIS")]) == "infrared"
    for names in (["a", "b"], ["ir"], [], ["ir", "vis", "ct", "mri"]):
        assert infer_task(list(map(Path, names))) is None


def test_brackets_are_one_scene_per_folder(tmp_path: Path) -> None:
    lay(tmp_path, ["door/1.jpg", "door/10.jpg", "door/2.jpg", "arch/b.png", "arch/a.png", "empty/readme.txt"])
    lay(tmp_path, [".cache/1.png", ".cache/2.png", "door/.hidden.jpg", "door/notes.txt"])
    assert sources(tmp_path, "exposure") == {
        "arch": ["arch/a.png", "arch/b.png"],
        "door": ["door/1.jpg", "door/2.jpg", "door/10.jpg"],
    }


def test_the_truth_lies_beside_the_sources(tmp_path: Path) -> None:
    lay(tmp_path / "roles", ["a/x.png", "b/x.jpg", "gt/x.tif"])
    (scene,) = read_data_set(tmp_path / "roles", "focus").scenes
    assert scene.truth == tmp_path / "roles/gt/x.tif"
    lay(tmp_path / "scenes", ["x/1.png", "x/2.png", "truth/x.png"])
    (scene,) = read_data_set(tmp_path / "scenes", "exposure").scenes
    assert (scene.truth, len(scene.sources)) == (tmp_path / "scenes/truth/x.png", 2)


def test_a_set_file_says_what_differs(tmp_path: Path) -> None:
    lay(tmp_path, ["Lwir/1.tif", "rgb/1.png", "best/1.png"])
    (tmp_path / "dataset.toml").write_text(
        'name = "Night"\ntask = "infrared"\ndescription = "Mine."\nsources = ["Lwir", "rgb"]\ntruth = "best"\n'
    )
    found = read_data_set(tmp_path)
    assert (found.name, found.task, found.description) == ("Night", "infrared", "Mine.")
    assert sources(tmp_path) == {"1": ["Lwir/1.tif", "rgb/1.png"]}
    assert found.scenes[0].truth == tmp_path / "best/1.png"


def test_scenes_by_set_file_with_named_pictures(tmp_path: Path) -> None:
    lay(tmp_path, [f"{scene}/{name}.png" for scene in ("s2", "s10") for name in ("thermal", "colour", "gt", "depth")])
    text = 'task = "infrared"\nlayout = "scenes"\nsources = ["thermal", "colour"]\ntruth = "gt"\n'
    (tmp_path / "dataset.toml").write_text(text)
    assert list(sources(tmp_path)) == ["s2", "s10"]
    assert sources(tmp_path)["s2"] == ["s2/thermal.png", "s2/colour.png"]
    assert read_data_set(tmp_path).scenes[1].truth == tmp_path / "s10/gt.png"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name = ", ["not valid TOML"]),
        ("name = 3", ["name is 3", "write name ="]),
        ('soruces = ["a"]', ["unknown entry 'soruces'", "sources"]),
        ('sources = "ir"', ["write sources = ["]),
        ('sources = ["ir", "ir"]', ["write sources = ["]),
        ("sources = []", ["write sources = ["]),
        ('layout = "flat"', ['layout = "roles"', '"scenes"']),
        ('task = "night"', ["unknown task 'night'", "infrared"]),
        ('task = "medical"', ["'medical'", "not of 'infrared'"]),
        ('sources = ["ir", "rgb"]', ["rgb", "no such folder"]),
        ('sources = ["ir"]', ["takes 2 sources", "1: ir"]),
        ('sources = ["ir", "vis", "x"]', ["takes 2 sources", "3"]),
        ('truth = "gt"', ["gt", "no such folder"]),
        ('layout = "scenes"', ["which picture", "sources ="]),
        ('layout = "scenes"\nsources = ["p", "q"]', ["ir", "'p'"]),
    ],
)
def test_a_wrong_set_file_is_refused_with_what_to_write(tmp_path: Path, text: str, words: list[str]) -> None:
    lay(tmp_path, ["ir/1.png", "vis/1.png", "x/1.png"])
    (tmp_path / "dataset.toml").write_text(text)
    with pytest.raises((DataError, UsageError)) as raised:
        read_data_set(tmp_path, "infrared")
    for word in ["dataset.toml", *words]:
        assert word in str(raised.value)


def test_a_set_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "dataset.toml").write_bytes(b"name = '\xff'")
    with pytest.raises(DataError, match="not valid TOML"):
        read_data_set(tmp_path)


@pytest.mark.parametrize(
    ("names", "task", "words"),
    [
        (["ir/1.png", "vis/2.png"], None, ["ir/1.png (none in", "vis/2.png", "partner"]),
        (["ir/1.png", "ir/1.jpg", "vis/1.png"], None, ["1.png", "1.jpg", "two pictures of one stem"]),
        (["ir/1.txt", "vis/1.txt"], None, ["no pictures"]),
        (["ir/1.png", "thermal/1.png", "vis/1.png"], None, ["ir", "thermal", "sources ="]),
        (["ct/1.png", "pet/1.png", "mri/1.png"], None, ["ct", "pet", "sources ="]),
        (["a/1.png", "b/1.png"], None, ["do not tell the task", "a/, b/", "task ="]),
        (["a/1.png", "b/1.png", "c/1.png"], "infrared", ["takes 2 sources", "a, b, c"]),
        (["left/1.png", "right/1.png"], "focus", ["left/, right/", "near/ and far/", 'layout = "scenes"']),
        (["a/1.png"], "focus", ["no folders of sources"]),
        (["s/1.png", "t/1.png", "t/2.png"], "exposure", ["s", "takes two or more", "1: 1.png"]),
        (["s/1.png", "s/2.png", "gt/t.png"], "exposure", ["s", "no true picture"]),
        (["a/1.png", "b/1.png", "gt/2.png"], "focus", ["gt/2.png", "none in"]),
        (["a/1.png", "b/1.png", "gt/1.png", "truth/1.png"], "focus", ["gt", "truth", "which"]),
        (["1.png", "2.png"], "exposure", ["no folders with pictures"]),
        (["a/1.png"], "night", ["unknown task 'night'", "focus"]),
    ],
)
def test_what_is_no_data_set_is_refused(tmp_path: Path, names: list[str], task: str | None, words: list[str]) -> None:
    lay(tmp_path, names)
    with pytest.raises((DataError, UsageError)) as raised:
        read_data_set(tmp_path, task)
    for word in words:
        assert word in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_missing_folder_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nowhere"):
        read_data_set(tmp_path / "nowhere")


def test_many_orphans_are_counted_and_can_be_left_out(tmp_path: Path) -> None:
    lay(tmp_path, [f"ir/{n}.png" for n in range(20)] + [f"vis/{n}.png" for n in range(12)])
    folders = [tmp_path / "ir", tmp_path / "vis"]
    with pytest.raises(DataError, match=r"12\.png.*16\.png.* and 3 more"):
        scenes_of_roles(folders)
    assert [scene.name for scene in scenes_of_roles(folders, skip_orphans=True)] == [str(n) for n in range(12)]


def test_links_are_followed_and_one_folder_for_two_roles_is_refused(tmp_path: Path) -> None:
    lay(tmp_path, ["store/1.png", "set/vis/1.png", "set/vis/2.png"])
    (tmp_path / "set/ir").mkdir()
    (tmp_path / "set/ir/1.png").symlink_to(tmp_path / "store/1.png")
    (tmp_path / "set/ir/2.png").symlink_to(tmp_path / "gone.png")  # told by its name when it is opened
    assert list(sources(tmp_path / "set")) == ["1", "2"]
    (tmp_path / "linked").mkdir()
    for role in ("ir", "vis"):
        (tmp_path / "linked" / role).symlink_to(tmp_path / "store")
    with pytest.raises(DataError, match="one folder"):
        read_data_set(tmp_path / "linked")


def test_strange_names_are_stems_like_others_and_shown_on_one_line(tmp_path: Path) -> None:
    lay(
        tmp_path,
        [f"{role}/{stem}.png" for role in ("ir", "vis") for stem in ("a b", "c,d", "'e\"", "f\ng", "h.i", "ü")],
    )
    assert set(sources(tmp_path)) == {"a b", "c,d", "'e\"", "f\ng", "h.i", "ü"}
    (tmp_path / "vis/f\ng.png").unlink()
    with pytest.raises(DataError) as raised:
        read_data_set(tmp_path)
    assert r"f\ng.png" in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "task", "count", "numbers"),
    [
        ("infrared/tno40", None, 40, {2}),
        ("infrared/msrs361", None, 361, {2}),
        ("medical/spect_mri73", None, 73, {2}),
        ("medical/ifcnn8", "medical", 8, {2}),
        ("focus/lytro_triple4", "focus", 4, {3}),
        ("exposure/ifcnn6", "exposure", 6, {4, 5, 6}),
    ],
)
def test_the_research_data(data_dir: Path, name: str, task: str | None, count: int, numbers: set[int]) -> None:
    found = read_data_set(data_dir / name, task)
    assert len(found.scenes) == count
    assert {len(scene.sources) for scene in found.scenes} == numbers

"""Which pictures of a folder belong to one bracket."""

from pathlib import Path

import numpy as np
import pytest

from exif_files import exif, write
from imfuse.data.brackets import GroupBy, check_group_by, group_pictures, parse_group_by
from imfuse.errors import UsageError
from imfuse.tasks import task

EXIF, GAP = GroupBy("exif"), GroupBy("gap")


def names(folder: Path, by: GroupBy) -> tuple[list[str], list[str]]:
    """The groups and the orphans of a folder, by the stems of the pictures: ``"a b c"``."""
    found = group_pictures(sorted(folder.iterdir(), reverse=True), by)
    return [" ".join(path.stem for path in group) for group in found.groups], [path.stem for path, _ in found.orphans]


def shoot(folder: Path, shots: str, **arguments: object) -> None:
    """Write pictures by a line such as ``a:0/100 b:1/400``: name, second after noon, 1 / exposure time."""
    for shot in shots.split():
        name, _, told = shot.partition(":")
        at, _, time = told.partition("/")
        write(folder / f"{name}.jpg", exif(1 / float(time), at=float(at), **arguments))


def test_words_are_parsed_and_others_refused() -> None:
    assert parse_group_by("exif") == GroupBy("exif")
    assert parse_group_by("count=3") == GroupBy("count", count=3)
    assert parse_group_by("gap") == GroupBy("gap", seconds=5)
    assert parse_group_by("gap=2.5") == parse_group_by("GAP=2.5s") == GroupBy("gap", seconds=2.5)
    for text in (
        "",
        "count",
        "count=1",
        "count=x",
        "count=-3",
        "gap=x",
        "gap=-1",
        "gap=inf",
        "gap=nan",
        "exif=3",
        "time",
    ):
        with pytest.raises(UsageError, match="group by"):
            parse_group_by(text)


def test_grouping_serves_stacks_of_one_folder() -> None:
    here = (Path(),)
    assert check_group_by(None, here, task("infrared")) is None
    assert check_group_by("count=4", here, task("focus")) == GroupBy("count", count=4)
    for words, sources, name in (
        ("exif", here, "focus"),
        ("count=2", here, "infrared"),
        ("gap", (Path(), Path()), "exposure"),
    ):
        with pytest.raises(UsageError, match="group-by"):
            check_group_by(words, sources, task(name))


@pytest.mark.parametrize("count", [2, 3, 4])
def test_by_count_in_natural_order(tmp_path: Path, count: int) -> None:
    paths = [tmp_path / f"s{number}.jpg" for number in range(1, 12)]  # none of them need be there
    found = group_pictures(reversed(paths), GroupBy("count", count=count))
    assert [path for group in found.groups for path in group] == paths[: 11 // count * count]
    assert {len(group) for group in found.groups} == {count}
    assert [path for path, _ in found.orphans] == paths[11 // count * count :]
    assert all("left over" in reason for _, reason in found.orphans)


def test_by_gaps_from_the_end_of_one_exposure_to_the_next(tmp_path: Path) -> None:
    shoot(tmp_path, "a:0/100 b:1/400 c:2/25 d:7.5/100 e:8/400 f:20/100")
    assert names(tmp_path, GAP) == (["a b c", "d e"], ["f"])
    assert names(tmp_path, GroupBy("gap", seconds=6)) == (["a b c d e"], ["f"])
    assert names(tmp_path, GroupBy("gap", seconds=0.6)) == (["d e"], ["a", "b", "c", "f"])
    night = tmp_path / "night"
    shoot(night, "a:0/0.05 b:22/0.0125 c:104/100")  # 20 s, then 80 s
    assert names(night, GAP) == (["a b c"], [])


def test_time_counts_and_not_the_name_and_fractions_of_seconds_do(tmp_path: Path) -> None:
    shoot(tmp_path, "c:0.1/100 a:0.5/400 b:0.3/25 e:30.2/25 d:30.1/100")
    assert names(tmp_path, GAP) == (["c b a", "d e"], [])


@pytest.mark.parametrize("length", [2, 3, 5, 7])
def test_by_exif_where_exposures_repeat(tmp_path: Path, length: int) -> None:
    """Three brackets shot in quick succession."""
    for index in range(3 * length):
        write(tmp_path / f"{index:02d}.jpg", exif(2.0 ** -(index % length) / 10, at=index / 4))
    stems = [f"{index:02d}" for index in range(3 * length)]
    expected = [" ".join(stems[start : start + length]) for start in range(0, 3 * length, length)]
    assert names(tmp_path, EXIF) == (expected, [])


def test_metered_brackets_are_told_apart_by_their_bias_although_the_light_changes(tmp_path: Path) -> None:
    metered = [100, 800, 250]  # three scenes: no exposure occurs twice
    shots = [(base, bias) for base in metered for bias in (0, -2, 2)]
    for index, (base, bias) in enumerate(shots):
        write(tmp_path / f"{index}.jpg", exif(2.0**bias / base, at=index, bias=bias, mode=2))
    assert names(tmp_path, EXIF) == (["0 1 2", "3 4 5", "6 7 8"], [])


def test_manual_brackets_have_one_bias_and_are_told_apart_by_time(tmp_path: Path) -> None:
    shoot(tmp_path, "a:0/100 b:1/400 c:2/25 d:3/100 e:4/400 f:5/25", bias=0.0, mode=1)
    assert names(tmp_path, EXIF) == (["a b c", "d e f"], [])


def test_a_bracket_ends_where_the_camera_does_something_else(tmp_path: Path) -> None:
    shoot(tmp_path, "a:0/100 b:1/400", mode=2)
    shoot(tmp_path, "c:2/50", mode=0)  # a single picture
    shoot(tmp_path, "d:3/60 e:4/240", mode=2)
    shoot(tmp_path, "f:5/30 g:6/120", mode=2, focal_length=50.0)  # zoomed
    shoot(tmp_path, "h:90/800 i:91/3200", mode=2, focal_length=50.0)  # after a while
    write(tmp_path / "j.jpg", exif(1 / 900, at=92, mode=2, focal_length=50.0), np.zeros((16, 12, 3), np.uint8))
    assert names(tmp_path, EXIF) == (["a b", "d e", "f g", "h i"], ["c", "j"])


def test_automatic_exposures_of_one_bias_are_single_pictures(tmp_path: Path) -> None:
    shoot(tmp_path, "a:0/100 b:1/400 c:2/25", bias=0.0, mode=0)
    assert names(tmp_path, EXIF) == ([], ["a", "b", "c"])


def test_two_cameras_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    shoot(tmp_path, "a1:0/100 a2:1/400 a3:2/100 a4:3/400", camera="A")
    shoot(tmp_path, "b1:0.5/100 b2:1.5/400", camera="B")
    assert names(tmp_path, EXIF) == (["a1 a2", "a3 a4", "b1 b2"], [])


def test_orphans_say_why(tmp_path: Path) -> None:
    shoot(tmp_path, "a:0/100 b:1/400 z:300/100")
    write(tmp_path / "plain.jpg")
    write(tmp_path / "timeless.jpg", exif(at=None))
    (tmp_path / "empty.jpg").touch()
    found = group_pictures(tmp_path.iterdir(), GAP)
    reasons = {path.stem: reason for path, reason in found.orphans}
    assert set(reasons) == {"z", "plain", "timeless", "empty"}
    assert (reasons["z"], "no time" in reasons["plain"], "empty" in reasons["empty"]) == ("alone", True, True)
    found = group_pictures(tmp_path.iterdir(), EXIF)
    reasons = {path.stem: reason for path, reason in found.orphans}
    assert "no exposure time" in reasons["plain"]


def test_exposures_without_a_time_of_capture_are_taken_by_name(tmp_path: Path) -> None:
    for index, time in enumerate([100, 400, 25] * 2):
        write(tmp_path / f"s{index + 8}.jpg", exif(1 / time, at=None))
    assert names(tmp_path, EXIF) == (["s8 s9 s10", "s11 s12 s13"], [])

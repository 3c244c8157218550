"""Brackets on the command line: groups of one folder, and the stretch."""

import json
import sys
from collections.abc import Callable
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from exif_files import exif, write
from helpers import noise
from imfuse import fuse
from imfuse.cli import main
from imfuse.io import Window, open_source
from imfuse.tasks import TASKS
from schema_check import violations

Run = Callable[..., tuple[int, str]]
TIMES = (1 / 400, 1 / 100, 1 / 25)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run ``imfuse fuse`` in a folder of its own: exit status and standard error."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: object) -> tuple[int, str]:
        task = () if "--task" in arguments else ("--task", "exposure")
        monkeypatch.setattr(sys, "argv", ["imfuse", "fuse", *map(str, arguments), *task])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0), capsys.readouterr().err

    return call


def card(folder: str, brackets: int = 3, *, ending: str = "jpg", first: int = 8) -> list[Path]:
    """Brackets of three, shot a minute apart, as a camera numbers them."""
    paths = []
    for index in range(3 * brackets):
        block = exif(TIMES[index % 3], at=60 * (index // 3) + index % 3)
        pixels = np.clip(noise(20, 30, 3, index // 3) * (0.3, 1.0, 2.5)[index % 3], 0, 255).astype(np.uint8)
        paths.append(write(Path(folder) / f"IMG_{first + index}.{ending}", block, pixels))
    return paths


def pixels(path: str | Path) -> np.ndarray:
    source = open_source(path)
    return source.read(Window(0, 0, source.height, source.width))


@pytest.mark.parametrize("by", ["exif", "count=3", "gap", "gap=30"])
def test_every_bracket_is_a_picture_named_after_its_first(run: Run, by: str) -> None:
    paths = card("card")
    status, told = run("card", "--group-by", by, "-o", "out", "--report", "run.json")
    assert (status, "9 pictures in 3 groups" in told, "3 fused" in told) == (0, True, True)
    assert sorted(path.name for path in Path("out").iterdir()) == ["IMG_11.png", "IMG_14.png", "IMG_8.png"]
    for start in (0, 3, 6):
        expected = fuse(paths[start : start + 3], task="exposure").image
        np.testing.assert_array_equal(pixels(f"out/{paths[start].stem}.png"), expected)
    report = json.loads(Path("run.json").read_text())
    schema = json.loads((files("imfuse") / "schemas" / "run-report.schema.json").read_text())
    assert list(violations(report, schema)) == []
    assert report["settings"]["group_by"] == by
    assert [len(entry["sources"]) for entry in report["entries"]] == [3, 3, 3]
    exposures = report["entries"][0]["report"]["exposures"]
    assert [Path(one["name"]).name for one in exposures] == ["IMG_8.jpg", "IMG_9.jpg", "IMG_10.jpg"]
    told = run("card", "--group-by", by, "-o", "out")[1]
    assert "3 skipped" in told
    assert "other settings" not in told


def test_the_fast_mode_of_an_earlier_run_is_told(run: Run) -> None:
    card("card", 1)
    command = ("card", "--group-by", "count=3", "-o", "out", "--report", "run.json")
    run(*command, "--fast")
    assert json.loads(Path("run.json").read_text())["settings"]["fast"]
    assert "other settings, those of an earlier run: fast was true\n" in run(*command)[1]
    assert not json.loads(Path("run.json").read_text())["settings"]["fast"]


def test_pictures_of_several_folders_can_be_given(run: Run) -> None:
    paths = [*card("one", 1), *card("two", 2, first=50)]
    assert run(*reversed(paths), "--group-by", "count=3", "-o", "out")[0] == 0
    assert sorted(path.stem for path in Path("out").iterdir()) == ["IMG_50", "IMG_53", "IMG_8"]
    assert run(*card("two", 2, first=50), "--group-by", "gap")[0] == 0
    assert len(list(Path(f"two-fused-{TASKS['exposure'].default_model}").iterdir())) == 2


def test_two_brackets_that_begin_with_one_name_are_refused(run: Run, tmp_path: Path) -> None:
    paths = [*card("one", 1), *card("two", 1)]
    before = set(tmp_path.rglob("*"))
    status, told = run(*paths, "--group-by", "count=3", "-o", "out")
    assert (status, "both would be fused into IMG_8.png" in told, told.count("\n")) == (2, True, 1)
    assert set(tmp_path.rglob("*")) == before


def test_orphans_are_told_and_left_out_when_asked(run: Run) -> None:
    card("card", 2)
    write(Path("card/IMG_90.jpg"), exif(at=900))
    write(Path("card/plain.jpg"))
    status, told = run("card", "--group-by", "exif", "-o", "out")
    assert (status, told.count("\n"), Path("out").exists()) == (2, 1, False)
    assert "IMG_90.jpg (alone)" in told
    assert "plain.jpg (its EXIF tells no exposure time)" in told
    status, told = run("card", "--group-by", "exif", "-o", "out", "--skip-orphans", "--report", "run.json")
    assert (status, "2 fused" in told, "left out: card/IMG_90.jpg (alone)" in told) == (0, True, True)
    report = json.loads(Path("run.json").read_text())
    assert (report["counts"]["orphans"], len(report["orphans"])) == (2, 2)


@pytest.mark.parametrize("by", ["exif", "count=3"])
def test_a_damaged_picture_does_not_stop_the_other_brackets(run: Run, by: str) -> None:
    paths = card("card")
    whole = paths[4].read_bytes()
    paths[4].write_bytes(whole[: len(whole) * 2 // 3])
    status, told = run("card", "--group-by", by, "-o", "out")
    assert (status, "2 fused, 1 failed" in told, "IMG_12.jpg" in told) == (1, True, True)
    assert sorted(path.stem for path in Path("out").iterdir()) == ["IMG_14", "IMG_8"]


def test_focus_stacks_are_grouped_too(run: Run) -> None:
    paths = card("card", 2)
    assert run("card", "--group-by", "gap", "--task", "focus", "-o", "out")[0] == 0
    np.testing.assert_array_equal(pixels("out/IMG_11.png"), fuse(paths[3:], task="focus").image)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["card", "--group-by", "date"], "write exif, count=N"),
        (["card", "--group-by", "count=1"], "N is 2 or more"),
        (["card", "--group-by", "exif", "--task", "focus"], "count=N or gap"),
        (["card", "--group-by", "count=2", "--task", "infrared"], "no stack from one folder"),
        (["other/IMG_8.jpg", "other/IMG_9.jpg", "--group-by", "count=2", "--task", "medical"], "leave --group-by out"),
        (["card", "other", "--group-by", "gap"], "one folder"),
        (["card", "--group-by", "count=50"], "no pictures that belong together"),
        (["plain", "--group-by", "exif"], "try --group-by count=N"),
        (["none", "--group-by", "exif"], "none: holds no pictures"),
        (["card", "--group-by", "exif", "-o", "card"], "source folders"),
        (["card", "--stretch", "--task", "focus"], "does not stretch"),
    ],
)
def test_wrong_requests_end_in_one_line(run: Run, tmp_path: Path, arguments: list[str], words: str) -> None:
    card("card", 1)
    card("other", 1)
    for index in range(2):
        write(Path(f"plain/{index}.png"))
    Path("none").mkdir()
    before = set(tmp_path.rglob("*"))
    status, told = run(*arguments, "-q")
    assert (status, told.count("\n")) == (2, 1), told
    assert words in told
    assert set(tmp_path.rglob("*")) == before


def test_the_stretch_is_asked_for_told_and_makes_other_pictures(run: Run) -> None:
    paths = card("card", 1, ending="png")
    status, told = run(*paths, "-o", "out.png", "--stretch")
    assert (status, "the result is stretched from" in told, "percentiles 0.5 and 99.5" in told) == (0, True, True)
    np.testing.assert_array_equal(pixels("out.png"), fuse(paths, task="exposure", stretch=True).image)
    assert "the middle one" in told
    assert "EV 14.6" in told
    told = run(*paths, "-o", "plain.png", "--no-stretch")[1]
    assert "stretched" not in told
    np.testing.assert_array_equal(pixels("plain.png"), fuse(paths, task="exposure", stretch=False).image)
    assert "stretched from" in run(*paths, "-o", "default.png")[1]
    np.testing.assert_array_equal(pixels("default.png"), pixels("out.png"))
    assert "stretched" not in run(*paths, "-o", "classical.png", "--model", "exposure-fusion")[1]


def test_the_examples_of_the_page_run(run: Run) -> None:
    page = (Path(__file__).parents[1] / "docs" / "brackets.md").read_text(encoding="utf-8")
    lines = [line.partition("#")[0].split() for line in page.splitlines() if line.startswith("imfuse fuse ")]
    assert len(lines) >= 7
    card("bracket", 1)
    card("card", 2)
    for index in range(6):
        write(Path(f"card/scan{index}.tif"), exif(at=index // 3 * 60), noise(20, 30, 3, index))
    for name in ("near", "middle", "far"):
        write(Path(f"{name}.tif"), pixels=noise(20, 30, 3, len(name)))
    for number, (_, _, *words) in enumerate(lines):
        given = [path for word in words for path in (sorted(map(str, Path().glob(word))) if "*" in word else [word])]
        places = [f"{place}-{number}" if before == "-o" else place for before, place in pairwise(["", *given])]
        places = [place.replace(f".png-{number}", f"-{number}.png") for place in places]
        places = [place.replace(f".tif-{number}", f"-{number}.tif") for place in places]
        status, told = run(*places, *(["--skip-orphans"] if "--group-by" in places else []))
        assert status == 0, told
    script = page.partition("```python\n")[2].partition("```")[0]
    exec(compile(script, "brackets.md", "exec"), {})
    assert pixels("hdr.png").shape == (240, 320, 3)

"""The task spectral on the command line."""

import json
import sys
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import tifffile

import imfuse
from imfuse.cli import main
from schema_check import violations
from spectral_pairs import pair

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run ``imfuse fuse --task spectral`` in a folder with a pair: exit status and standard error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "400")
    low, guide = pair()
    np.save("lr.npy", np.rint(low * 4000).astype(np.uint16))
    np.save("guide.npy", np.rint(guide * 255).astype(np.uint8))

    def call(*arguments: object) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["imfuse", "fuse", *map(str, arguments), "--task", "spectral"])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0), capsys.readouterr().err

    return call


def test_a_pair_is_sharpened_into_a_file_and_the_report_tells_how(run: Run) -> None:
    status, told = run("lr.npy", "guide.npy", "-o", "sharp.npy", "--report", "run.json", "--model", "gsa")
    assert status == 0
    expected = imfuse.fuse(["lr.npy", "guide.npy"], task="spectral", model="gsa")
    np.testing.assert_array_equal(np.load("sharp.npy"), expected.image)
    for words in ("sharp.npy  (gsa, 44×36, uint16", "taken as 0…1", "decoded by the sRGB curve", "rounded to uint16"):
        assert words in told
    report = json.loads(Path("run.json").read_text())
    schema = json.loads((files("imfuse") / "schemas" / "run-report.schema.json").read_text())
    assert not list(violations(report, schema))
    assert report["settings"]["options"] == {"range": None, "depth": None, "memory": "1GiB", "guide_encoding": None}
    entry = report["entries"][0]
    assert [entry["status"], entry["report"]["colour"]] == ["fused", "bands as they are"]
    assert [source["role"] for source in entry["report"]["sources"]] == ["bands", "guide"]


def test_the_default_model_and_name(run: Run) -> None:
    status, told = run("lr.npy", "guide.npy")
    assert status == 0
    assert "glp-hs: no trained model is for 4 bands, a guide of 3 channels, scale 4" in told
    assert Path("lr+guide.fused-glp-hs.npy").exists()
    status, told = run("lr.npy", "guide.npy")
    assert status == 2
    assert "exists" in told
    assert run("lr.npy", "guide.npy", "--overwrite", "-q") == (0, "")
    Path("made").mkdir()
    assert run("lr.npy", "guide.npy", "-o", "made")[0] == 0
    assert [path.name for path in Path("made").iterdir()] == ["lr+guide.fused-glp-hs.npy"]


def test_options_reach_the_fuser(run: Run) -> None:
    options = ["--depth", "float", "--range", "bands=minmax", "--guide-encoding", "linear", "--memory", "100M"]
    assert run("lr.npy", "guide.npy", "-o", "sharp.tif", "--model", "sfim", *options)[0] == 0
    made = tifffile.imread("sharp.tif")
    chosen = {"range": {"bands": "minmax"}, "depth": "float", "guide_encoding": "linear"}
    expected = imfuse.fuse(["lr.npy", "guide.npy"], task="spectral", model="sfim", **chosen)
    np.testing.assert_array_equal(made, np.moveaxis(expected.image, -1, 0))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["lr.npy", "."], "is a folder; task 'spectral' takes bands and guide, one file each"),
        (["lr.npy", "none.npy"], "none.npy: no such file"),
        (["lr.npy"], "takes 2 sources"),
        (["lr.npy", "lr.npy"], "nothing to sharpen"),
        (["lr.npy", "guide.npy", "--save-map"], "--save-map is for pictures"),
        (["lr.npy", "guide.npy", "--align"], "align is of no use for bands"),
        (["lr.npy", "guide.npy", "--colour-map", "hot-iron"], "colour_map is of no use for bands"),
        (["lr.npy", "guide.npy", "--model", "auif"], "serves infrared"),
        (["lr.npy", "guide.npy", "--rule", "average"], "no rule to choose"),
        (["lr.npy", "guide.npy", "-o", "guide.npy", "--overwrite"], "is one of the sources"),
        (["lr.npy", "guide.npy", "-o", "sharp.png"], "bands are written as"),
        (["guide.npy", "lr.npy"], "guide.npy"),
    ],
)
def test_what_is_refused_in_one_line(run: Run, arguments: list[str], words: str) -> None:
    status, told = run(*arguments)
    assert status == 2
    assert words in told
    assert len(told.strip().splitlines()) == 1
    assert sorted(path.name for path in Path().iterdir()) == ["guide.npy", "lr.npy"]


def test_other_tasks_have_no_guide(
    run: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["imfuse", "fuse", "lr.npy", "guide.npy", "--guide-encoding", "srgb"])
    with pytest.raises(SystemExit):
        main()
    assert "--guide-encoding is for the task spectral" in capsys.readouterr().err


def test_help_teaches_it(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(sys, "argv", ["imfuse", "fuse", "--help"])
    with pytest.raises(SystemExit):
        main()
    told = capsys.readouterr().out
    assert "imfuse fuse lr.tif guide.tif -o sharp.tif --task spectral" in told
    assert "--guide-encoding" in told

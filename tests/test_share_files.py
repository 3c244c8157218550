"""The maps of which source won, as files: names, content, and what becomes of them when something fails."""

import json
import sys
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from helpers import noise
from imfuse import share_files
from imfuse.cli import main
from imfuse.fuser import Fuser
from imfuse.io import save_image
from imfuse.registry import build_network
from imfuse.share_files import NAMES_KEY, ShareFiles, colours, legend, source_names, write_index_map
from imfuse.source_shares import SourceShares
from imfuse.tasks import task
from schema_check import violations

Run = Callable[..., tuple[int, str]]
SCHEMA = json.loads((files("imfuse") / "schemas" / "run-report.schema.json").read_text())


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run ``imfuse fuse`` for a focus stack in a folder of its own: exit status and standard error."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: object) -> tuple[int, str]:
        words = ["--task", "focus", "--model", "maximum", *arguments]
        monkeypatch.setattr(sys, "argv", ["imfuse", "fuse", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0), capsys.readouterr().err

    return call


def write(path: str, seed: int) -> str:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    save_image(path, noise(20, 30, seed=seed))
    return path


def shares_of(*paths: str) -> SourceShares:
    found = Fuser(build_network("maximum", {}), task("focus")).fuse(list(paths), shares="weights").shares
    assert found is not None
    return found


def made() -> set[str]:
    return {str(path) for path in Path().rglob("*") if path.is_file()}


@pytest.mark.parametrize("count", [2, 3, 5, 16, 17, 30, 256])
def test_the_index_of_a_map_is_the_source(tmp_path: Path, count: int) -> None:
    names = [f"picture {number} ä" for number in range(count)]
    winner = np.random.default_rng(count).integers(0, count, (37, 41)).astype(np.uint8)
    write_index_map(tmp_path / "map.png", winner, names)
    with Image.open(tmp_path / "map.png") as picture:
        assert picture.mode == "P"
        np.testing.assert_array_equal(np.asarray(picture), winner)
        assert json.loads(picture.text[NAMES_KEY]) == names
        np.testing.assert_array_equal(np.asarray(picture.convert("RGB")), colours(count)[winner])


@pytest.mark.parametrize("count", [2, 3, 7, 30])
def test_colours_are_ordered_and_differ(count: int) -> None:
    luma = colours(count) @ [0.299, 0.587, 0.114]
    assert (np.diff(luma) > 1).all()
    assert luma[-1] - luma[0] > 150


def test_sources_have_names_that_differ() -> None:
    assert source_names([Path("a/near.jpg"), Path("a/far.jpg")]) == ("near", "far")
    assert source_names([Path("near/x.jpg"), Path("far/x.jpg")]) == ("near", "far")
    assert source_names([Path("a/X.jpg"), Path("a/x.png")]) == ("1-X", "2-x")


def test_the_legend_names_every_source_beside_the_map() -> None:
    winner = np.repeat(np.arange(30, dtype=np.uint8), 20)[None].repeat(10, 0)
    shares = SourceShares(tuple(map(str, range(30))), winner)
    sheet = legend(shares, [f"picture {number}" for number in range(30)])
    palette = colours(30)
    beside = sheet[:, winner.shape[1] + 12 :].reshape(-1, 3)
    assert all((beside == colour).all(1).sum() > 100 for colour in palette)
    np.testing.assert_array_equal(sheet[12:22, 12 : 12 + 600], palette[winner])
    assert legend(SourceShares(("a", "b"), np.zeros((1, 1), np.uint8)), ["a", "b"]).ndim == 3
    assert max(legend(SourceShares(("a", "b"), np.zeros((3000, 9), np.uint8)), ["a", "b"]).shape) < 1100


def test_maps_and_weights_lie_beside_a_single_result(run: Run) -> None:
    paths = [write(f"{name}.png", seed) for seed, name in enumerate(("near", "middle", "far"))]
    status, told = run(*paths, "-o", "sharp.png", "--save-map", "--save-weights", "--report", "run.json")
    assert status == 0
    assert "which source won: sharp.map.png; its colours: sharp.map-legend.png" in told
    weights = [f"sharp.weights/{name}.png" for name in ("near", "middle", "far")]
    assert made() == {*paths, "sharp.png", "sharp.map.png", "sharp.map-legend.png", "run.json", *weights}
    expected = shares_of(*paths)
    assert expected.weights is not None
    np.testing.assert_array_equal(np.asarray(Image.open("sharp.map.png")), expected.winner)
    for path, weight in zip(weights, expected.weights, strict=True):
        np.testing.assert_array_equal(np.asarray(Image.open(path)), weight)
    report = json.loads(Path("run.json").read_text())
    assert list(violations(report, SCHEMA)) == []
    assert (report["entries"][0]["map"], report["entries"][0]["weights"]) == ("sharp.map.png", weights)
    assert report["settings"]["options"]["shares"] == "weights"
    status, told = run(*paths, "-o", "plain.png", "--report", "run.json")
    entry = json.loads(Path("run.json").read_text())["entries"][0]
    assert (status, entry["map"], entry["weights"]) == (0, None, [])


def test_maps_of_a_folder_run_have_folders_of_their_own(run: Run) -> None:
    for seed, folder in enumerate(("near", "far")):
        for stem in "xy":
            write(f"{folder}/{stem}.png", seed + ord(stem))
    status, told = run("near", "far", "-o", "out", "--save-map", "--save-weights", "--report", "run.json")
    assert status == 0
    assert "which source won: map-legends/, maps/, weights/" in told
    kinds = ("{}.png", "maps/{}.png", "map-legends/{}.png", "weights/{}/near.png", "weights/{}/far.png")
    expected = {f"out/{kind.format(stem)}" for kind in kinds for stem in "xy"}
    assert {path for path in made() if path.startswith("out")} == expected
    np.testing.assert_array_equal(np.asarray(Image.open("out/maps/y.png")), shares_of("near/y.png", "far/y.png").winner)
    report = json.loads(Path("run.json").read_text())
    assert list(violations(report, SCHEMA)) == []
    assert [entry["map"] for entry in report["entries"]] == ["out/maps/x.png", "out/maps/y.png"]
    assert "2 skipped" in run("near", "far", "-o", "out", "--save-map")[1]
    Path("out/x.png").unlink()
    status, told = run("near", "far", "-o", "out", "--save-map")
    assert (status, "out/maps/x.png: exists already" in " ".join(told.split())) == (1, True)
    assert run("near", "far", "-o", "out", "--save-map", "--overwrite")[0] == 0


def test_nothing_is_overwritten_or_left_half(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [write("a.png", 0), write("b.png", 1)]
    Path("out.map.png").write_text("mine")
    status, told = run(*paths, "-o", "out.png", "--save-map")
    assert (status, told.count("\n")) == (2, 1)
    assert "out.map.png: exists already" in told
    assert made() == {*paths, "out.map.png"}
    assert run(*paths, "-o", "out.png", "--save-map", "--overwrite")[0] == 0
    Path("out.png").unlink()
    kept = Path("out.map.png").read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(share_files, "legend", full)
    status, told = run(*paths, "-o", "out.png", "--save-map", "--overwrite")
    assert (status, "no space left" in told) == (2, True)
    assert not Path("out.png").exists()
    assert Path("out.map.png").read_bytes() == kept
    assert not list(Path().glob(".*"))


def test_a_source_is_not_taken_for_a_map(run: Run) -> None:
    paths = [write("a.png", 0), write("sharp.map.png", 1)]
    before = Path("sharp.map.png").read_bytes()
    status, told = run(*paths, "-o", "sharp.png", "--save-map", "--overwrite")
    assert (status, "sharp.map.png: is one of the sources" in told) == (2, True)
    assert Path("sharp.map.png").read_bytes() == before


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--model", "average"], "takes the same of every source"),
        (["--model", "laplacian-pyramid"], "--model guided-filter"),
    ],
)
def test_models_without_shares_are_told_before_anything_is_done(run: Run, words: list[str], reason: str) -> None:
    paths = [write("a.png", 0), write("b.png", 1)]
    for option in ("--save-map", "--save-weights"):
        status, told = run(*paths, "-o", "out.png", option, *words)
        assert (status, told.count("\n"), reason in told) == (2, 1, True), told
        assert made() == set(paths)


def test_pairs_have_maps_too(run: Run) -> None:
    paths = [write("thermal.png", 0), write("visible.png", 1)]
    assert run(*paths, "-o", "out.png", "--save-map", "--task", "infrared")[0] == 0
    assert np.asarray(Image.open("out.map.png")).shape == (20, 30)


def test_no_files_are_no_files() -> None:
    assert ShareFiles().paths == ()
    assert ShareFiles().words == ()

"""Stacks and medical pairs on the command line, with a small method of the tests' own."""

import json
import sys
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from helpers import Average
from imfuse import registry
from imfuse.cli import main
from imfuse.fuser import Fuser
from imfuse.io import Window, open_source, save_image
from imfuse.registry import ModelCard
from imfuse.tasks import task
from schema_check import violations

Run = Callable[..., tuple[int, str]]

MODEL = "test-average"
CARD = ModelCard(
    name=MODEL,
    network=MODEL,
    arguments={},
    tasks=("focus", "exposure", "medical"),
    paper="",
    parameters=0,
    licence="",
    data={},
    recipe={},
    commit="",
    selection="",
    figures={},
    sha256="",
)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run ``imfuse`` in a folder of its own with the average as model: exit status and standard error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(registry.NETWORKS, MODEL, "helpers:Average")
    monkeypatch.setattr(registry, "CLASSICAL", (CARD,))

    def call(*arguments: object) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["imfuse", *map(str, arguments), "--model", MODEL])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0), capsys.readouterr().err

    return call


def write(path: str, seed: int = 0, channels: int = 3, size: tuple[int, int] = (20, 30)) -> str:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    shape = (*size, channels) if channels > 1 else size
    save_image(path, np.random.default_rng(seed).integers(0, 256, shape, np.uint8))
    return path


def pixels(path: str | Path) -> np.ndarray:
    source = open_source(path)
    return source.read(Window(0, 0, source.height, source.width))


def fused(name: str, *paths: str | Path) -> np.ndarray:
    image = Fuser(Average(), task(name)).fuse(list(paths)).image
    assert isinstance(image, np.ndarray)
    return image


@pytest.mark.parametrize("name", ["focus", "exposure"])
@pytest.mark.parametrize("count", [2, 3, 5])
def test_pictures_of_a_stack_are_fused_into_one(run: Run, name: str, count: int) -> None:
    paths = [write(f"{index}.png", index) for index in range(count)]
    assert run("fuse", *paths, "--task", name, "-o", "out.png")[0] == 0
    np.testing.assert_array_equal(pixels("out.png"), fused(name, *paths))
    assert run("fuse", *paths, "--task", name)[0] == 0
    assert Path(f"0+{count - 1}.fused-{MODEL}.png").exists()


def test_a_medical_pair_has_the_colour_of_the_first(run: Run) -> None:
    assert run("fuse", write("pet.png"), write("mri.png", 1, 1), "--task", "medical", "-o", "out.png")[0] == 0
    np.testing.assert_array_equal(pixels("out.png"), fused("medical", "pet.png", "mri.png"))
    assert pixels("out.png").shape == (20, 30, 3)


@pytest.mark.parametrize("folders", [("near", "far"), ("a", "b", "c")])
def test_folders_belong_together_by_stem(run: Run, folders: tuple[str, ...]) -> None:
    for index, folder in enumerate(folders):
        for stem in "xyz":
            write(f"{folder}/{stem}.png", ord(stem) + index)
    write("near/lonely.png")
    if "near" not in folders:
        write(f"{folders[0]}/lonely.png")
    status, told = run("fuse", *folders, "--task", "focus", "-o", "out")
    assert (status, "lonely.png" in told) == (2, True)
    status, told = run("fuse", *folders, "--task", "focus", "-o", "out", "--skip-orphans", "--report", "run.json")
    assert status == 0
    assert "3 fused" in told
    for stem in "xyz":
        expected = fused("focus", *(f"{folder}/{stem}.png" for folder in folders))
        np.testing.assert_array_equal(pixels(f"out/{stem}.png"), expected)
    report = json.loads(Path("run.json").read_text())
    schema = json.loads((files("imfuse") / "schemas" / "run-report.schema.json").read_text())
    assert list(violations(report, schema)) == []
    assert report["settings"]["weights_sha256"] is None
    assert len(report["entries"][0]["sources"]) == len(report["entries"][0]["report"]["sources"]) == len(folders)
    assert run("fuse", *folders, "--task", "focus", "-o", "out", "--skip-orphans", "--range", "minmax")[0] == 0


def test_one_folder_is_one_stack_in_natural_order(run: Run) -> None:
    paths = [write(f"bracket/s{index}.png", index) for index in (2, 10, 1)]
    write("bracket/deeper/other.png")
    Path("bracket/notes.txt").write_text("no picture")
    status, told = run("fuse", "bracket", "--task", "exposure", "--report", "run.json")
    assert status == 0
    assert f"bracket.fused-{MODEL}.png" in told
    np.testing.assert_array_equal(pixels(f"bracket.fused-{MODEL}.png"), fused("exposure", paths[2], paths[0], paths[1]))
    entry = json.loads(Path("run.json").read_text())["entries"][0]
    assert [Path(name).name for name in entry["sources"]] == ["s1.png", "s2.png", "s10.png"]
    assert [source["role"] for source in entry["report"]["sources"]] == ["picture-1", "picture-2", "picture-3"]
    Path("results").mkdir()
    assert run("fuse", "bracket/", "--task", "exposure", "-o", "results")[0] == 0
    assert Path(f"results/bracket.fused-{MODEL}.png").exists()
    assert run("fuse", "bracket", "--task", "exposure", "-o", "bracket/s2.png", "--overwrite")[0] == 2


def test_a_folder_of_folders_is_a_stack_each_named_after_its_folder(run: Run) -> None:
    for scene, count in {"garden": 3, "desk": 2, "lonely": 1}.items():
        for index in range(count):
            write(f"scenes/{scene}/{index}.png", index)
    Path("scenes/empty").mkdir()
    status, told = run("fuse", "scenes", "--task", "focus", "--report", "run.json")
    assert status == 1
    assert "2 fused, 1 failed" in told
    assert "left out: empty" in told
    assert "takes a stack of 2 or more pictures, 1 given" in told
    made = Path(f"scenes-fused-{MODEL}")
    assert sorted(path.name for path in made.iterdir()) == ["desk.png", "garden.png"]
    np.testing.assert_array_equal(pixels(made / "garden.png"), fused("focus", *sorted(Path("scenes/garden").iterdir())))
    assert json.loads(Path("run.json").read_text())["folders"] == {"sources": ["scenes"], "output": str(made.resolve())}
    Path("scenes/lonely/1.png").write_bytes(Path("scenes/desk/1.png").read_bytes())
    assert "1 fused, 2 skipped" in run("fuse", "scenes", "--task", "focus")[1]
    assert run("fuse", "scenes", "--task", "focus", "-o", "scenes/desk")[0] == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["a.png", "--task", "focus"], "stack of 2 or more pictures, 1 given"),
        (["one", "--task", "exposure"], "holds one picture"),
        (["none", "--task", "exposure"], "holds neither pictures nor folders"),
        (["a.png", "one", "--task", "focus"], "pictures or folders"),
        (["a.png", "b.png", "small.png", "--task", "focus"], "resize-to"),
        (["a.png", "b.png", "a.png", "--task", "focus"], "twice"),
        (["one", "one", "--task", "focus"], "twice"),
        (["a.png", "b.png", "gone.png", "--task", "focus"], "gone.png"),
        (["a.png", "b.png", "small.png", "--task", "medical"], "takes 2 sources (functional and mri), 3 given"),
        (["one", "--task", "medical"], "two folders"),
        (["a.png", "b.png", "--task", "focus", "--range", "picture-1=full"], "one scale"),
        (["a.png", "b.png", "--task", "infrared"], "serves focus, exposure, medical"),
        (["a.png", "b.png", "--task", "focus", "--rule", "average"], "no rule"),
    ],
)
def test_wrong_requests_end_in_one_line(run: Run, tmp_path: Path, arguments: list[str], words: str) -> None:
    for index, name in enumerate(("a.png", "b.png", "one/a.png")):
        write(name, index)
    write("small.png", 5, size=(10, 15))
    Path("none").mkdir()
    before = set(tmp_path.rglob("*"))
    status, told = run("fuse", *arguments, "-q")
    assert (status, told.count("\n")) == (2, 1), told
    assert words in told
    assert set(tmp_path.rglob("*")) == before


def test_resizing_a_stack_is_told(run: Run) -> None:
    paths = [write("a.png"), write("b.png", 1, size=(10, 15)), write("c.png", 2)]
    status, told = run("fuse", *paths, "--task", "focus", "-o", "out.png", "--resize-to", "first")
    assert status == 0
    assert "b.png: resized from 15×10 to 30×20" in told
    assert pixels("out.png").shape == (20, 30, 3)


def test_explain_says_that_a_model_has_no_parts(run: Run) -> None:
    paths = [write(f"{index}.png", index) for index in range(3)]
    status, told = run("explain", *paths, "--task", "focus")
    assert (status, told.count("\n")) == (2, 1)
    assert "no parts" in told


def test_notes_of_many_stacks_are_told_once(run: Run) -> None:
    for scene in ("garden", "desk", "street"):
        write(f"scenes/{scene}/0.png", 0)
        write(f"scenes/{scene}/1.png", 1, 1)
    _, told = run("fuse", "scenes", "--task", "focus")
    assert told.count("gray, taken as RGB") == 1
    assert "3 pictures, for example" in told

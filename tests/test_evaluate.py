"""``imfuse evaluate`` as a user meets it: figures, formats, pairing, and words for what is wrong."""

import csv
import io
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from rich.cells import cell_len

from imfuse.cli import main
from imfuse.cli_evaluate import one_value_each
from imfuse.io import save_image
from imfuse.metrics import METRICS
from imfuse.metrics.defaults import default_metrics
from imfuse.scoring import describe_metric, score, spread

Run = Callable[..., tuple[int, str, str]]
KEYS = ("en", "sd", "scd", "vif")
HOSTILE = ("plain", "with space", "comma, quote\" and 'tick'", "pipe|star*", "two\nlines", "=1+1", "ünïcode", "10", "9")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command in this process on a terminal of 80 columns: exit status, standard output, standard error."""
    monkeypatch.setenv("COLUMNS", "80")

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["imfuse", "evaluate", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        return int(ended.value.code or 0), captured.out, captured.err

    return call


def pixels(seed: int, height: int = 43, width: int = 50, channels: int = 1) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=(height, width, channels)).cumsum(0).cumsum(1)
    noise = (noise - noise.min()) / (noise.max() - noise.min())
    return np.rint(noise * 255).astype(np.uint8).squeeze()


def fill(folder: Path, names: tuple[str, ...], seed: int, **size: int) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for place, name in enumerate(names):
        save_image(folder / f"{name}.png", pixels(seed + place, **size))
    return folder


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path, Path]:
    """Fused, infrared and visible pictures 1, 2 and 10."""
    names = ("1", "2", "10")
    ir, vis = (fill(tmp_path / "set" / role, names, seed) for role, seed in (("ir", 10), ("vis", 20)))
    return fill(tmp_path / "fused", names, 0), ir, vis


def expected(folders: tuple[Path, ...], name: str, keys: tuple[str, ...] = KEYS) -> dict[str, float]:
    fused, *sources = (folder / f"{name}.png" for folder in folders)
    return score(fused, sources, keys)


def test_json_holds_all_digits_definitions_and_means(run: Run, folders: tuple[Path, Path, Path]) -> None:
    status, out, _ = run(folders[0], "--sources", *folders[1:], "--metrics", ",".join(KEYS), "--format", "json")
    assert status == 0
    found = json.loads(out)
    assert [row["image"] for row in found["images"]] == ["1", "2", "10"]
    for row in found["images"]:
        assert row["values"] == expected(folders, row["image"])
        assert row["sources"] == [str(folder / f"{row['image']}.png") for folder in folders[1:]]
    assert found["docs"] == {key: describe_metric(key) for key in KEYS}
    sd = spread([row["values"]["sd"] for row in found["images"]])
    of_method = found["methods"]["fused"]
    assert (of_method["count"], of_method["mean"]["sd"], of_method["deviation"]["sd"]) == (3, sd.mean, sd.deviation)


def test_csv_holds_the_same_to_the_last_digit(run: Run, folders: tuple[Path, Path, Path], tmp_path: Path) -> None:
    output = tmp_path / "scores.csv"
    status, out, _ = run(folders[0], "--sources", *folders[1:], "--metrics", ",".join(KEYS), "-o", output)
    assert (status, out) == (0, "")
    rows = list(csv.DictReader(output.open(newline="")))
    assert [row["image"] for row in rows] == ["1", "2", "10"]
    for row in rows:
        assert {key: float(row[key]) for key in KEYS} == expected(folders, row["image"])


def test_hostile_names_survive_every_format(run: Run, tmp_path: Path) -> None:
    folders = [fill(tmp_path / role, HOSTILE, seed) for role, seed in (("fu sed,|", 0), ("ir", 20), ("vis", 40))]
    arguments = [folders[0], "--sources", *folders[1:], "--metrics", "sd"]
    rows = list(csv.DictReader(io.StringIO(run(*arguments, "--format", "csv")[1])))
    values = {row["image"]: float(row["sd"]) for row in rows}
    assert values == {name: score(folders[0] / f"{name}.png", [], ["sd"])["sd"] for name in HOSTILE}
    assert list(values)[:3] == ["9", "10", "=1+1"]
    assert {row["method"] for row in rows} == {"fu sed,|"}
    found = json.loads(run(*arguments, "--format", "json")[1])
    assert {row["image"]: row["values"]["sd"] for row in found["images"]} == values
    table = [line for line in run(*arguments, "--format", "md")[1].splitlines() if line.startswith("|")]
    assert len(table) == 3 + 2 + len(HOSTILE)
    assert {line.replace(r"\|", "").count("|") for line in table} == {4}
    assert any(r"two\\nlines" in line for line in table)
    assert r"two\nlines" in run(*arguments)[1]


def test_tables_fit_the_terminal_and_name_directions_and_units(run: Run, folders: tuple[Path, Path, Path]) -> None:
    keys = ("en", "sd", "sf", "ag", "scd", "vif", "viff", "mef-ssim-lum", "mef-ssim-colour")
    other = fill(folders[0].parent / ("a method of a rather long name " * 3), ("1", "2", "10"), 30)
    status, out, _ = run(folders[0], other, "--sources", *folders[1:], "--metrics", ",".join(keys))
    assert status == 0
    assert max(cell_len(line) for line in out.splitlines()) <= 80
    for words in ("EN ↑ bit", "SD ↑ gray level", "n = 3", "mean ± deviation", *(METRICS[key].name for key in keys)):
        assert words in out
    assert out.count("image ") >= 4  # two methods, in two parts each
    assert f"{expected(folders, '10')['vif']:.3f}" in out
    assert "image " not in run(folders[0], "--sources", *folders[1:], "--metrics", "en", "--means")[1]


def test_the_mean_of_one_picture_has_no_deviation(run: Run, folders: tuple[Path, Path, Path]) -> None:
    files = [folder / "1.png" for folder in folders]
    status, out, _ = run(files[0], "--sources", *files[1:], "--metrics", "sd")
    assert status == 0
    assert f"{expected(folders, '1')['sd']:.3f}" in out
    assert "±" not in out
    assert "nan" not in out


def test_methods_are_compared_and_the_best_is_told_in_markdown_rows(run: Run, folders: tuple[Path, Path, Path]) -> None:
    # The visible pictures themselves are a method like any other.
    _, out, _ = run(
        folders[0], folders[2], "--sources", *folders[1:], "--metrics", "sd,vif", "--format", "md", "--means"
    )
    head, rule, *rows = out.splitlines()[:4]
    assert (head, rule) == ("| method | n | SD ↑ | VIF ↑ |", "| --- | ---: | ---: | ---: |")
    means = spread([score(folders[2] / f"{n}.png", [], ["sd"])["sd"] for n in (1, 2, 10)])
    assert rows[1].startswith(f"| vis | 3 | {means.mean:.3f} ± {means.deviation:.3f} |")


def test_a_data_set_and_three_sources_and_brackets(run: Run, folders: tuple[Path, Path, Path], tmp_path: Path) -> None:
    by_set = run(folders[0], "--sources", tmp_path / "set", "--metrics", "vif", "--format", "csv")
    assert by_set == run(folders[0], "--sources", *folders[1:], "--metrics", "vif", "--format", "csv")
    third = fill(tmp_path / "third", ("1", "2", "10"), 60)
    _, out, _ = run(folders[0], "--sources", *folders[1:], third, "--metrics", "vif", "--format", "json")
    assert json.loads(out)["images"][2]["values"] == expected((*folders, third), "10", ("vif",))
    for name in ("1", "2", "10"):
        fill(tmp_path / "brackets" / name, ("dark", "mid", "bright")[: 2 + (name == "2")], int(name))
    _, out, _ = run(
        folders[0], "--sources", tmp_path / "brackets", "--task", "exposure", "--metrics", "vif", "--format", "json"
    )
    rows = json.loads(out)["images"]
    assert [len(row["sources"]) for row in rows] == [2, 3, 2]
    assert [Path(path).stem for path in rows[1]["sources"]] == ["bright", "dark", "mid"]


def test_a_file_may_have_been_fused_from_all_pictures_of_a_folder(run: Run, tmp_path: Path) -> None:
    bracket = fill(tmp_path / "bracket", ("1", "2", "10"), 3)
    save_image(tmp_path / "bracket.fused-average.png", pixels(9))
    fused = tmp_path / "bracket.fused-average.png"
    arguments = ["--task", "exposure", "--metrics", "mi,vif", "--format", "json"]
    status, out, _ = run(fused, "--sources", bracket, *arguments)
    sources = [bracket / f"{name}.png" for name in ("1", "2", "10")]
    assert (status, json.loads(out)["images"][0]["sources"]) == (0, [str(path) for path in sources])
    assert json.loads(out)["images"][0]["values"] == score(fused, sources, ["mi", "vif"])
    assert (
        json.loads(out)["images"][0]["values"]
        == json.loads(run(fused, "--sources", *sources, *arguments)[1])["images"][0]["values"]
    )


def test_a_truth_and_the_usual_metrics_of_a_task(run: Run, folders: tuple[Path, Path, Path], tmp_path: Path) -> None:
    truth = fill(tmp_path / "gt", ("1", "2", "10"), 5)
    arguments = [folders[0], "--sources", *folders[1:], "--truth", truth, "--task", "spectral", "--format", "json"]
    status, out, told = run(*arguments)
    assert status == 0
    found = json.loads(out)
    assert list(found["docs"]) == list(default_metrics("spectral", truth=True))
    assert "the usual ones of task 'spectral'" in told
    values = score(folders[0] / "2.png", [], list(found["docs"]), truth / "2.png")
    assert found["images"][1]["values"] == values
    assert run(folders[0], "--truth", truth, "--metrics", "psnr")[0] == 0
    assert run(folders[0], "--metrics", "en,sd")[0] == 0


def test_the_usual_metrics_are_those_that_the_sources_allow(run: Run, folders: tuple[Path, Path, Path]) -> None:
    third = fill(folders[0].parent / "third", ("1", "2", "10"), 60)
    status, out, told = run(folders[0], "--sources", *folders[1:], third, "--task", "focus", "--format", "json")
    usual = default_metrics("focus")
    assert status == 0
    assert list(json.loads(out)["docs"]) == [key for key in usual if METRICS[key].needs != "two sources"]
    assert all(key in told for key in usual if METRICS[key].needs == "two sources")


def test_infinite_values_are_words_in_json(run: Run, folders: tuple[Path, Path, Path]) -> None:
    _, out, _ = run(folders[0], "--truth", folders[0], "--metrics", "psnr", "--format", "json")
    values = [row["values"]["psnr"] for row in json.loads(out)["images"]]
    assert list(map(float, values)) == [float("inf")] * 3


def test_workers_change_nothing(run: Run, folders: tuple[Path, Path, Path]) -> None:
    arguments = [folders[0], "--sources", *folders[1:], "--metrics", "sd,vif", "--format", "csv"]
    rows = csv.DictReader(io.StringIO(run(*arguments, "--jobs", 2)[1]))
    found = {row["image"]: {key: float(row[key]) for key in ("sd", "vif")} for row in rows}
    assert list(found.items()) == [(name, expected(folders, name, ("sd", "vif"))) for name in ("1", "2", "10")]


def test_bad_pictures_of_many_are_named_and_the_rest_is_measured(
    run: Run, folders: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    (folders[0] / "1.png").write_bytes((folders[0] / "1.png").read_bytes()[:200])
    save_image(folders[1] / "10.png", pixels(1, height=40), overwrite=True)
    arguments = [folders[0], "--sources", *folders[1:], "--metrics", "sd"]
    status, out, told = run(*arguments, "--format", "csv")
    assert status == 1
    rows = {row["image"]: row["sd"] for row in csv.DictReader(io.StringIO(out))}
    assert (rows["1"], rows["10"]) == ("", "")
    assert float(rows["2"]) == expected(folders, "2")["sd"]
    for words in ("fused/1.png", "ir/10.png", "50×43", "50×40", "2 of 3"):
        assert words in told
    found = json.loads(run(*arguments, "--format", "json")[1])
    assert found["methods"]["fused"]["count"] == 1
    assert "fused/1.png" in found["images"][0]["failure"]
    (folders[0] / "2.png").write_bytes(b"")
    status, out, told = run(*arguments)
    assert (status, out) == (1, "")
    assert "3 of 3" in told


def test_a_bad_single_picture_ends_in_one_line(run: Run, folders: tuple[Path, Path, Path]) -> None:
    (folders[0] / "1.png").write_bytes(b"no picture")
    status, out, told = run(folders[0] / "1.png", "--sources", folders[1] / "1.png", "--metrics", "sd")
    assert (status, out) == (2, "")
    assert "fused/1.png" in told
    assert told.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["{fused}", "--sources", "{ir}", "{vis}", "--metrics", "beauty"], ["unknown metric beauty", "en, mi"]),
        (["{fused}", "--sources", "{ir}", "{vis}", "--metrics", ","], ["--metrics names none"]),
        (["{fused}", "--sources", "{ir}", "{vis}", "--metrics", "psnr"], ["psnr needs the true picture"]),
        (["{fused}", "--sources", "{ir}", "--metrics", "scd"], ["exactly two sources", "1 is given"]),
        (["{fused}", "--metrics", "vif"], ["vif needs the sources"]),
        (["{fused}", "--task", "spectral"], ["'spectral'", "need"]),
        (["{fused}", "--sources", "{ir}", "{vis}", "--task", "night"], ["unknown task 'night'", "medical"]),
        (["{fused}", "--sources", "{ir}", "{gone}", "--metrics", "sd"], ["gone", "no such file"]),
        (["{gone}", "--sources", "{ir}", "{vis}", "--metrics", "sd"], ["gone", "no such file"]),
        (["--sources", "{ir}", "{vis}", "{fused}", "--metrics", "sd"], ["FUSED", "first"]),
        (
            ["{fused}/1.png", "--sources", "{ir}/1.png", "{vis}", "--metrics", "sd"],
            ["vis is a folder", "1.png is a file"],
        ),
        (["{fused}", "{fused}", "--sources", "{ir}", "--metrics", "sd"], ["given twice"]),
        (["{fused}", "--sources", "{ir}", "{ir}", "--metrics", "sd"], ["one folder"]),
        (["{fused}", "--sources", "{ir}", "{vis}", "--metrics", "sd", "--format", "xml"], ["'xml'", "json"]),
        (["{fused}", "--sources", "{ir}", "{vis}", "--metrics", "sd", "-o", "{fused}/x.doc"], ["x.doc", ".csv"]),
        (["{fused}", "--sources", "{ir}", "{vis}", "--metrics", "sd", "-o", "{ir}"], ["ir"]),
        (["--list", "--format", "csv"], ["--list", "json"]),
    ],
)
def test_wrong_requests_are_told_in_one_line(
    run: Run, folders: tuple[Path, Path, Path], arguments: list[str], words: list[str]
) -> None:
    places = {"fused": folders[0], "ir": folders[1], "vis": folders[2], "gone": folders[0].parent / "gone"}
    status, out, told = run(*(argument.format(**places) for argument in arguments))
    assert (status, out) == (2, "")
    assert told.count("\n") == 1
    for word in words:
        assert word in told


def test_orphans_are_named_and_can_be_left_out(run: Run, folders: tuple[Path, Path, Path]) -> None:
    arguments = [folders[0], "--sources", *folders[1:], "--metrics", "sd", "--format", "csv"]
    (folders[2] / "1.png").unlink()
    status, _, told = run(*arguments)
    assert (status, "ir/1.png" in told) == (2, True)
    (folders[1] / "1.png").unlink()
    status, _, told = run(*arguments)
    assert (status, "fused/1.png" in told, "--skip-orphans" in told) == (2, True, True)
    status, out, told = run(*arguments, "--skip-orphans")
    assert (status, [row["image"] for row in csv.DictReader(io.StringIO(out))]) == (0, ["2", "10"])
    assert "left out for want of a partner: 1" in told


def test_an_output_is_not_replaced_unasked(run: Run, folders: tuple[Path, Path, Path], tmp_path: Path) -> None:
    output = tmp_path / "scores.json"
    output.write_text("precious")
    arguments = [folders[0], "--metrics", "sd", "-o", output]
    assert run(*arguments)[0] == 2
    assert output.read_text() == "precious"
    assert run(*arguments, "--overwrite")[0] == 0
    assert len(json.loads(output.read_text())["images"]) == 3
    assert run(folders[0], "--metrics", "sd", "-o", tmp_path / "scores.txt", "-q") == (0, "", "")
    assert "mean ± deviation" in (tmp_path / "scores.txt").read_text()


def test_the_list_tells_every_metric(run: Run) -> None:
    status, out, _ = run("--list")
    assert status == 0
    flat = " ".join(out.split())
    # A line is a metric's heading, or indented as what explains it, however often it is broken.
    assert {line.split()[0] for line in out.splitlines() if not line.startswith("    ")} == METRICS.keys()
    for key, metric in METRICS.items():
        assert f"{key} {metric.name} {'↑' if metric.direction == 'higher' else '↓'}" in flat
        assert " ".join(metric.source.split()) in flat
    assert json.loads(run("--list", "--format", "json")[1]).keys() == METRICS.keys()


def test_help_teaches_by_example_and_defines_the_levels(run: Run) -> None:
    flat = " ".join(run("--help")[1].split())
    for words in (
        "imfuse evaluate fused/ --sources ir/ vis/",
        "16 bits at their full range",
        "BT.601",
        "--task exposure",
    ):
        assert words in flat


def test_an_option_takes_values_up_to_the_next_option() -> None:
    for given, taken in (
        ("f --sources a b --x c d", "f --sources a --sources b --x c d"),
        ("--sources=a b -- c", "--sources=a --sources b -- c"),
        ("f -- --sources a b", "f -- --sources a b"),
        ("f --sources a --sources b", "f --sources a --sources b"),
        ("f --sources --x", "f --x"),
    ):
        assert one_value_each(given.split(), "--sources") == taken.split()


def test_a_name_that_is_no_text_does_not_stop_the_run(run: Run, tmp_path: Path) -> None:
    folder = fill(tmp_path / "fused", ("1", "2"), 0)
    (folder / "1.png").rename(folder / os.fsdecode(b"\xff.png"))
    for form in ("csv", "json", "md", "table"):
        assert run(folder, "--metrics", "sd", "--format", form)[0] == 0
    assert run(folder, "--metrics", "sd", "-o", tmp_path / "scores.csv")[0] == 0
    assert len(list(csv.DictReader((tmp_path / "scores.csv").open(newline="")))) == 2


@pytest.mark.data
def test_figures_of_research_data_are_those_of_the_pixels(run: Run, data_dir: Path) -> None:
    files = [data_dir / "infrared/tno40" / role / "001.png" for role in ("vis", "ir", "vis")]
    _, out, _ = run(files[0], "--sources", *files[1:], "--metrics", "vif", "--format", "json")
    (row,) = json.loads(out)["images"]
    assert row["values"] == score(files[0], files[1:], ["vif"])

"""The report of a run: it obeys its schema, tells what happened and nothing else, and replaces nobody's file."""

from __future__ import annotations

import base64
import copy
import json
import os
import sys
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import imfuse
from imfuse import errors
from imfuse.batch import OTHER_FAILURES, Job, Outcome
from imfuse.cli import main
from imfuse.fuser import Fuser
from imfuse.io import save_image
from imfuse.run_report import RunReport, differences
from schema_check import violations

SCHEMA = json.loads((files("imfuse") / "schemas" / "run-report.schema.json").read_text())

Run = Callable[..., tuple[int, str]]


def read(path: Path) -> dict[str, Any]:
    """A report that obeys the schema and whose counts are those of its entries."""
    report: dict[str, Any] = json.loads(path.read_text(encoding="ascii"))
    assert list(violations(report, SCHEMA)) == []
    counts = report["counts"]
    assert counts["pairs"] == len(report["entries"])
    assert counts["orphans"] == len(report["orphans"])
    for status in ("fused", "skipped", "failed", "not-reached"):
        assert counts[status.replace("-", "_")] == sum(entry["status"] == status for entry in report["entries"])
    for entry in report["entries"]:
        assert (entry["error"] is not None) == (entry["status"] == "failed")
    return report


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run ``imfuse fuse`` in a folder of its own: exit status and standard error."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: object) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["imfuse", "fuse", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0), capsys.readouterr().err

    return call


@pytest.fixture
def folders(tmp_path: Path) -> tuple[str, str]:
    """Folders ir and vis of four pairs, b bad, and an orphan, in the working directory."""
    for kind in ("ir", "vis"):
        (tmp_path / kind).mkdir()
        for stem in "abcd":
            save_image(tmp_path / kind / f"{stem}.png", np.full((12, 16), 40 * ord(stem) % 256, np.uint8))
    (tmp_path / "vis" / "b.png").write_text("no picture")
    (tmp_path / "ir" / "lonely.png").write_text("no picture")
    return "ir", "vis"


def test_a_folder_run_is_reported_in_order(run: Run, folders: tuple[str, str], tmp_path: Path) -> None:
    status, told = run(*folders, "-o", "out", "--skip-orphans", "--report", "run.json", "--range", "infrared=minmax")
    assert status == 1
    assert "report: run.json" in told
    report = read(tmp_path / "run.json")
    assert [entry["status"] for entry in report["entries"]] == ["fused", "failed", "fused", "fused"]
    assert report["entries"][1]["sources"] == ["ir/b.png", "vis/b.png"]
    assert report["entries"][1]["output"] == "out/b.png"
    assert report["entries"][1]["error"]["kind"] == "SourceError"
    assert f"failed: {report['entries'][1]['error']['message']}\n" in told
    assert report["orphans"] == ["ir/lonely.png"]
    assert report["folders"] == {"sources": ["ir", "vis"], "output": "out"}
    assert report["directory"] == str(tmp_path)
    assert report["settings"]["options"]["range"] == {"infrared": "minmax"}
    assert report["settings"]["rule"] == "addition"
    assert report["program"]["version"] == imfuse.__version__
    assert report["started"] <= report["finished"]
    assert report["interrupted"] is False
    fused = imfuse.fuse(["ir/a.png", "vis/a.png"], range={"infrared": "minmax"}).report.to_dict()
    told_report = report["entries"][0]["report"]
    assert told_report | {"seconds": 0} == json.loads(json.dumps(fused | {"seconds": 0}))


def test_a_single_picture_is_reported_made_and_failed(run: Run, folders: tuple[str, str], tmp_path: Path) -> None:
    assert run("ir/a.png", "vis/a.png", "-o", "a.png", "--report", "run.json")[0] == 0
    report = read(tmp_path / "run.json")
    assert report["entries"][0]["status"] == "fused"
    assert report["folders"] is None
    status, told = run("ir/b.png", "vis/b.png", "-o", "b.png", "--report", "run.json", "-q")
    assert status == 2
    report = read(tmp_path / "run.json")
    assert told == f"imfuse: {report['entries'][0]['error']['message']}\n"
    assert report["entries"][0]["error"]["kind"] == "SourceError"
    assert report["finished"]


def test_a_killed_run_leaves_a_report_without_an_end(
    run: Run, folders: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def look(*_: object, **__: object) -> None:
        seen.append(read(tmp_path / "run.json"))
        raise errors.SourceError("looked")

    monkeypatch.setattr(Fuser, "fuse", look)
    run(*folders, "-o", "out", "--skip-orphans", "--report", "run.json")
    assert seen[0]["finished"] is None
    assert {entry["status"] for entry in seen[0]["entries"]} == {"not-reached"}
    assert read(tmp_path / "run.json")["counts"]["failed"] == 4


def test_the_same_command_replaces_its_report_and_no_other_file(
    run: Run, folders: tuple[str, str], tmp_path: Path
) -> None:
    command = (*folders, "-o", "out", "--skip-orphans", "--report", "run.json")
    (tmp_path / "run.json").touch()  # an empty file is nobody's
    run(*command)
    run(*command)
    assert read(tmp_path / "run.json")["counts"] == {
        "pairs": 4, "fused": 0, "skipped": 3, "failed": 1, "not_reached": 0, "orphans": 1
    }  # fmt: skip
    for text in ('{"schema": "another"}', "{}", "words"):
        (tmp_path / "run.json").write_text(text)
        status, told = run(*command, "--overwrite")
        assert status == 2
        assert "run.json: exists and is no run report" in told
        assert (tmp_path / "run.json").read_text() == text


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("ir/a.png", "no run report|name of a picture"),
        ("out/a.png", "name of a picture"),
        ("out", "folder of the results"),
        ("ir", "is a folder"),
        ("nowhere/run.json", "nowhere"),
        ("pipe", "not a regular file"),
    ],
)
def test_places_that_are_no_reports_are_refused_before_anything_is_done(
    run: Run, folders: tuple[str, str], tmp_path: Path, place: str, words: str
) -> None:
    os.mkfifo(tmp_path / "pipe")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    status, told = run(*folders, "-o", "out", "--skip-orphans", "--report", place, "-q")
    assert status == 2
    assert told.count("\n") == 1
    assert any(word in told for word in words.split("|"))
    assert not (tmp_path / "out").exists()
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_source_without_an_ending_is_not_taken_for_a_report(run: Run, folders: tuple[str, str]) -> None:
    Path("ir/a.png").rename("thermal")
    content = Path("thermal").read_bytes()
    status, told = run("thermal", "vis/a.png", "-o", "a.png", "--report", "thermal")
    assert status == 2
    assert "one of the sources" in told
    assert Path("thermal").read_bytes() == content
    assert not Path("a.png").exists()


def test_the_report_may_lie_beside_the_results(run: Run, folders: tuple[str, str], tmp_path: Path) -> None:
    run(*folders, "-o", "out", "--skip-orphans", "--report", "out/run.json")
    assert read(tmp_path / "out" / "run.json")["counts"]["fused"] == 3
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.png", "c.png", "d.png", "run.json"]


def test_other_settings_of_an_earlier_run_are_told(run: Run, folders: tuple[str, str], tmp_path: Path) -> None:
    command = (*folders, "-o", "out", "--skip-orphans", "--report", "run.json")
    run(*command)
    assert "other settings" not in run(*command)[1]
    assert read(tmp_path / "run.json")["earlier_settings"] == []
    for _ in range(2):  # the second such run does not forget what the first was told
        told = run(*command, "--range", "minmax", "--rule", "average")[1]
        assert "other settings, those of an earlier run: range was the default, rule was addition\n" in told
        assert [old["rule"] for old in read(tmp_path / "run.json")["earlier_settings"]] == ["addition"]
    told = run(*command, "--range", "minmax", "--rule", "average", "--overwrite")[1]
    assert "other settings" not in told
    assert read(tmp_path / "run.json")["earlier_settings"] == []


def test_only_settings_that_change_pixels_differ() -> None:
    old = {
        "task": "infrared",
        "model": "auif",
        "weights_sha256": "0" * 64,
        "options": {"range": None, "memory": "1GiB"},
    }
    assert differences(old, old | {"jobs": 2, "overwrite": True, "options": {"range": None, "memory": "2GiB"}}) == ()
    assert differences(old, old | {"options": {"range": "full", "memory": "1GiB"}}) == ("range was the default",)
    assert differences(old, old | {"weights_sha256": "1" * 64}) == ("model was auif (weights 00000000)",)


def test_names_of_any_bytes_give_valid_json(tmp_path: Path) -> None:
    name = os.fsdecode(b'caf\xe9\n"quoted" \xe2\x82\xac.png')
    job = Job((tmp_path / name, tmp_path / "b.png"), tmp_path / "out.png")
    outcome = Outcome(job, "fused", report={"bad": float("nan"), "good": np.float32(0.5), "count": np.int64(3)})
    report = RunReport(tmp_path / "run.json", {"task": "infrared"}, [job])
    report.end({job: outcome})
    text = (tmp_path / "run.json").read_bytes()
    found = json.loads(text)
    assert b"\\ud" not in text and b"NaN" not in text
    shown = found["entries"][0]["sources"][0]
    assert shown == str(tmp_path / 'caf\\xe9\n"quoted" €.png')
    assert base64.b64decode(found["raw_names"][shown]) == os.fsencode(tmp_path / name)
    assert len(found["raw_names"]) == 1
    assert found["entries"][0]["report"] == {"bad": None, "good": 0.5, "count": 3}


def test_the_schema_names_every_kind_of_failure() -> None:
    kinds = {name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, Exception)}
    assert set(SCHEMA["$defs"]["error"]["properties"]["kind"]["enum"]) == kinds | set(OTHER_FAILURES)


def test_the_schema_is_not_obeyed_by_what_is_wrong(run: Run, folders: tuple[str, str], tmp_path: Path) -> None:
    run(*folders, "-o", "out", "--skip-orphans", "--report", "run.json")
    good = read(tmp_path / "run.json")
    wrongs: list[tuple[list[str | int], object]] = [
        (["schema_version"], 2),
        (["started"], "yesterday"),
        (["counts", "failed"], -1),
        (["counts", "fused"], True),
        (["entries", 0, "status"], "done"),
        (["entries", 0, "unknown"], 1),
        (["entries", 1, "error", "kind"], "Oops"),
        (["entries", 0, "report", "width"], "16"),
        (["folders"], {"sources": []}),
        (["raw_names"], {"a": 1}),
    ]
    for place, value in wrongs:
        bad = copy.deepcopy(good)
        within: Any = bad
        for step in place[:-1]:
            within = within[step]
        within[place[-1]] = value
        assert list(violations(bad, SCHEMA)), place
    for name in good:
        assert list(violations({key: value for key, value in good.items() if key != name}, SCHEMA)), name


def test_every_field_is_documented() -> None:
    page = (Path(__file__).parents[1] / "docs" / "run-report.md").read_text(encoding="utf-8")
    tables = [SCHEMA, *SCHEMA["$defs"].values()]
    names = {name for table in tables for name in table.get("properties", {})}
    assert {name for name in names if f"`{name}`" not in page} == set()
    example = json.loads(page.rpartition("```json\n")[2].partition("```")[0])
    assert list(violations(example, SCHEMA)) == []

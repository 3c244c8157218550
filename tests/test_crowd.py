"""A thousand pairs with twenty bad ones among them: the rest is fused, and the twenty are named with their reasons."""

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest

import imfuse
from imfuse.io import Window, open_source
from test_run_report import read

PAIRS, BAD = 1000, 20


def encoded(number: int, side: int = 8) -> bytes:
    values = np.random.default_rng(number).integers(0, 255, (side, side), np.uint8)
    return bytes(imagecodecs.png_encode(values))


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def circle(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.name)


def dangling(path: Path) -> None:
    path.unlink()
    path.symlink_to("gone.png")


def unreadable(path: Path) -> None:
    if os.geteuid() == 0:  # root may read everything
        path.write_bytes(b"\x89PNG\r\n\x1a\n")
    else:
        path.chmod(0)


BAD_KINDS: list[tuple[Callable[[Path], object], str, str]] = [
    (lambda path: path.write_bytes(path.read_bytes()[:-30]), "SourceError", ""),
    (lambda path: path.write_bytes(b""), "SourceError", "empty"),
    (lambda path: path.write_text("this is no picture"), "SourceError", "no picture"),
    (lambda path: path.write_bytes(encoded(0, 9)), "SizeMismatchError", "9×9"),
    (folder, "SourceError", "is a folder"),
    (fifo, "SourceError", "pipe"),
    (circle, "SourceError", "circle"),
    (dangling, "SourceError", "does not exist"),
    (unreadable, "SourceError", ""),
]
"""What is done to a file, the kind of the failure, and a word of its reason."""


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, tuple[str, str]]]:
    """The working directory with ir/ and vis/, and what is to be told of the bad pairs, by stem in order."""
    if not hasattr(os, "mkfifo"):
        pytest.skip("files as POSIX has them")
    home = tmp_path_factory.mktemp("crowd")
    for seed, kind in enumerate(("ir", "vis")):
        (home / kind).mkdir()
        for number in range(PAIRS):
            (home / kind / f"p{number:04d}.png").write_bytes(encoded(2 * number + seed))
    expected = {}
    for count, number in enumerate(random.Random(0).sample(range(PAIRS), BAD)):
        spoil, kind, word = [*BAD_KINDS, (None, "OutputError", "is a folder")][count % 10]
        name = f"p{number:04d}.png"
        if spoil is None:
            for output in ("one", "two"):
                (home / output / name).mkdir(parents=True)
        else:
            spoil(home / ("ir", "vis")[count % 2] / name)
        expected[name] = kind, word
    return home, dict(sorted(expected.items()))


def run(home: Path, output: str, jobs: int) -> tuple[int, list[str], dict[str, Any]]:
    """Exit status, lines of standard error, and the report without what differs from run to run."""
    command = [sys.executable, "-m", "imfuse", "fuse", "ir", "vis", "-o", output, "--report", f"{output}.json"]
    path = [str(Path(part).resolve()) for part in sys.path if part]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(path)}
    done = subprocess.run(
        [*command, "--jobs", str(jobs)], check=False, cwd=home, env=environment, stderr=subprocess.PIPE, timeout=300
    )
    report = json.loads(json.dumps(read(home / f"{output}.json")).replace(f'"{output}', '"output'))
    for entry in report["entries"]:
        if entry["report"]:
            del entry["report"]["seconds"]
        if entry["error"]:
            entry["error"]["message"] = entry["error"]["message"].replace(f"{output}/", "output/")
    del report["started"], report["finished"], report["settings"]["jobs"]
    return done.returncode, done.stderr.decode().splitlines(), report


def test_twenty_bad_of_a_thousand_are_named_and_the_rest_is_fused(
    crowd: tuple[Path, dict[str, tuple[str, str]]],
) -> None:
    home, expected = crowd
    status, told, report = run(home, "one", 1)
    assert status == 1
    assert report["counts"] == {
        "pairs": PAIRS, "fused": PAIRS - BAD, "skipped": 0, "failed": BAD, "not_reached": 0, "orphans": 0
    }  # fmt: skip
    failed = [entry for entry in report["entries"] if entry["status"] == "failed"]
    for entry, (name, (kind, word)) in zip(failed, expected.items(), strict=True):
        assert Path(entry["output"]).name == name
        assert entry["error"]["kind"] == kind
        assert word in entry["error"]["message"]
        assert name in entry["error"]["message"]
    lines = [line for line in told if line.startswith("failed: ")]
    messages = [entry["error"]["message"].replace("output/", "one/") for entry in failed]
    assert lines == [f"failed: {message}" for message in messages]
    assert "one: 980 fused, 20 failed" in told
    assert told[-2] == "failed in all: 20 (16 cannot be read, 2 cannot be written, 2 differ in size)"
    assert told[-1] == "report: one.json"
    made = {path.name for path in (home / "one").iterdir() if path.is_file()}
    assert made == {f"p{number:04d}.png" for number in range(PAIRS)} - expected.keys()
    for name in sorted(made)[::200]:
        fused = open_source(home / "one" / name).read(Window(0, 0, 8, 8))[..., 0]
        np.testing.assert_array_equal(fused, imfuse.fuse([home / "ir" / name, home / "vis" / name]).image)

    status, again, second = run(home, "two", 2)
    assert status == 1
    assert second == report
    assert [line.replace("two", "one") for line in again] == told
    for name in made:
        assert (home / "two" / name).read_bytes() == (home / "one" / name).read_bytes()

"""Two thousand hostile files and places: each ends in a right result or in one line that says why not."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from hostile.cases import KINDS, PLACES, case, generator, kind_of
from hostile.damage import pick
from hostile.judge import Judge, Verdict, environment, scratch_folder
from hostile.places import PLACES as SCENES
from hostile.places import special_file
from hostile.rights import no_permission, no_space
from hostile.scenes import Place
from hostile.seeds import ENDINGS, HEIGHT, WIDTH, picture
from imfuse.io import save_image

COUNT, SEED = 2000, 2024


@pytest.fixture(scope="module")
def scratch() -> Iterator[Path]:
    with scratch_folder() as folder:
        yield folder


@pytest.fixture(scope="module")
def judge() -> Iterator[Judge]:
    with Judge() as made:
        yield made


def told(number: int, verdict: Verdict) -> str:
    what = f"case {number}: a place" if kind_of(number) == PLACES else str(case(number, SEED))
    again = f"python benchmarks/hostile.py --seed {SEED} --only {number} --keep FOLDER"
    return f"{what}: {verdict.outcome} ({again})\n{verdict.detail}"


@pytest.mark.parametrize("kind", KINDS)
def test_every_case_is_fused_or_refused(kind: str, judge: Judge, scratch: Path) -> None:
    numbers = [number for number in range(COUNT) if kind_of(number) == kind]
    verdicts = {number: judge.verdict(number, SEED, str(scratch)) for number in numbers}
    faults = [told(number, verdict) for number, verdict in verdicts.items() if not verdict.good]
    assert not faults, f"{len(faults)} faults\n" + "\n".join(faults)
    # Were all of one kind, the generator would not be worth its name.
    counts = Counter(verdict.outcome for verdict in verdicts.values())
    assert counts["fused"] > len(numbers) // 10 and counts["refused"] > len(numbers) // 10, counts


def test_the_kinds_share_all_the_cases() -> None:
    counts = Counter(kind_of(number) for number in range(COUNT))
    assert set(counts) == set(KINDS) and sum(counts.values()) == COUNT and min(counts.values()) >= COUNT // 20


@pytest.mark.parametrize(
    ("place", "words"),
    [
        (no_permission, ("permission",)),
        (no_space, ("no space", "larger than")),
        (special_file, ("pipe", "regular", "ending", "exists")),
    ],
)
def test_places_are_what_they_are_called(place: Place, words: tuple[str, ...], judge: Judge, scratch: Path) -> None:
    """A scene whose rights do not bind, or whose disk is not full, is refused for another reason or not at all."""
    numbers = [n for n in range(COUNT) if kind_of(n) == PLACES and pick(generator(n, SEED), SCENES) is place]
    assert numbers
    for number in numbers[:6]:
        verdict = judge.verdict(number, SEED, str(scratch))
        assert verdict.outcome == "refused" and any(word in verdict.detail for word in words), told(number, verdict)


@pytest.mark.parametrize("kind", [*ENDINGS])
def test_the_installed_program_ends_as_the_function_does(kind: str, tmp_path: Path) -> None:
    number = next(n for n in range(40, COUNT) if kind_of(n) == kind and not case(n, SEED).harmless)
    made = case(number, SEED)
    save_image(tmp_path / "partner.png", picture(1))
    (tmp_path / "source").write_bytes(made.data)
    begun = time.monotonic()
    run = subprocess.run(
        [
            sys.executable,
            "-m",
            "imfuse",
            "fuse",
            "--quiet",
            "--resize-to=first",
            "partner.png",
            "source",
            "-o",
            "out.png",
        ],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert time.monotonic() - begun < 60
    lines = run.stderr.splitlines()
    left = sorted(path.name for path in tmp_path.iterdir())
    if run.returncode == 0:
        assert not lines and left == ["out.png", "partner.png", "source"]
        with Image.open(tmp_path / "out.png") as picture_made:
            assert picture_made.size == (WIDTH, HEIGHT)
    else:
        assert run.returncode == 2 and len(lines) == 1 and lines[0].startswith("imfuse: source"), run.stderr
        assert left == ["partner.png", "source"]

"""What a trial checks, it finds: every property that is asked of a run is broken here on purpose."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from hostile import runs, trial
from hostile.cases import Case, case, kind_of
from hostile.results import check_message, check_pixels, check_result, independent_size
from hostile.runs import FaultError, RefusedError, by_command
from hostile.scenes import Scene
from hostile.seeds import HEIGHT, WIDTH, picture, seeds
from imfuse.errors import SourceError
from imfuse.io import save_image

SIZE = (HEIGHT, WIDTH)


def scene(folder: Path, fused: bool | None = None) -> Scene:
    for name, channels in (("first.png", 1), ("second.png", 3)):
        save_image(folder / name, picture(channels))
    return Scene(folder / "first.png", folder / "second.png", folder / "out.png", fused)


def fault(found: pytest.ExceptionInfo[FaultError], kind: str, words: str) -> None:
    assert found.value.kind == kind and words in str(found.value)


def ends(folder: Path, run: Any, monkeypatch: pytest.MonkeyPatch, fused: bool | None = None) -> dict[str, str]:
    """How a scene ends whose pictures are fused by ``run``."""
    made = scene(folder, fused)
    monkeypatch.setattr(trial, "by_library", run)
    return trial._end(made, folder, SIZE, False, None)


def test_part_files_and_changed_sources_are_leftovers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse_and_leave(sources: Any, output: Path, _: Any) -> None:
        (output.parent / ".out.png.12.imfuse-part").touch()
        raise RefusedError(f"{sources[0]}: no")

    def refuse_and_spoil(sources: Any, _output: Path, _: Any) -> None:
        sources[0].write_bytes(b"")
        raise RefusedError(f"{sources[0]}: no")

    for i, run in enumerate((refuse_and_leave, refuse_and_spoil)):
        folder = tmp_path / str(i)
        folder.mkdir()
        with pytest.raises(FaultError) as found:
            ends(folder, run, monkeypatch)
        fault(found, "leftover", "refused, but files changed")


def test_results_that_are_missing_or_of_another_size_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def write_nothing(*_: Any) -> None:
        return None

    def write_small(_sources: Any, output: Path, _: Any) -> None:
        save_image(output, picture(1)[1:])

    for i, (run, kind) in enumerate(((write_nothing, "leftover"), (write_small, "wrong"))):
        folder = tmp_path / str(i)
        folder.mkdir()
        with pytest.raises(FaultError) as found:
            ends(folder, run, monkeypatch)
        assert found.value.kind == kind


def test_an_end_that_a_scene_rules_out_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(sources: Any, *_: Any) -> None:
        raise RefusedError(f"{sources[0]}: no")

    with pytest.raises(FaultError) as found:
        ends(tmp_path, refuse, monkeypatch, fused=True)
    fault(found, "wrong", "refused although valid")
    (tmp_path / "again").mkdir()
    with pytest.raises(FaultError) as found:
        ends(tmp_path / "again", runs.by_library, monkeypatch, fused=False)
    fault(found, "wrong", "fused although")


def test_a_result_with_an_orientation_is_wrong(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(picture(3)).save(tmp_path / "a.png", exif=exif)
    with pytest.raises(FaultError) as found:
        check_result(tmp_path / "a.png", SIZE, None)
    fault(found, "wrong", "orientation 6")


@pytest.mark.parametrize("message", ["two\nlines of a.png", "no file", "a.png " + "x" * 900])
def test_messages_that_are_long_or_of_two_lines_or_name_no_file_are_found(tmp_path: Path, message: str) -> None:
    with pytest.raises(FaultError) as found:
        check_message(message.replace("a.png", str(tmp_path / "a.png")), tmp_path / "a.png")
    assert found.value.kind == "message"


@pytest.mark.parametrize(
    ("act", "kind"),
    [
        ("raise ZeroDivisionError", "exception"),
        ("sys.exit(1)", "message"),
        ("sys.exit(2)", "message"),
        ("print('imfuse: a', file=sys.stderr); print('b', file=sys.stderr); sys.exit(2)", "message"),
        ("os.write(2, b'decoder: noise'); sys.exit(0)", "message"),
        ("print('imfuse: not enough memory', file=sys.stderr); sys.exit(2)", "memory"),
    ],
)
def test_ends_of_the_command_that_must_not_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, act: str, kind: str
) -> None:
    made = scene(tmp_path)
    monkeypatch.setattr("imfuse.cli.main", lambda: exec(act, {"sys": sys, "os": os}))
    with pytest.raises(FaultError) as found:
        by_command((made.first, made.second), made.output, None)
    assert found.value.kind == kind


def harmless_case(kind: str) -> Case:
    return next(made for n in range(400) if kind_of(n) == kind and (made := case(n, 7)).harmless and not made.command)


def test_metadata_that_change_pixels_or_make_a_file_unreadable_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = harmless_case("PNG")
    path = tmp_path / "folder" / "a.png"
    path.parent.mkdir()
    path.write_bytes(made.seed.data)
    assert trial._check_reading(made, path) is None
    real = trial._read

    def other(place: Path) -> Any:
        pixels, notes = real(place)
        return np.where(pixels == pixels[0, 0, 0], 1, pixels).astype(pixels.dtype) + 1, notes

    trial._valid(made.seed.name, made.seed.kind, str(tmp_path))
    monkeypatch.setattr(trial, "_read", other)
    with pytest.raises(FaultError, match="metadata changed the pixels"):
        trial._check_reading(made, path)

    def refused(place: Path) -> Any:
        raise SourceError(f"{place}: no")

    monkeypatch.setattr(trial, "_read", refused)
    with pytest.raises(FaultError, match="only metadata changed"):
        trial._check_reading(made, path)


def test_pixels_that_an_independent_reader_has_otherwise_are_found(tmp_path: Path) -> None:
    save_image(tmp_path / "a.png", picture(3))
    check_pixels(tmp_path / "a.png", picture(3))
    with pytest.raises(FaultError, match="other pixels"):
        check_pixels(tmp_path / "a.png", picture(3) ^ 1)


def test_the_independent_reader_reads_every_seed_that_it_knows(tmp_path: Path) -> None:
    known = 0
    for kind in seeds().values():
        for seed in kind:
            (tmp_path / "a").write_bytes(seed.data)
            size = independent_size(tmp_path / "a")
            known += size is not None
            assert size is None or sorted(size) == [HEIGHT, WIDTH], seed.name
    assert known > 75


def test_the_same_number_gives_the_same_case_and_another_seed_another() -> None:
    numbers = [n for n in range(60) if kind_of(n) != "place"]
    assert [case(n, 1) for n in numbers] == [case(n, 1) for n in reversed(numbers)][::-1]
    assert sum(case(n, 1).data != case(n, 2).data for n in numbers) > len(numbers) * 0.9

"""Stacks that are aligned on their way through the Fuser, and those that seem to need it."""

import json
import tracemalloc
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import torch

from helpers import Average, noise
from imfuse.errors import UsageError
from imfuse.fuser import Fuser
from imfuse.io import save_image
from imfuse.registration import estimate_shifts
from imfuse.tasks import task
from registration_makers import HEIGHT, WIDTH, larger, motion, moved_stack, seen
from schema_check import violations

SCHEMA = json.loads((files("imfuse") / "schemas" / "run-report.schema.json").read_text())
TRUE = [np.eye(3), motion(4.3, -2.6, 0.6, 1.01), motion(9.1, -5.2, 1.2, 1.02)]


def fuser(name: str) -> Fuser:
    return Fuser(Average(), task(name))


def misaligned(name: str) -> list[np.ndarray]:
    return (
        [seen(larger(name)[1 + i], matrix) for i, matrix in enumerate(TRUE)]
        if name == "exposure"
        else moved_stack(name, TRUE)
    )


@pytest.mark.parametrize("name", ["focus", "exposure"])
def test_an_aligned_stack_is_that_of_pictures_that_never_moved(name: str) -> None:
    result = fuser(name).fuse(misaligned(name), align="similarity")
    aligned = result.report.alignment
    assert aligned is not None
    reference = [one.state for one in aligned.pictures].index("reference")
    still = [seen(one, TRUE[reference]) for one in larger(name)[int(name == "exposure") :][:3]]
    expected = (
        fuser(name)
        .fuse(still)
        .image[aligned.top : aligned.top + aligned.height, aligned.left : aligned.left + aligned.width]
    )
    assert result.image.shape == expected.shape == (aligned.height, aligned.width, 3)
    moved = fuser(name).fuse(misaligned(name)).image[aligned.top :, aligned.left :]
    off = np.abs(result.image.astype(float) - expected).mean()
    off_before = np.abs(moved[: aligned.height, : aligned.width].astype(float) - expected).mean()
    assert off < 0.2 * off_before


@pytest.mark.parametrize("align", [True, "translation", "affine", "homography"])
def test_tiles_do_not_show(align: bool | str) -> None:
    pictures = misaligned("focus")
    whole = fuser("focus").fuse(pictures, align=align)
    tiled = fuser("focus").fuse(pictures, align=align, memory="400KiB")
    assert (whole.report.tiles, tiled.report.tiles > 1) == (1, True)
    np.testing.assert_array_equal(tiled.image, whole.image)
    assert tiled.report.alignment == whole.report.alignment


@pytest.mark.parametrize("name", ["focus", "exposure"])
def test_a_stack_that_lies_right_is_fused_bit_for_bit_as_without(name: str) -> None:
    pictures = list(larger(name))[:4]
    aligned, plain = fuser(name).fuse(pictures, align=True), fuser(name).fuse(pictures)
    np.testing.assert_array_equal(aligned.image, plain.image)
    assert any("nothing was resampled" in note for note in aligned.report.notes)
    assert not any("shifted" in note for note in plain.report.notes)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("gray", [False, True])
def test_every_depth_is_aligned_in_its_own(dtype: type, gray: bool) -> None:
    pictures = misaligned("focus")[:2]
    if gray:
        pictures = [one.mean(-1).astype(np.uint8) for one in pictures]
    factor = {np.uint8: 1, np.uint16: 257, np.float32: 1 / 255}[dtype]
    given = [(one * np.float64(factor)).astype(dtype) for one in pictures]
    result = fuser("focus").fuse(given, align=True)
    assert result.image.dtype == dtype
    eight = fuser("focus").fuse(pictures, align=True).image
    np.testing.assert_allclose(result.image / factor, eight, atol=1.5)


def test_a_picture_that_cannot_be_aligned_is_told_loudly_and_used_as_it_is() -> None:
    first = larger("focus")[0]
    result = fuser("focus").fuse([first, np.full_like(first, 90)], align=True)
    assert result.image.shape == first.shape
    assert any("NOT ALIGNED" in note for note in result.report.notes)
    assert result.report.alignment is not None
    assert result.report.alignment.pictures[1].state == "not aligned"


def test_the_report_of_an_alignment_obeys_the_schema() -> None:
    report = fuser("focus").fuse(misaligned("focus"), align=True).report
    plain = json.loads(json.dumps(report.to_dict()))
    assert not list(violations(plain, SCHEMA["$defs"]["report"], SCHEMA))
    assert plain["alignment"]["motion"] == "similarity"
    first, reference, last = plain["alignment"]["pictures"]
    assert reference["state"] == "reference"
    assert first["rotation"] == pytest.approx(-0.6, abs=0.1)
    assert last["scale"] == pytest.approx(1.02 / 1.01, abs=0.002)
    assert last["after"] > last["before"] + 0.05
    without = fuser("focus").fuse(misaligned("focus")).report
    assert without.alignment is None
    assert not list(violations(json.loads(json.dumps(without.to_dict())), SCHEMA["$defs"]["report"], SCHEMA))


def test_shifts_are_suspected_and_alignment_suggested() -> None:
    pictures = moved_stack("focus", [np.eye(3), motion(4.2, -3.1), np.eye(3)])
    notes = fuser("focus").fuse(pictures).report.notes
    assert any("picture-" in note and "try --align" in note for note in notes)


@pytest.mark.parametrize("name", ["focus", "exposure"])
@pytest.mark.parametrize("scene", ["table", "garden"])
def test_nothing_is_suspected_of_stacks_that_lie_right(name: str, scene: str) -> None:
    notes = fuser(name).fuse(list(larger(name, scene))).report.notes
    assert not any("seems shifted" in note for note in notes)


def test_memory_does_not_grow_with_the_stack(tmp_path: Path) -> None:
    base = larger("focus")[0]
    peaks = []
    for count in (4, 7):
        paths = []
        for index in range(count):
            paths.append(tmp_path / f"{count}-{index}.png")
            save_image(paths[-1], np.roll(base, 3 * index, 1))
        tracemalloc.start()
        result = fuser("focus").fuse(paths, align="translation", memory="300KiB")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert result.report.tiles > 1
    assert peaks[1] < peaks[0] + base.nbytes


@pytest.mark.parametrize("name", ["infrared", "medical"])
def test_pictures_of_different_sensors_are_refused(name: str) -> None:
    with pytest.raises(UsageError, match="cannot align"):
        fuser(name).fuse([noise(40, 40, 1)] * 2, align=True)
    with pytest.raises(UsageError, match="cannot align"):
        fuser(name).check_options(align="affine")


def test_what_there_is_not_is_refused() -> None:
    with pytest.raises(UsageError, match="unknown motion 'bend'"):
        fuser("focus").fuse([noise(40, 40)] * 2, align="bend")
    with pytest.raises(UsageError, match="one by one"):
        fuser("focus").fuse([torch.rand(2, 3, 40, 40)] * 2, align=True)


def test_pictures_that_share_too_little_are_refused() -> None:
    wide = np.concatenate([larger("focus")[0], larger("focus", "garden")[0]], 1)
    side = wide.shape[1] // 2
    steps = [wide[:, start : start + side] for start in (0, side * 2 // 5, side * 4 // 5)]
    with pytest.raises(UsageError, match="share less than a quarter"):
        fuser("focus").fuse(steps, align="translation")


def test_shifts_of_a_stack_are_estimated_without_fusing() -> None:
    found = estimate_shifts(moved_stack("focus", [np.eye(3), motion(3, 4)]), "focus")
    assert found.pictures[1].shift == pytest.approx(5, abs=0.3)
    assert found.pictures[1].displacement == pytest.approx(5, abs=0.3)
    assert (found.height, found.width) < (HEIGHT, WIDTH)


@pytest.mark.data
def test_no_pair_of_lytro_is_suspected(data_dir: Path) -> None:
    folder = data_dir / "focus" / "lytro20"
    for near in sorted((folder / "a").iterdir()):
        notes = fuser("focus").fuse([near, folder / "b" / near.name]).report.notes
        assert not any("seems shifted" in note for note in notes), near.name

"""Levels, missing values and windows of the task spectral."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from imfuse.cubes import open_cube
from imfuse.errors import UsageError
from imfuse.spectral.levels import Statistics, find_levels, gather, needs_pass
from imfuse.spectral.missing import fill_guide, fits, mark, missing_of, result_nodata, spread
from imfuse.spectral.windows import blocked_tiles, pair_windows, reading_windows, scaled
from imfuse.tiles import tiles


# Levels
def test_statistics_of_windows_are_those_of_the_whole() -> None:
    values = np.random.default_rng(0).normal(size=(13, 17, 3)).astype(np.float32)
    values[2:5, 3:9, 1] = np.nan
    values[7, 7] = np.inf
    cube, pixels = open_cube(values, name="x"), []
    found = gather(cube, tiles(13, 17, 5), pixels.append)
    assert sum(pixels) == 13 * 17
    known = np.where(np.isfinite(values), values, np.nan)
    assert (found.low, found.high) == (np.nanmin(known), np.nanmax(known))
    np.testing.assert_allclose(found.means, np.nanmean(known, (0, 1)), rtol=1e-6)
    assert found.missing == 3 * 6 + 1


def test_only_8_bits_without_nodata_are_known_without_a_look() -> None:
    eight, sixteen, floats = (open_cube(np.ones((2, 2, 3), kind), name="x") for kind in ("u1", "u2", "f4"))
    assert [needs_pass(cube, None) for cube in (eight, sixteen, floats)] == [False, True, True]
    assert [needs_pass(cube, "full") for cube in (eight, sixteen, floats)] == [False, False, True]
    assert needs_pass(eight, "minmax")


@pytest.mark.parametrize(
    ("values", "asked", "unit", "expected", "told"),
    [
        ([2, 300], None, False, (0, 300), True),
        ([2, 300], "full", False, (0, 65535), False),
        ([2, 300], "minmax", False, (2, 300), True),
        ([7, 7], "minmax", False, (0, 65535), True),
        ([0, 0], None, False, (0, 65535), True),
        ([-0.5, 0.25], None, False, (0, 0.25), True),
        ([-0.5, 0.25], None, True, (0, 1), False),
        ([-3.0, -1.0], None, False, (0, 1), True),
    ],
)
def test_levels(values: list[float], asked: str, unit: bool, expected: tuple[float, float], told: bool) -> None:
    kind = np.uint16 if isinstance(values[0], int) else np.float32
    cube = open_cube(np.array([values], kind), name="x")
    found = Statistics.of(np.array([[values]], kind), None)
    levels, note = find_levels(cube, found, asked, unit)  # type: ignore[arg-type]
    assert (levels.low, levels.high) == expected
    assert (note is not None) == told


# Missing values
def test_what_is_missing() -> None:
    floats = np.array([1, -9999, np.nan, np.inf, -np.inf, 2], np.float32)
    assert missing_of(floats, -9999).tolist() == [False, True, True, True, True, False]
    assert missing_of(floats, math.nan).tolist() == missing_of(floats, None).tolist()
    assert missing_of(np.float32([-9999.1]), -9999.1).all()  # as float32 stores it
    integers = np.array([0, 1, 255], np.uint8)
    assert missing_of(integers, 0).tolist() == [True, False, False]
    for beyond in (None, -1, 256, 0.5, math.nan):
        assert not fits(beyond, integers.dtype)
        assert not missing_of(integers, beyond).any()


def test_the_result_is_marked_and_no_value_mistaken() -> None:
    for nodata, beside in ((0, 1), (65535, 65534), (7, 8)):
        values = np.array([[[nodata, 3, nodata]]], np.uint16)
        assert mark(values, np.array([[[False, False, True]]]), nodata) == 1
        assert values.tolist() == [[[beside, 3, nodata]]]
    floats = np.array([[[1.0, 2.0]]], np.float32)
    assert mark(floats, np.array([[[True, False]]]), math.nan) == 0
    assert np.isnan(floats[0, 0, 0])
    assert result_nodata(-1, np.dtype("f4")) == -1
    assert result_nodata(-1, np.dtype("u1")) == 0
    assert math.isnan(result_nodata(None, np.dtype("f8")))


def test_holes_are_filled_by_their_surroundings_and_far_ones_by_the_mean() -> None:
    values = torch.full((1, 2, 20, 21), 3.0)
    valid = torch.ones_like(values, dtype=torch.bool)
    valid[:, 0, 4:19, 2:20] = False
    holed = torch.where(valid, values, torch.nan)
    filled = spread(holed, valid, torch.tensor([5.0, 9.0]), steps=3)
    expected = torch.full_like(values, 3.0)
    expected[:, 0, 7:16, 5:17] = 5
    torch.testing.assert_close(filled, expected)


def test_a_filled_pixel_depends_on_no_others_than_those_in_reach() -> None:
    draws = torch.Generator().manual_seed(0)
    values = torch.rand(1, 1, 40, 40, generator=draws)
    valid = torch.rand(1, 1, 40, 40, generator=draws) > 0.97
    means = torch.tensor([0.5])
    whole = spread(values, valid, means, 4)
    part = spread(values[..., 6:36, 6:36], valid[..., 6:36, 6:36], means, 4)
    torch.testing.assert_close(part[..., 4:-4, 4:-4], whole[..., 10:32, 10:32])
    assert (whole != 0.5).float().mean() > 0.8


def test_a_guide_is_filled_by_the_means_of_its_blocks() -> None:
    guide = torch.arange(64.0).reshape(1, 1, 8, 8)
    valid = torch.ones(1, 1, 8, 8, dtype=torch.bool)
    valid[..., 1, 1] = False
    valid[..., 4:, 4:] = False
    filled = fill_guide(torch.where(valid, guide, torch.nan), valid, torch.tensor([0.0]), 4)
    block = guide[..., :4, :4]
    assert float(filled[..., 1, 1]) == pytest.approx(float((block.sum() - guide[..., 1, 1]) / 15))
    neighbours = [filled[..., :4, :4].mean(), guide[..., :4, 4:].mean(), guide[..., 4:, :4].mean()]
    known = (block.sum() - guide[..., 1, 1]) / 15
    expected = (known + neighbours[1] + neighbours[2]) / 3
    torch.testing.assert_close(filled[..., 4:, 4:], expected.expand(1, 1, 4, 4))
    torch.testing.assert_close(filled[valid], guide[valid])


# Windows
@settings(max_examples=60, deadline=None)
@given(st.integers(1, 300), st.integers(1, 300), st.integers(2, 8), st.integers(0, 20), st.integers(5_000, 10_000_000))
def test_windows_cover_the_bands_and_keep_to_the_memory(
    height: int, width: int, scale: int, margin: int, memory: int
) -> None:
    pixel = 100
    try:
        found = pair_windows(height, width, scale, pixel, margin, memory, "x")
    except UsageError:
        least = min(max(32 // scale, 1), max(height, width)) + 2 * margin
        assert pixel * min(least, height) * min(least, width) > memory
        return
    covered = np.zeros((height, width), int)
    for window in found:
        covered[window.slices] += 1
        grown = window.grown(margin, height, width)
        assert pixel * grown.height * grown.width <= memory
    assert (covered == 1).all()


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 90), st.integers(1, 90), st.integers(1, 70), st.sampled_from([1, 8, 16]))
def test_no_block_is_returned_to(height: int, width: int, side: int, block: int) -> None:
    covered = np.zeros((height, width), int)
    finished: set[tuple[int, int]] = set()
    unfinished: set[tuple[int, int]] = set()
    for window in blocked_tiles(height, width, side, block):
        assert max(window.height, window.width) <= side
        covered[window.slices] += 1
        rows, columns = (range(part.start // block, (part.stop - 1) // block + 1) for part in window.slices)
        touched = {(row, column) for row in rows for column in columns}
        assert not touched & finished
        assert unfinished <= touched
        whole = {
            (row, column)
            for row, column in touched
            if covered[row * block : (row + 1) * block, column * block : (column + 1) * block].all()
        }
        finished, unfinished = finished | whole, touched - whole
    assert (covered == 1).all()


def test_a_method_that_needs_everything_gets_one_window() -> None:
    assert len(pair_windows(700, 900, 4, 10, 1 << 30, 1 << 30, "x")) == 1
    with pytest.raises(UsageError, match="give at least 7MiB; it needs the whole scene at once"):
        pair_windows(700, 900, 4, 10, 1 << 30, 1 << 20, "x")


def test_reading_windows_keep_to_the_memory() -> None:
    found = list(reading_windows(300, 500, 40, 100_000))
    assert sum(window.height * window.width for window in found) == 300 * 500
    assert all(40 * window.height * window.width <= 100_000 for window in found)
    window = found[3]
    assert scaled(window, 4).slices == tuple(slice(4 * part.start, 4 * part.stop) for part in window.slices)

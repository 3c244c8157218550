"""Depth: rounding to the nearest level, what is counted as beyond, alpha, and the notes."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from imfuse.errors import UsageError
from imfuse.io import ArraySource, Window
from imfuse.quantise import OutputDepth, check_depth, depth_notes, output_depth

INTEGERS = [np.uint8, np.uint16]
DEPTHS = [8, 16, "float"]
# Sources of 8, 12 and 16 bits, of signed 16 bits (whose positive half is taken), and float.
KINDS = [(np.uint8, 255.0), (np.uint16, 4095.0), (np.uint16, 32767.0), (np.uint16, 65535.0), (np.float32, 1.0)]


def with_alpha(dtype: type, white: float, alpha: np.ndarray) -> ArraySource:
    pixels = np.dstack([np.zeros_like(alpha), alpha]).astype(dtype)
    return ArraySource(pixels, "vis.tif", has_alpha=True, full_range=(0.0, white))


@pytest.mark.parametrize("dtype", INTEGERS)
@given(seed=st.integers(0, 2**16), shape=st.tuples(st.sampled_from([1, 3]), st.integers(1, 9), st.integers(1, 9)))
def test_integers_are_the_nearest_level(dtype: type, seed: int, shape: tuple[int, int, int]) -> None:
    unit = torch.from_numpy(np.random.default_rng(seed).random(shape, np.float32))
    depth = OutputDepth(np.dtype(dtype))
    levels, beyond = depth.quantise(unit)
    assert levels.dtype == dtype
    assert levels.shape == (*shape[1:], shape[0])
    exact = np.moveaxis(unit.double().numpy(), 0, -1) * depth.white
    assert np.abs(levels - exact).max() <= 0.5 + 2**-23 * depth.white  # the product is float32
    assert beyond == 0


@pytest.mark.parametrize("dtype", INTEGERS)
def test_every_level_comes_back_and_so_does_what_lies_close_to_it(dtype: type) -> None:
    depth = OutputDepth(np.dtype(dtype))
    levels = np.arange(depth.white + 1)
    for shift in (-0.4, 0.0, 0.4):
        unit = torch.from_numpy((levels + shift) / depth.white).float()[None, None]
        np.testing.assert_array_equal(depth.quantise(unit)[0][0, :, 0], levels)


@pytest.mark.parametrize("dtype", INTEGERS)
def test_what_is_beyond_black_or_white_is_clipped_and_counted_once_per_pixel(dtype: type) -> None:
    depth = OutputDepth(np.dtype(dtype))
    level = 1 / depth.white
    unit = torch.tensor([[-3.0, 1 + 0.4 * level, 1 + 0.6 * level, 0.0], [2.0, -0.4 * level, 0.5, -0.6 * level]])
    pixels, beyond = depth.quantise(unit[:, None])
    white = depth.white
    np.testing.assert_array_equal(pixels[0, :, 0], [0, white, white, 0])
    np.testing.assert_array_equal(pixels[0, [0, 1, 3], 1], [white, 0, 0])
    assert beyond == 3


def test_float_is_neither_rounded_nor_clipped() -> None:
    unit = torch.tensor([-0.25, 0.123456789, 0.5, 1.75, 1 + 1e-7])[None, None]
    pixels, beyond = OutputDepth(np.dtype(np.float32)).quantise(unit)
    assert pixels.dtype == np.float32
    np.testing.assert_array_equal(pixels[0, :, 0], unit[0, 0].numpy())
    assert beyond == 2


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize(("dtype", "white"), KINDS)
def test_opaque_stays_opaque_and_transparent_transparent(dtype: type, white: float, depth: int | str) -> None:
    alpha = np.append([0.0, white], np.linspace(0.01, 0.99, 97) * white)[None].astype(dtype)
    source = with_alpha(dtype, white, alpha)
    stored = output_depth(source, depth)
    converted = stored.convert_alpha(source.read_alpha(Window(0, 0, 1, 99)), source)
    assert converted.dtype == stored.dtype
    np.testing.assert_array_equal(converted[0, :2], [0, stored.white])
    exact = alpha.astype(float) / white * stored.white
    assert np.abs(converted - exact).max() <= (1e-6 if stored.is_float else 0.5 + 1e-9)


@pytest.mark.parametrize(
    ("dtype", "white", "depth"), [(np.uint8, 255.0, 8), (np.uint16, 65535.0, 16), (np.float32, 1.0, "float")]
)
def test_alpha_of_the_same_depth_is_kept_bit_by_bit(dtype: type, white: float, depth: int | str) -> None:
    alpha = (np.random.default_rng(0).random((7, 9)) * white).astype(dtype)
    source = with_alpha(dtype, white, alpha)
    np.testing.assert_array_equal(output_depth(source, depth).convert_alpha(alpha, source), alpha)


@pytest.mark.parametrize("depth", [8, 16])
def test_float_alpha_beyond_the_unit_interval_is_clipped(depth: int) -> None:
    alpha = np.array([[-0.5, 1.5]], np.float32)
    source = with_alpha(np.float32, 1.0, alpha)
    stored = output_depth(source, depth)
    np.testing.assert_array_equal(stored.convert_alpha(alpha, source), [[0, stored.white]])


@pytest.mark.parametrize(("dtype", "white"), KINDS)
def test_without_a_request_the_depth_is_that_of_the_source(dtype: type, white: float) -> None:
    source = with_alpha(dtype, white, np.zeros((2, 2)))
    assert output_depth(source, None).dtype == dtype
    for depth, stored in [(8, np.uint8), ("8", np.uint8), (16, np.uint16), ("float", np.float32)]:
        assert output_depth(source, depth).dtype == stored


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize(("dtype", "white"), KINDS)
def test_a_note_tells_when_the_levels_are_not_those_of_the_source(dtype: type, white: float, depth: int | str) -> None:
    source = with_alpha(dtype, white, np.zeros((2, 2)))
    stored = output_depth(source, depth)
    notes = depth_notes(source, stored)
    if white == stored.white:
        assert notes == []
    else:
        assert notes == [f"vis.tif: 0…{white:g} is stored as 0…{stored.white:g} ({stored.dtype})"]


@pytest.mark.parametrize("depth", [12, "half", 32, 0])
def test_other_depths_are_refused(depth: object) -> None:
    with pytest.raises(UsageError, match="depth"):
        check_depth(depth)
    check_depth(None)

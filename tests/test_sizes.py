"""Sizes made equal: area mean where a picture shrinks, bicubic where it grows, alpha and notes with it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imfuse.errors import SizeMismatchError, UsageError
from imfuse.io import ArraySource, Metadata, PixelSource, Window
from imfuse.sizes import check_resize, same_size

DTYPES = [np.uint8, np.uint16, np.float32]
WHITE = {np.uint8: 255, np.uint16: 65535, np.float32: 1}


def noise(shape: tuple[int, ...], dtype: type, seed: int = 0) -> np.ndarray:
    values = np.random.default_rng(seed).random(shape) * WHITE[dtype]
    return (values if dtype == np.float32 else np.rint(values)).astype(dtype)


def whole(source: PixelSource) -> np.ndarray:
    return source.read(Window(0, 0, source.height, source.width))


def resized(pixels: np.ndarray, height: int, width: int, **arguments: object) -> PixelSource:
    """The picture brought to the size of another one that is given first."""
    first = ArraySource(np.zeros((height, width, 1), np.uint8), "first")
    sources, _ = same_size([first, ArraySource(pixels, "second.png", **arguments)], "first")
    return sources[1]


def block_means(pixels: np.ndarray, rows: int, columns: int) -> np.ndarray:
    height, width = pixels.shape[0] // rows, pixels.shape[1] // columns
    return pixels.astype(np.float64).reshape(height, rows, width, columns, -1).mean(axis=(1, 3))


def cubic_matrix(old: int, new: int) -> np.ndarray:
    """Rows of cubic convolution weights (Keys 1981, a = −0.75 as in OpenCV), centres aligned, borders repeated."""
    a = -0.75
    matrix = np.zeros((new, old))
    for row in range(new):
        position = (row + 0.5) * old / new - 0.5
        for tap in range(int(np.floor(position)) - 1, int(np.floor(position)) + 3):
            x = abs(position - tap)
            near = ((a + 2) * x - (a + 3)) * x * x + 1
            far = ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
            matrix[row, min(max(tap, 0), old - 1)] += near if x <= 1 else far
    return matrix


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("rows", "columns"), [(2, 2), (3, 3), (4, 2), (5, 5), (1, 7)])
def test_shrinking_by_whole_factors_gives_the_means_of_the_blocks(
    dtype: type, channels: int, rows: int, columns: int
) -> None:
    pixels = noise((rows * 7, columns * 9, channels), dtype)
    small = whole(resized(pixels, 7, 9))
    assert small.dtype == dtype
    # Half of a level may go either way; float is the mean itself.
    tolerance = 1e-6 if dtype == np.float32 else 0.5 + 1e-9 + 1e-2 * (dtype == np.uint16)
    assert np.abs(small - block_means(pixels, rows, columns)).max() <= tolerance


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 40), st.integers(2, 40), st.data())
def test_shrinking_to_any_size_keeps_the_mean(height: int, width: int, data: st.DataObject) -> None:
    new = data.draw(st.tuples(st.integers(1, height), st.integers(1, width)).filter(lambda s: s != (height, width)))
    pixels = noise((height, width, 1), np.float32)
    assert whole(resized(pixels, *new)).mean() == pytest.approx(pixels.mean(), abs=1e-5)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [(26, 22), (31, 23), (13, 40)])
def test_enlarging_is_cubic_convolution_without_overshoot(dtype: type, size: tuple[int, int]) -> None:
    pixels = noise((13, 11, 3), dtype)
    large = whole(resized(pixels, *size))
    assert large.dtype == dtype
    expected = np.einsum("ij,kl,jlc->ikc", cubic_matrix(13, size[0]), cubic_matrix(11, size[1]), pixels.astype(float))
    expected = expected.clip(pixels.min(axis=(0, 1)), pixels.max(axis=(0, 1)))
    # OpenCV takes its weights for 8 bits in whole 2048ths.
    tolerance = {np.uint8: 1.0, np.uint16: 1.0, np.float32: 1e-5}[dtype]
    assert np.abs(large - expected).max() <= tolerance


@pytest.mark.parametrize("factor", [2, 3, 5])
@pytest.mark.parametrize("axis", [0, 1])
def test_enlarging_a_ramp_gives_a_ramp(factor: int, axis: int) -> None:
    ramp = np.broadcast_to(np.arange(20, dtype=np.float32)[:, None, None] / 20, (20, 20, 1)).swapaxes(0, axis)
    large = whole(resized(np.ascontiguousarray(ramp), 20 * factor, 20 * factor))[..., 0].swapaxes(0, axis)
    positions = ((np.arange(20 * factor) + 0.5) / factor - 0.5) / 20
    inside = slice(2 * factor, -2 * factor)
    # With a = −0.75 the weights leave a straight line by up to 0.048 of a source pixel's step; nearest by 0.25 or more.
    assert np.abs(large - positions[:, None])[inside].max() < 0.05 / 20
    assert (np.diff(large, axis=0)[inside] > 0).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_no_channel_leaves_the_extremes_of_its_own(dtype: type) -> None:
    pixels = np.zeros((9, 9, 4), dtype)
    white = WHITE[dtype]
    for channel, (low, high) in enumerate([(0.2, 0.8), (0.4, 0.5), (0.0, 1.0), (0.6, 0.9)]):
        pixels[..., channel] = np.array(low * white).astype(dtype)
        pixels[:, 4:, channel] = np.array(high * white).astype(dtype)
    source = resized(pixels, 32, 35, has_alpha=True)
    large = np.dstack([whole(source), source.read_alpha(Window(0, 0, 32, 35))])
    np.testing.assert_array_equal(large.min(axis=(0, 1)), pixels.min(axis=(0, 1)))
    np.testing.assert_array_equal(large.max(axis=(0, 1)), pixels.max(axis=(0, 1)))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [(1, 1), (7, 5), (17, 29), (64, 1)])
def test_odd_sizes_keep_depth_channels_and_a_constant(dtype: type, size: tuple[int, int]) -> None:
    for shape in [(1, 1, 1), (13, 17, 3), (3, 50, 1)]:
        pixels = np.full(shape, WHITE[dtype] * 0.625).astype(dtype)
        source = resized(pixels, *size)
        image = whole(source)
        assert (source.height, source.width, source.channels) == (*size, shape[2])
        assert image.shape == (*size, shape[2])
        np.testing.assert_allclose(image, np.broadcast_to(pixels[0, 0], image.shape), rtol=1e-6)


@pytest.mark.parametrize("channels", [1, 3])
def test_alpha_is_resized_with_the_pixels(channels: int) -> None:
    pixels = noise((12, 16, channels + 1), np.uint16)
    source = resized(pixels, 6, 8, has_alpha=True)
    assert source.has_alpha
    assert source.channels == channels
    alpha = source.read_alpha(Window(0, 0, 6, 8))
    assert np.abs(alpha - block_means(pixels[..., -1:], 2, 2)[..., 0]).max() <= 0.51
    opaque = pixels.copy()
    opaque[..., -1] = 65535
    for size in [(6, 8), (7, 5), (25, 37)]:
        assert (resized(opaque, *size, has_alpha=True).read_alpha(Window(0, 0, *size)) == 65535).all()


def test_full_range_and_colour_travel_and_the_resolution_is_dropped_and_told() -> None:
    metadata = Metadata(icc=b"profile", exif=b"II*\0", resolution=(300.0, 300.0))
    raw = ArraySource(noise((8, 8, 1), np.uint16) // 16, "raw.tif", full_range=(0.0, 4095.0), metadata=metadata)
    first = ArraySource(np.zeros((4, 4, 1), np.uint8), "ir.png")
    (kept, small), notes = same_size([first, raw], "first")
    assert kept is first
    assert small.full_range == (0.0, 4095.0)
    assert small.name == "raw.tif"
    assert small.metadata == Metadata(icc=b"profile", exif=b"II*\0")
    assert notes == [
        "raw.tif: resized from 8×8 to 4×4",
        "raw.tif: its resolution of 300 pixels per inch is dropped",
    ]


def test_notes_name_the_source_its_sizes_and_a_change_of_proportions() -> None:
    wide, tall = (
        ArraySource(noise((20, 30, 1), np.uint8), "wide.png"),
        ArraySource(noise((30, 21, 1), np.uint8), "tall"),
    )
    (first, second), notes = same_size([wide, tall], "first")
    assert first is wide
    assert (second.height, second.width) == (20, 30)
    assert notes == ["tall: resized from 21×30 to 30×20; its proportions change"]
    (first, second), notes = same_size([wide, tall], "largest")
    assert second is tall
    assert (first.height, first.width) == (30, 21)
    assert notes == ["wide.png: resized from 30×20 to 21×30; its proportions change"]


@pytest.mark.parametrize("resize_to", [None, "first", "largest"])
def test_equal_sizes_are_left_alone(resize_to: str | None) -> None:
    pair = [ArraySource(noise((5, 6, 1), np.uint8), name) for name in "ab"]
    sources, notes = same_size(pair, resize_to)
    assert sources == pair
    assert notes == []


def test_wrong_sizes_are_told() -> None:
    pair = [ArraySource(noise((5, 6, 1), np.uint8), "a"), ArraySource(noise((6, 5, 1), np.uint8), "b")]
    with pytest.raises(SizeMismatchError, match="a is 6×5 and b is 5×6"):
        same_size(pair, None)
    with pytest.raises(UsageError, match="smallest"):
        check_resize("smallest")

"""Moved pictures: exact whatever the window, within the source's values, and cut where all of them are."""

import cv2
import numpy as np
import pytest

from helpers import noise
from imfuse.io import ArraySource, Window
from imfuse.registration.aligned_source import AlignedSource
from imfuse.registration.common_area import AFTER, BEFORE, common_area
from imfuse.registration.motion import moved
from registration_makers import motion

SIZE = (90, 113)
MATRIX = motion(2.3, -1.6, 1.5, 1.02, (1e-5, -2e-5), SIZE)


def aligned(pixels: np.ndarray, matrix: np.ndarray = MATRIX, *, has_alpha: bool = False) -> AlignedSource:
    source = ArraySource(pixels, "one", has_alpha=has_alpha)
    area = common_area([np.eye(3), matrix], *SIZE)
    assert area is not None
    corner = motion(area.left, area.top)
    return AlignedSource(source, matrix @ corner, area.height, area.width, float(pixels.min()), float(pixels.max()))


def pixels(dtype: type, channels: int) -> np.ndarray:
    if dtype is np.float32:
        return np.random.default_rng(0).normal(0, 3, (*SIZE, channels)).astype(np.float32)
    return noise(*SIZE, channels, dtype=dtype).reshape(*SIZE, channels)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("channels", [1, 3])
def test_windows_give_the_whole_bit_for_bit(dtype: type, channels: int) -> None:
    source = aligned(pixels(dtype, channels))
    whole = source.read(Window(0, 0, source.height, source.width))
    assert (whole.shape, whole.dtype) == ((source.height, source.width, channels), dtype)
    for window in (Window(0, 0, 1, 1), Window(7, 13, 31, 29), Window(source.height - 5, source.width - 1, 5, 1)):
        np.testing.assert_array_equal(source.read(window), whole[window.slices])


def test_blocks_inside_a_window_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    from imfuse.registration import aligned_source

    source = aligned(pixels(np.uint8, 3))
    window = Window(0, 0, source.height, source.width)
    whole = source.read(window)
    monkeypatch.setattr(aligned_source, "_BLOCK", 17)
    np.testing.assert_array_equal(source.read(window), whole)


def test_pixels_are_those_of_an_interpolation_by_the_definition() -> None:
    """Lanczos's window of 8 by hand, in float64, at places rounded to 1/32 pixel."""
    picture = pixels(np.float32, 1)
    source = AlignedSource(ArraySource(picture, "one"), motion(10.28, 9.53), 20, 20, -1e9, 1e9)
    found = source.read(Window(3, 4, 1, 1))[0, 0, 0]
    x, y = np.rint(np.array([4 + 10.28, 3 + 9.53]) * 32) / 32
    taps = np.arange(-3, 5)
    weights = [np.sinc(v - np.floor(v) - taps) * np.sinc((v - np.floor(v) - taps) / 4) for v in (x, y)]
    wx, wy = (w / w.sum() for w in weights)
    part = picture[int(y) - 3 : int(y) + 5, int(x) - 3 : int(x) + 5, 0]
    assert found == pytest.approx(wy @ part @ wx, abs=2e-3)


def test_whole_pixels_are_read_as_they_are() -> None:
    picture = pixels(np.uint8, 3)
    source = AlignedSource(ArraySource(picture, "one"), motion(5, 7), 60, 70, 0, 255)
    np.testing.assert_array_equal(source.read(Window(1, 2, 30, 40)), picture[8:38, 7:47])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_no_value_is_beyond_those_of_the_source(dtype: type) -> None:
    step = np.full((*SIZE, 1), 40, dtype)
    step[:, 50:] = 200
    source = aligned(step)
    whole = source.read(Window(0, 0, source.height, source.width))
    assert (whole.min(), whole.max()) == (40, 200)


def test_alpha_moves_with_the_pixels() -> None:
    picture = np.dstack([pixels(np.uint8, 3), np.full(SIZE, 255, np.uint8)])
    picture[30:50, 40:60, 3] = 0
    source = aligned(picture, has_alpha=True)
    window = Window(0, 0, source.height, source.width)
    alpha = source.read_alpha(window)
    assert alpha is not None
    twin = aligned(picture[..., 3:]).read(window)[..., 0]
    np.testing.assert_array_equal(alpha, twin)
    assert alpha.min() == 0
    assert alpha.max() == 255


def test_a_motion_undone_gives_the_picture_back() -> None:
    smooth = cv2.GaussianBlur(noise(*SIZE, 3), (0, 0), 2)
    area = common_area([MATRIX], *SIZE)
    assert area is not None
    warped = cv2.warpPerspective(
        smooth, np.linalg.inv(MATRIX), SIZE[::-1], flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    )
    back = aligned(warped).read(Window(0, 0, area.height, area.width))
    inner = (slice(8, -8), slice(8, -8))
    difference = back.astype(int)[inner] - smooth[area.slices][inner]
    assert np.abs(difference).max() <= 4


@pytest.mark.parametrize(
    "matrices",
    [
        [motion(3, -4, size=SIZE)],
        [motion(3.4, -4.2, size=SIZE), motion(-2.1, 0.4, size=SIZE)],
        [motion(0, 0, 3, size=SIZE)],
        [MATRIX, motion(-7.7, 3.2, -2, 0.95, size=SIZE)],
    ],
)
def test_the_common_area_is_covered_and_hardly_smaller_than_it_could_be(matrices: list[np.ndarray]) -> None:
    area = common_area([np.eye(3), *matrices], *SIZE)
    assert area is not None
    y, x = np.mgrid[area.top : area.bottom, area.left : area.right].astype(np.float64)
    slack = np.inf
    for matrix in matrices:
        there = moved(matrix, np.stack([x, y], -1))
        exact = (matrix[:2, :2] == np.eye(2)).all() and (matrix[:2, 2] % 1 == 0).all()
        before, after = (0, 0) if exact else (BEFORE, AFTER)
        gaps = [there.min((0, 1)) - before, np.array(SIZE[::-1]) - 1 - after - there.max((0, 1))]
        assert np.min(gaps) >= 0
        slack = min(slack, float(np.min(gaps)))
    assert slack <= 1.1


def test_pictures_that_share_nothing_have_no_common_area() -> None:
    assert common_area([np.eye(3), motion(200, 0)], *SIZE) is None


def test_the_common_area_of_pictures_in_place_is_all() -> None:
    assert common_area([np.eye(3)] * 3, *SIZE) == Window(0, 0, *SIZE)

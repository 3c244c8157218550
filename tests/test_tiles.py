import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imfuse.errors import UsageError
from imfuse.io.window import Window
from imfuse.tiles import CACHE_SIDE, parse_memory, tile_side, tiles


@given(st.integers(1, 90), st.integers(1, 90), st.integers(1, 40))
def test_tiles_cover_every_pixel_once(height: int, width: int, side: int) -> None:
    count = np.zeros((height, width), int)
    for window in tiles(height, width, side):
        assert 0 < window.height <= side
        assert 0 < window.width <= side
        count[window.slices] += 1
    assert (count == 1).all()


@given(st.integers(0, 20), st.integers(0, 9), st.integers(0, 9))
def test_grown_windows_stay_inside_and_hold_the_window(halo: int, top: int, left: int) -> None:
    window = Window(top, left, 3, 4)
    grown = window.grown(halo, 14, 15)
    picture = np.arange(14 * 15).reshape(14, 15)
    np.testing.assert_array_equal(picture[grown.slices][window.inside(grown).slices], picture[window.slices])
    assert grown.top >= 0
    assert grown.bottom <= 14
    assert grown.right <= 15


def test_memory_is_read_as_people_write_it() -> None:
    assert parse_memory("1GiB") == parse_memory("1024 M") == parse_memory(2**30) == 2**30
    assert parse_memory("0.5g") == 2**29
    for wrong in ("", "much", "-1", "0", "1XB"):
        with pytest.raises(UsageError, match="memory"):
            parse_memory(wrong)


def test_a_tile_with_its_halo_fits_the_memory() -> None:
    side = tile_side(2**24, 100, 30)
    assert (side + 60) ** 2 * 100 <= 2**24
    assert tile_side(2**40, 100, 30) == CACHE_SIDE
    with pytest.raises(UsageError, match="too little"):
        tile_side(1000, 100, 30)


@settings(deadline=None)
@given(st.integers(1, 200), st.integers(1, 200), st.integers(1, 60), st.integers(0, 30), st.sampled_from([1, 2, 8, 32]))
def test_grown_windows_begin_at_multiples_of_the_alignment(
    height: int, width: int, side: int, halo: int, alignment: int
) -> None:
    for window in tiles(height, width, side):
        grown = window.grown(halo, height, width, alignment)
        assert grown.top % alignment == grown.left % alignment == 0
        plain = window.grown(halo, height, width)
        assert (grown.bottom, grown.right) == (plain.bottom, plain.right)
        assert 0 <= plain.top - grown.top < alignment
        assert 0 <= plain.left - grown.left < alignment

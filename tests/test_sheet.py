"""Contact sheets: nothing that is written on one is cut off."""

import numpy as np

from imfuse.sheet import GROUND, Cell, contact_sheet


def test_a_long_title_takes_as_many_lines_as_it_needs() -> None:
    cell = Cell("", np.zeros((60, 200), np.uint8))
    short, long = (contact_sheet([[cell]], 200, title=title) for title in ("bands", "bands of a guide " * 8))
    assert long.shape[1] == short.shape[1]
    added = long.shape[0] - short.shape[0]
    assert added > 0
    head = long[: long.shape[0] - 100] != GROUND
    lines = head.any((1, 2))
    assert np.diff(lines.astype(int)).clip(0).sum() >= 5  # rows of text with ground between
    assert not head[:, -8:].any()  # the margin stays free: no letter is cut


def test_a_sheet_without_title_has_no_room_for_one() -> None:
    cell = Cell("", np.zeros((60, 200), np.uint8))
    assert contact_sheet([[cell]], 200).shape == (60 + 20 + 8 + 8, 200 + 16, 3)

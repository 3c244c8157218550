"""Levels of a stack: one scale for all its pictures."""

import numpy as np
import pytest

from helpers import Average, noise
from imfuse.errors import SourceError, UsageError
from imfuse.fuser import Fuser
from imfuse.tasks import task


def test_a_deep_stack_is_taken_at_full_range_and_shares_one_scale_when_stretched() -> None:
    stack = [noise(20, 21, 1, 0, np.uint8).astype(np.uint16) + offset for offset in (1000, 3000, 9000)]
    fuser = Fuser(Average(), task("exposure"))
    full = fuser.fuse(stack)
    assert {(source.black, source.white) for source in full.report.sources} == {(0, 65535)}
    shared = fuser.fuse(stack, range="minmax").report
    low, high = min(p.min() for p in stack), max(p.max() for p in stack)
    assert {(source.black, source.white) for source in shared.sources} == {(low, high)}
    assert any("the stack" in note and "stretched" in note for note in shared.notes)
    values = np.sort(np.concatenate([picture.ravel() for picture in stack]))
    ranks = [-(-values.size // 1000) - 1, -(-values.size * 999 // 1000) - 1]
    pooled = fuser.fuse(stack, range="percentile").report.sources
    assert {(source.black, source.white) for source in pooled} == {tuple(values[ranks])}
    with pytest.raises(UsageError, match="one scale"):
        fuser.fuse(stack, range={"picture-1": "minmax"})
    with pytest.raises(UsageError, match="unknown range"):
        fuser.check_options(range="log")


def test_pictures_of_other_depths_share_fractions_of_their_range() -> None:
    eight = noise(20, 21, 1)
    stack = [eight // 2, (eight // 4).astype(np.uint16) * 257]
    full = Fuser(Average(), task("exposure")).fuse(stack).report.sources
    assert [source.white for source in full] == [255, 65535]
    shared = Fuser(Average(), task("exposure")).fuse(stack, range="minmax").report.sources
    top = int(stack[0].max())
    assert [source.white for source in shared] == pytest.approx([top, top * 257])


def test_float_far_beyond_the_unit_interval_is_stretched_by_one_scale() -> None:
    stack = [noise(9, 9, 1, seed).astype(np.float32) * (seed + 1) for seed in range(3)]
    report = Fuser(Average(), task("exposure")).fuse(stack).report
    assert {source.white for source in report.sources} == {max(picture.max() for picture in stack)}
    stack[1][3, 3] = np.nan
    with pytest.raises(SourceError, match="picture-2 source: holds values that are not numbers"):
        Fuser(Average(), task("exposure")).fuse(stack)

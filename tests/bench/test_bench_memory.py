import sys

import numpy as np
import pytest

from imfuse.bench.memory import PeakMemory

linux = pytest.mark.skipif(sys.platform != "linux", reason="Linux's account of memory")


@linux
def test_the_peak_is_what_was_held_at_once() -> None:
    with PeakMemory() as peak:
        for _ in range(3):  # one after the other: the peak is one of them
            np.ones((40, 1024, 1024), np.uint8)
    assert peak.mib == pytest.approx(40, abs=4)


@linux
def test_what_was_freed_before_does_not_hide_it() -> None:
    blocks = [np.ones(100_000, np.uint8) for _ in range(400)]  # small enough for the heap, 38 MiB in all
    del blocks
    with PeakMemory() as peak:
        blocks = [np.ones(100_000, np.uint8) for _ in range(400)]
        del blocks
    assert peak.mib == pytest.approx(38, abs=6)


@linux
def test_what_is_held_before_does_not_count() -> None:
    held = np.ones((60, 1024, 1024), np.uint8)
    with PeakMemory() as peak:
        np.ones((10, 1024, 1024), np.uint8)
    assert peak.mib == pytest.approx(10, abs=4)
    assert held.any()


def test_failed_work_has_no_peak() -> None:
    peak = PeakMemory()
    with pytest.raises(ValueError, match="failed"), peak:
        raise ValueError("failed")
    assert peak.mib is None

"""What EXIF says of an exposure."""

import math
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from PIL.TiffImagePlugin import IFDRational

from exif_files import NOON, exif, write
from imfuse.io import open_source
from imfuse.io.exposure import Capture, exposure_values, read_capture


def capture(tmp_path: Path, ending: str = ".jpg", **arguments: object) -> Capture:
    path = write(tmp_path / f"a{ending}", exif(**arguments))
    return read_capture(open_source(path).metadata.exif)


@pytest.mark.parametrize("ending", [".jpg", ".png", ".tif", ".webp"])
def test_exposure_time_and_camera_are_read_of_every_format(tmp_path: Path, ending: str) -> None:
    found = capture(tmp_path, ending, time=1 / 250, f_number=5.6, iso=400, at=1.25, bias=-2 / 3, mode=2, camera="Maker")
    assert found.exposure_time == pytest.approx(1 / 250)
    assert (found.f_number, found.iso, found.mode) == (pytest.approx(5.6), 400, 2)
    assert found.bias == pytest.approx(-2 / 3, abs=1e-6)
    assert found.taken == NOON + timedelta(seconds=1.25)
    assert found.camera == ("Maker", "One", "")


def test_exposure_values_are_those_of_the_books(tmp_path: Path) -> None:
    """EV 0 is one second at f/1, ISO 100; a stop of time, two stops of sensitivity and one of aperture move it so."""
    assert capture(tmp_path, time=1.0, f_number=1.0).ev100 == pytest.approx(0)
    assert capture(tmp_path, time=1 / 128, f_number=16.0).ev100 == pytest.approx(15, abs=1e-3)  # sunny sixteen
    assert capture(tmp_path, time=0.5, f_number=1.0).ev100 == pytest.approx(1)
    assert capture(tmp_path, time=1.0, f_number=math.sqrt(2)).ev100 == pytest.approx(1, abs=1e-5)
    assert capture(tmp_path, time=1.0, f_number=1.0, iso=400).ev100 == pytest.approx(-2)


def test_apex_values_and_long_sensitivities_are_understood(tmp_path: Path) -> None:
    found = capture(
        tmp_path,
        time=None,
        f_number=None,
        iso=65535,
        more={37377: IFDRational(-3, 1), 37378: IFDRational(4, 1), 34866: 102400},
    )
    assert (found.exposure_time, found.f_number, found.iso) == (8.0, 4.0, 102400)


@pytest.mark.parametrize("text", ["0000:00:00 00:00:00", "    :  :     :  :  ", "yesterday", ""])
def test_times_that_are_none_are_none(tmp_path: Path, text: str) -> None:
    assert capture(tmp_path, at=None, more={36867: text}).taken is None
    later = capture(tmp_path, at=None, more={36867: text, 36868: "2026:06:21 12:00:07"})
    assert later.taken == datetime(2026, 6, 21, 12, 0, 7)


def test_nonsense_is_not_believed(tmp_path: Path) -> None:
    found = capture(tmp_path, time=None, f_number=0.0, iso=0, more={33434: IFDRational(0, 0), 37380: IFDRational(5, 0)})
    assert (found.exposure_time, found.f_number, found.iso, found.bias) == (None, None, None, None)
    for block in (None, b"", b"II*\0", b"II*\0\x08\0\0\0", b"no exif at all", b"MM\0*\0\0\0\x08\xff\xff"):
        assert read_capture(block) == Capture()


def test_a_block_that_is_cut_off_anywhere_raises_nothing(tmp_path: Path) -> None:
    block = open_source(write(tmp_path / "a.jpg", exif(camera="Maker", bias=1.0))).metadata.exif
    assert block is not None
    for end in range(len(block)):
        read_capture(block[:end])


def test_values_of_pictures_are_compared_only_where_all_tell_the_same() -> None:
    times = [1 / 400, 1 / 100, 1 / 25]
    full = [Capture(time, 8.0, 100.0) for time in times]
    values = exposure_values(full)
    assert values == [pytest.approx(one.ev100) for one in full]
    assert [a - b for a, b in pairwise(values)] == pytest.approx([2, 2])
    manual_lens = exposure_values([Capture(time) for time in times])
    assert [a - b for a, b in pairwise(manual_lens)] == pytest.approx([2, 2])
    assert exposure_values([*full, Capture(1 / 50)]) is None
    assert exposure_values([*full, Capture(None, 8.0, 100.0)]) is None

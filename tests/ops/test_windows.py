import numpy as np
import pytest
import torch
from scipy.signal import convolve2d

from imfuse.ops.windows import box_taps, filter_valid, gaussian_taps


@pytest.mark.parametrize("taps", [gaussian_taps(11, 1.5), gaussian_taps(3, 0.6), box_taps(8), box_taps(2), box_taps(1)])
@pytest.mark.parametrize("step", [1, 2])
def test_whole_windows_as_scipy_has_them(taps: list[float], step: int) -> None:
    picture = torch.rand(2, 3, 14, 17, dtype=torch.double, generator=torch.Generator().manual_seed(0))
    kernel = np.outer(taps, taps)
    filtered = filter_valid(picture, taps, step)
    expected = convolve2d(picture[1, 2].numpy(), kernel, mode="valid")[::step, ::step]
    np.testing.assert_allclose(filtered[1, 2].numpy(), expected, rtol=1e-12)
    assert filter_valid(picture.float(), taps).dtype == torch.float32


def test_taps_sum_to_one() -> None:
    for taps in (gaussian_taps(11, 11 / 6), box_taps(7)):
        assert sum(taps) == pytest.approx(1.0, rel=1e-15)
        assert taps == taps[::-1]

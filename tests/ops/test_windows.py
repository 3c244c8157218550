import numpy as np
import pytest
import torch
from scipy.signal import convolve2d

from imfuse.ops.windows import box_taps, filter_valid, filter_zero_padded, gaussian_taps


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


@pytest.mark.parametrize("shape", [(14, 17), (3, 30), (1, 1)])
def test_zeros_outside_as_scipy_has_them_and_their_gradients(shape: tuple[int, int]) -> None:
    taps = gaussian_taps(11, 1.5)
    picture = torch.rand(2, *shape, dtype=torch.double, requires_grad=True)
    filtered = filter_zero_padded(picture, taps)
    expected = convolve2d(picture.detach()[1].numpy(), np.outer(taps, taps), mode="same")
    np.testing.assert_allclose(filtered.detach()[1].numpy(), expected, rtol=1e-12)
    assert torch.autograd.gradcheck(lambda x: filter_zero_padded(x, taps), (picture,))
    assert torch.autograd.gradgradcheck(lambda x: filter_zero_padded(x, taps).square(), (picture,))


def test_gradients_of_whole_windows() -> None:
    picture = torch.rand(1, 13, 12, dtype=torch.double, requires_grad=True)
    for taps in (gaussian_taps(11, 1.5), box_taps(8)):
        assert torch.autograd.gradcheck(lambda x, taps=taps: filter_valid(x, taps, step=2), (picture,))

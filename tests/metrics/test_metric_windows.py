import numpy as np
import pytest
import torch
from scipy.signal import convolve2d

from imfuse.metrics.windows import moments, strips
from imfuse.ops.windows import box_taps, filter_valid, gaussian_taps


@pytest.mark.parametrize("taps", [gaussian_taps(5, 1.0), box_taps(7), gaussian_taps(11, 1.5)])
@pytest.mark.parametrize("step", [1, 2])
@pytest.mark.parametrize("wanted", [False, True])
def test_filter_equals_convolution(taps: list[float], step: int, wanted: bool) -> None:
    pictures = torch.rand(2, 3, 17, 22, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    filtered = filter_valid(pictures.transpose(0, 1).requires_grad_(wanted), taps, step).detach()
    window = np.outer(taps, taps)
    for i, j in np.ndindex(3, 2):
        expected = convolve2d(pictures[j, i].detach().numpy(), window, mode="valid")[::step, ::step]
        np.testing.assert_allclose(filtered[i, j].numpy(), expected, rtol=1e-12)


def test_moments_of_a_window_are_those_of_its_pixels() -> None:
    fused, first, second = np.random.default_rng(0).random((3, 7, 7))
    pictures = torch.from_numpy(np.stack([fused, first, second]))
    local = moments(pictures, box_taps(7))
    np.testing.assert_allclose(local.means.flatten(), [x.mean() for x in (fused, first, second)])
    np.testing.assert_allclose(local.variances.flatten(), [x.var() for x in (fused, first, second)])
    expected = [np.cov(x.ravel(), fused.ravel(), bias=True)[0, 1] for x in (first, second)]
    np.testing.assert_allclose(local.covariances.flatten(), expected)


@pytest.mark.parametrize("height", [5, 16, 17, 90])
def test_strips_hold_every_window_once(height: int) -> None:
    picture = torch.arange(height, dtype=torch.float64).view(1, height, 1).expand(1, height, 4000)
    centres = [strip[0, 0, 2:-2, 0] for strip in strips([picture, picture], 5)]
    assert torch.equal(torch.cat(centres), torch.arange(2, height - 2, dtype=torch.float64))

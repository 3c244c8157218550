import math

import numpy as np
import pytest
import torch

from imfuse.errors import UsageError
from imfuse.ops.resampling import (
    BICUBIC_REACH,
    BILINEAR_REACH,
    DOWNSAMPLING_REACH,
    area_average,
    downsample,
    gaussian_downsample,
    upsample_bicubic,
    upsample_bilinear,
    whole_scale,
    with_averages,
)

SCALES = [1, 2, 3, 4, 8]


def positions(length: int, scale: int) -> torch.Tensor:
    """Where the centres of fine pixels lie on the coarse grid."""
    return (torch.arange(length * scale, dtype=torch.double) + 0.5) / scale - 0.5


@pytest.mark.parametrize("scale", SCALES)
def test_area_average_is_the_mean_of_each_block(scale: int) -> None:
    x = torch.rand(2, 3, 3 * scale, 5 * scale, dtype=torch.double)
    mean = area_average(x, scale)
    assert mean.shape == (2, 3, 3, 5)
    for i, j in np.ndindex(3, 5):
        block = x[:, :, scale * i : scale * (i + 1), scale * j : scale * (j + 1)]
        torch.testing.assert_close(mean[:, :, i, j], block.mean((-2, -1)))


@pytest.mark.parametrize("scale", SCALES)
def test_upsampling_gives_a_plane_and_a_parabola_back(scale: int) -> None:
    rows, columns = torch.meshgrid(*[torch.arange(n, dtype=torch.double) for n in (9, 11)], indexing="ij")
    tall, wide = torch.meshgrid(positions(9, scale), positions(11, scale), indexing="ij")
    inside = (..., slice(2 * scale, -2 * scale), slice(2 * scale, -2 * scale))
    for surface in (lambda y, x: 0.3 * y - 0.7 * x + 2, lambda y, x: y * y - 0.5 * x * x + x * y):
        upsampled = upsample_bicubic(surface(rows, columns)[None, None], scale)[0, 0]
        torch.testing.assert_close(upsampled[inside], surface(tall, wide)[inside])


@pytest.mark.parametrize("scale", SCALES)
def test_upsampling_is_keys_kernel_at_half_pixel_centres(scale: int) -> None:
    def keys(t: float, a: float = -0.5) -> float:
        t = abs(t)
        if t < 1:
            return (a + 2) * t**3 - (a + 3) * t**2 + 1
        return a * t**3 - 5 * a * t**2 + 8 * a * t - 4 * a if t < 2 else 0.0

    row = torch.rand(1, 1, 1, 7, dtype=torch.double)
    taps = torch.tensor([[keys(float(p) - k) for k in range(7)] for p in positions(7, scale)], dtype=torch.double)
    taps /= taps.sum(1, keepdim=True)  # those beyond the border are left out
    expected = (taps @ row[0, 0, 0]).expand(scale, -1)
    torch.testing.assert_close(upsample_bicubic(row, scale)[0, 0], expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("degradation", ["area", "gaussian"])
def test_footprints_coincide(scale: int, degradation: str) -> None:
    """A smooth picture comes back from up and down unmoved, and down and up again."""
    y, x = torch.meshgrid(*[torch.arange(n, dtype=torch.double) for n in (40, 36)], indexing="ij")
    smooth = (0.5 + 0.3 * torch.sin(y / 9) * torch.cos(x / 11 + 0.4))[None, None]
    back = downsample(upsample_bicubic(smooth, scale), scale, degradation)
    inside = (..., slice(3, -3), slice(3, -3))
    # A shift by a tenth of a pixel would change values by up to 3e-3.
    torch.testing.assert_close(back[inside], smooth[inside], atol=1e-3, rtol=0)
    ramp = positions(36, scale).expand(1, 1, 36 * scale, -1)
    expected = torch.arange(2, 34).double().expand(1, 1, 36, -1)
    torch.testing.assert_close(downsample(ramp, scale, degradation)[..., 2:-2], expected)


@pytest.mark.parametrize("scale", SCALES)
def test_resampling_commutes_with_mirrors(scale: int) -> None:
    x = torch.rand(1, 2, 5 * scale, 7 * scale, dtype=torch.double)
    for change in (area_average, gaussian_downsample, upsample_bicubic, upsample_bilinear):
        changed = change(x, scale)
        torch.testing.assert_close(change(x.flip(-1, -2), scale), changed.flip(-1, -2))
        torch.testing.assert_close(change(x.mT, scale), changed.mT)
        torch.testing.assert_close(change(torch.full_like(x, 0.7), scale), torch.full_like(changed, 0.7))


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("sigma", [None, 0.4, 3.0])
def test_gaussian_is_the_sum_of_weighted_pixels(scale: int, sigma: float | None) -> None:
    x = torch.rand(1, 1, 4 * scale, 3 * scale, dtype=torch.double)
    deviation = scale / math.sqrt(8 * math.log(2)) if sigma is None else sigma
    reach = max(scale / 2, 3 * deviation) + 1
    expected = torch.zeros(4, 3, dtype=torch.double)
    for i, j in np.ndindex(4, 3):
        total = 0.0
        centre = scale * i + (scale - 1) / 2, scale * j + (scale - 1) / 2
        span = range(-int(reach) - scale, int(reach) + 5 * scale)
        for y in span:
            for z in span:
                away = abs(y - centre[0]), abs(z - centre[1])
                # Whole taps: the last one is the first that lies at 3σ or beyond, from half a pixel before.
                limit = scale / 2 + max(0, math.ceil(3 * deviation - scale / 2))
                if max(away) < limit:
                    weight = math.exp(-0.5 * (away[0] ** 2 + away[1] ** 2) / deviation**2)
                    pixel = x[0, 0, min(max(y, 0), 4 * scale - 1), min(max(z, 0), 3 * scale - 1)]
                    expected[i, j] += weight * pixel
                    total += weight
        expected[i, j] /= total
    torch.testing.assert_close(gaussian_downsample(x, scale, sigma)[0, 0], expected)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("degradation", ["area", "gaussian"])
def test_reach_is_what_a_changed_pixel_shows(scale: int, degradation: str) -> None:
    x = torch.rand(1, 1, 11 * scale, 11 * scale, dtype=torch.double)
    other = x.clone()
    other[..., 5 * scale : 6 * scale, 5 * scale : 6 * scale] += 1
    touched = (downsample(x, scale, degradation) != downsample(other, scale, degradation))[0, 0].nonzero() - 5
    assert touched.abs().max() == DOWNSAMPLING_REACH[degradation]
    low = torch.rand(1, 1, 11, 11, dtype=torch.double)
    other = low.clone()
    other[..., 5, 5] += 1
    changed = (upsample_bicubic(low, scale) != upsample_bicubic(other, scale))[0, 0].nonzero()
    assert (changed.div(scale, rounding_mode="floor") - 5).abs().max() <= BICUBIC_REACH
    changed = (upsample_bilinear(low, scale) != upsample_bilinear(other, scale))[0, 0].nonzero()
    assert (changed.div(scale, rounding_mode="floor") - 5).abs().max() == (BILINEAR_REACH if scale > 1 else 0)


def test_gradients_in_float64() -> None:
    x = torch.rand(1, 2, 4, 6, dtype=torch.double, requires_grad=True)
    for change in (area_average, gaussian_downsample, upsample_bicubic, upsample_bilinear):
        assert torch.autograd.gradcheck(lambda v, change=change: change(v, 2), x)
    low = torch.rand(1, 2, 2, 3, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(with_averages, (x, low))


@pytest.mark.parametrize("scale", SCALES)
def test_linear_interpolation_gives_planes_back(scale: int) -> None:
    plane = torch.arange(5, dtype=torch.double)[:, None] * 0.3 - torch.arange(7, dtype=torch.double) * 0.7
    rows, columns = (positions(n, scale).clamp(0, n - 1) for n in (5, 7))
    torch.testing.assert_close(upsample_bilinear(plane[None, None], scale)[0, 0], rows[:, None] * 0.3 - columns * 0.7)


@pytest.mark.parametrize("scale", SCALES)
def test_averages_are_imposed_exactly_and_smoothly(scale: int) -> None:
    x = torch.rand(2, 3, 5 * scale, 7 * scale, dtype=torch.double)
    low = torch.rand(2, 3, 5, 7, dtype=torch.double)
    imposed = with_averages(x, low)
    torch.testing.assert_close(area_average(imposed, scale), low)
    torch.testing.assert_close(with_averages(imposed, low), imposed)  # it is a projection
    # A ramp that is missing altogether comes back as one, without steps between the blocks.
    ramp = positions(12, scale).expand(1, 1, scale * 12, -1)
    found = with_averages(torch.zeros_like(ramp), area_average(ramp, scale))
    inside = (..., slice(3 * scale, -3 * scale))
    torch.testing.assert_close(found[inside], ramp[inside])
    with pytest.raises(UsageError, match="no averages of a picture of"):
        with_averages(x[..., 1:] if scale == 1 else x[..., 1:, :], low)


@pytest.mark.parametrize(
    ("low", "high", "scale"), [((2, 3), (8, 12), 4), ((2, 3), (8, 9), None), ((8, 8), (2, 2), None)]
)
def test_the_scale_is_one_whole_number(low: tuple[int, int], high: tuple[int, int], scale: int | None) -> None:
    assert whole_scale(torch.zeros(1, 1, *low), torch.zeros(1, 2, *high)) == scale


def test_what_does_not_fit_is_told_with_a_way_out() -> None:
    x = torch.rand(1, 1, 9, 8)
    for change in (area_average, gaussian_downsample):
        with pytest.raises(UsageError, match=r"4×4 pixels do not fill a picture of 9×8: crop it to 8×8"):
            change(x, 4)
        with pytest.raises(UsageError, match="scale is 0"):
            change(x, 0)
    with pytest.raises(UsageError, match="must be positive"):
        gaussian_downsample(x, 1, 0.0)
    with pytest.raises(UsageError, match="choose one of area, gaussian"):
        downsample(x, 1, "box")

import math

import numpy as np
import pytest
import torch
from scipy import ndimage, special, stats
from torch import Tensor

from imfuse.metrics.blind.scene_statistics import (
    fit_asymmetric_gaussian,
    normalise,
    rounded_levels,
)


def samples_of(shape: float, left: float, right: float, side: int = 400) -> Tensor:
    """Samples of the distribution ∝ exp(−(|x|/β)^α) with β left of 0 and another right of it."""
    rng = np.random.default_rng(11)
    sign = np.where(rng.random(side * side) < left / (left + right), -left, right)
    magnitude = stats.gamma.rvs(1.0 / shape, size=side * side, random_state=rng) ** (1.0 / shape)
    return torch.from_numpy((sign * magnitude).reshape(1, side, side))


@pytest.mark.parametrize("shape", [0.5, 1.0, 2.0, 4.0])
@pytest.mark.parametrize(("left", "right"), [(1.0, 1.0), (0.3, 0.7)])
def test_fit_recovers_what_was_drawn(shape: float, left: float, right: float) -> None:
    samples = samples_of(shape, left, right)
    fit = fit_asymmetric_gaussian(samples)
    assert fit.shape.item() == pytest.approx(shape, rel=0.03)
    assert [scale.item() for scale in fit.scales()] == pytest.approx([left, right], rel=0.03)
    spread = math.sqrt(special.gamma(3 / shape) / special.gamma(1 / shape))
    assert fit.left.item() == pytest.approx(left * spread, rel=0.02)
    assert fit.right.item() == pytest.approx(right * spread, rel=0.02)
    assert fit.mean().item() == pytest.approx(samples.mean().item(), abs=0.02 * spread)


def test_fit_matches_the_moment_on_the_grid() -> None:
    samples = samples_of(1.3, 0.4, 0.9, side=60)
    values = samples.numpy().ravel()
    left, right = (math.sqrt((values[side] ** 2).mean()) for side in (values < 0, values > 0))
    g = left / right
    ratio = np.abs(values).mean() ** 2 / (values**2).mean() * (g**3 + 1) * (g + 1) / (g**2 + 1) ** 2
    grid = np.arange(0.2, 10.0005, 0.001)
    r = special.gamma(2 / grid) ** 2 / (special.gamma(1 / grid) * special.gamma(3 / grid))
    assert fit_asymmetric_gaussian(samples).shape.item() == pytest.approx(grid[np.abs(r - ratio).argmin()], abs=1e-9)


def test_fit_of_scaled_mirrored_and_padded_samples() -> None:
    samples = samples_of(1.3, 0.4, 0.9, side=60)
    fit = fit_asymmetric_gaussian(samples)
    scaled = fit_asymmetric_gaussian(-3.0 * samples)
    assert torch.equal(scaled.shape, fit.shape)
    torch.testing.assert_close((scaled.left, scaled.right), (3.0 * fit.right, 3.0 * fit.left))
    zeros = torch.nn.functional.pad(samples, (0, 9, 4, 0))
    padded, counted = fit_asymmetric_gaussian(zeros), fit_asymmetric_gaussian(samples, zeros[0].numel())
    torch.testing.assert_close(vars(padded), vars(counted))
    assert padded.shape < fit.shape


def test_fit_at_the_ends_of_the_grid_and_without_two_signs() -> None:
    even = torch.tensor([1.0, -1.0], dtype=torch.float64).repeat(1, 8, 8)
    assert fit_asymmetric_gaussian(even).shape.item() == pytest.approx(10.0)
    spike = torch.zeros(1, 100, 100, dtype=torch.float64)
    spike[0, 0, :2] = torch.tensor([1.0, -1.0])
    assert fit_asymmetric_gaussian(spike).shape.item() == pytest.approx(0.2)
    for flat in (torch.zeros(1, 8, 8).double(), torch.ones(1, 8, 8).double()):
        fit = fit_asymmetric_gaussian(flat)
        assert fit.shape.item() == pytest.approx(0.2)
        assert fit.left.isnan().all()


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (31, 18)])
def test_normalise_is_its_equation(size: tuple[int, int]) -> None:
    levels = np.random.default_rng(2).integers(0, 256, size).astype(float)
    offsets = np.arange(-3, 4)
    window = np.exp(-(offsets[:, None] ** 2 + offsets**2) / (2 * (7 / 6) ** 2))
    window /= window.sum()
    mean = ndimage.correlate(levels, window, mode="nearest")
    deviation = np.sqrt(np.abs(ndimage.correlate(levels**2, window, mode="nearest") - mean**2))
    normalised, spread = normalise(torch.from_numpy(levels)[None])
    np.testing.assert_allclose(spread[0], deviation, atol=1e-5)  # roots of rounding where a pixel stands alone
    np.testing.assert_allclose(normalised[0], (levels - mean) / (deviation + 1), atol=1e-5)


def test_normalise_of_flat_and_shifted_pictures() -> None:
    for level in range(256):
        assert not normalise(torch.full((1, 9, 8), float(level), dtype=torch.float64))[0].any()
    levels = torch.randint(100, (1, 20, 30)).double()
    torch.testing.assert_close(normalise(levels + 100.0), normalise(levels), rtol=0, atol=1e-9)


def test_rounding_is_that_of_eight_bits() -> None:
    levels = torch.tensor([0.0, 0.49, 0.5, 1.5, 2.5 - 1e-13, 254.6, 255.0 + 1e-4, -1e-4], dtype=torch.float64)
    assert rounded_levels(levels).tolist() == [0, 0, 1, 2, 3, 255, 255, 0]

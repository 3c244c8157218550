import math

import numpy as np
import pytest
import torch
from torch import Tensor

from imfuse.errors import UsageError
from imfuse.metrics import hypercomplex_quality_index, relative_global_error, spectral_angle
from imfuse.metrics.hypercomplex import product_signs, sum_of_products

ALL = [spectral_angle, relative_global_error, hypercomplex_quality_index]


def cubes(*shape: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """A fused cube and its truth, whose bands resemble each other."""
    generator = torch.Generator().manual_seed(seed)
    common = torch.rand((shape[0], 1, *shape[2:]), dtype=torch.float64, generator=generator)
    truth = 0.6 * common + 0.4 * torch.rand(shape, dtype=torch.float64, generator=generator)
    return 0.85 * truth + 0.15 * torch.rand(shape, dtype=torch.float64, generator=generator), truth


def test_angle_between_known_spectra() -> None:
    truth = torch.tensor([1.0, 0.0], dtype=torch.float64).view(1, 2, 1, 1).expand(1, 2, 3, 4)
    for degrees in (1e-6, 0.5, 30.0, 89.0):
        angle = math.radians(degrees)
        fused = torch.tensor([math.cos(angle), math.sin(angle)], dtype=torch.float64).view(1, 2, 1, 1).expand_as(truth)
        assert spectral_angle(fused, truth).item() == pytest.approx(degrees, rel=1e-9)


def test_angle_ignores_brightness_and_averages_angles() -> None:
    fused, truth = cubes(2, 5, 7, 6)
    gain = torch.rand(2, 1, 7, 6, dtype=torch.float64) * 0.9 + 0.1
    expected = spectral_angle(fused, truth)
    torch.testing.assert_close(spectral_angle(fused * gain, truth), expected, rtol=1e-10, atol=0)
    f, t = fused.numpy(), truth.numpy()
    angles = np.arccos((f * t).sum(1) / np.linalg.norm(f, axis=1) / np.linalg.norm(t, axis=1))
    np.testing.assert_allclose(expected.numpy(), np.degrees(angles).mean(axis=(1, 2)), rtol=1e-9)


def test_zero_spectra() -> None:
    fused, truth = cubes(1, 3, 4, 4)
    angles = [spectral_angle(fused[..., [c]], truth[..., [c]]).item() for c in range(4)]
    no_data = truth.clone()
    no_data[..., 0] = 0.0
    assert spectral_angle(fused, no_data).item() == pytest.approx(np.mean(angles[1:]), rel=1e-10)
    hole = fused.clone()
    hole[..., 0] = 0.0
    assert spectral_angle(hole, truth).item() == pytest.approx(np.mean([90.0, *angles[1:]]), rel=1e-10)
    assert spectral_angle(fused, torch.zeros_like(truth)).item() == 0.0


def test_relative_error_of_bands_with_known_errors() -> None:
    means = torch.tensor([0.2, 0.5, 0.8], dtype=torch.float64).view(1, 3, 1, 1)
    truth = means.expand(1, 3, 6, 5)
    fused = truth * torch.tensor([1.1, 0.95, 1.0], dtype=torch.float64).view(1, 3, 1, 1)
    expected = 100 * math.sqrt((0.1**2 + 0.05**2) / 3)
    assert relative_global_error(fused, truth).item() == pytest.approx(expected / 4, rel=1e-10)
    assert relative_global_error(fused, truth, ratio=8).item() == pytest.approx(expected / 8, rel=1e-10)
    dark = truth.clone()
    dark[:, 2] = 0.0
    expected = 100 * math.sqrt((0.1**2 + 0.05**2) / 2) / 4
    assert relative_global_error(fused, dark).item() == pytest.approx(expected, rel=1e-10)
    for ratio in (0.0, -2.0, math.inf, math.nan):
        with pytest.raises(UsageError, match="positive number"):
            relative_global_error(fused, truth, ratio=ratio)


def test_torchmetrics_agrees() -> None:
    functional = pytest.importorskip("torchmetrics.functional.image")
    fused, truth = cubes(2, 6, 20, 21)
    ergas = functional.error_relative_global_dimensionless_synthesis(fused, truth, ratio=4, reduction="none")
    torch.testing.assert_close(relative_global_error(fused, truth), ergas, rtol=1e-10, atol=0)
    angle = functional.spectral_angle_mapper(fused, truth)
    assert spectral_angle(fused, truth).mean().item() == pytest.approx(math.degrees(angle), rel=1e-9)


def conjugate(number: np.ndarray) -> np.ndarray:
    return np.concatenate([number[:1], -number[1:]])


def product(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Hypercomplex product along the first axis by the authors' recursion on halves."""
    if len(x) == 1:
        return x * y
    half = len(x) // 2
    a, b, c, d = x[:half], conjugate(x[half:]), y[:half], conjugate(y[half:])
    upper = product(a, c) - product(d, conjugate(b))
    return np.concatenate([upper, product(conjugate(a), d) + product(c, b)])


def literal_q2n(fused: np.ndarray, truth: np.ndarray) -> float:
    bands, height, width = truth.shape
    extend = [(0, 0), (0, -height % 32), (0, -width % 32)]
    fused, truth = (np.pad(picture, extend, mode="symmetric") for picture in (fused, truth))
    more = 2 ** math.ceil(math.log2(bands)) - bands
    values = []
    for i in range(0, truth.shape[1], 32):
        for j in range(0, truth.shape[2], 32):
            t, f = (picture[:, i : i + 32, j : j + 32] for picture in (truth, fused))
            mean, deviation = t.mean(axis=(1, 2), keepdims=True), t.std(axis=(1, 2), ddof=1, keepdims=True)
            t, f = (np.pad((x - mean) / deviation, [(0, more), (0, 0), (0, 0)]) + 1 for x in (t, f))
            f = conjugate(f)
            t_mean, f_mean = t.mean(axis=(1, 2)), f.mean(axis=(1, 2))
            covariance = product(t, f).mean(axis=(1, 2)) - product(t_mean, f_mean)
            squares = (t_mean**2).sum() + (f_mean**2).sum()
            variances = (t**2).sum(axis=0).mean() + (f**2).sum(axis=0).mean() - squares
            bias = 2 * np.linalg.norm(t_mean) * np.linalg.norm(f_mean) / squares
            values.append(2 * np.linalg.norm(covariance) / variances * bias)
    return float(np.mean(values))


@pytest.mark.parametrize("bands", [1, 2, 3, 4, 8, 31])
@pytest.mark.parametrize("shape", [(64, 32), (33, 50)])
def test_q2n_by_brute_force(bands: int, shape: tuple[int, int]) -> None:
    fused, truth = cubes(2, bands, *shape, seed=bands)
    expected = [literal_q2n(f, t) for f, t in zip(fused.numpy(), truth.numpy(), strict=True)]
    assert hypercomplex_quality_index(fused, truth).tolist() == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("size", [1, 2, 4, 8])
def test_lengths_multiply(size: int) -> None:
    x, y = (torch.randn(size, dtype=torch.float64, generator=torch.Generator().manual_seed(s)) for s in (1, 2))
    assert sum_of_products(torch.outer(x, y)).norm().item() == pytest.approx((x.norm() * y.norm()).item(), rel=1e-12)


@pytest.mark.parametrize("size", [1, 2, 4, 8, 16, 32])
def test_signs_are_those_of_the_recursion(size: int) -> None:
    units, numbers = np.eye(size), np.arange(size)
    # All products at once: component i of e_j · e_k at [i, j, k].
    first, second = (np.broadcast_to(part, (size,) * 3) for part in (units[:, :, None], units[:, None, :]))
    expected = product_signs(size).numpy() * (numbers[:, None, None] == numbers[:, None] ^ numbers)
    np.testing.assert_array_equal(product(first, second), expected)


@pytest.mark.parametrize("size", [1, 2, 4, 8, 16, 32])
def test_a_number_times_its_conjugate_has_its_squared_length(size: int) -> None:
    x = torch.randn(size, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    assert sum_of_products(torch.outer(x, x)).norm().item() == pytest.approx(x.square().sum().item(), rel=1e-12)


def test_two_bands_are_complex_numbers() -> None:
    fused, truth = cubes(1, 2, 32, 32)
    mean, deviation = truth.mean(dim=(2, 3), keepdim=True), truth.std(dim=(2, 3), keepdim=True)
    z, w = (torch.complex(*((x - mean) / deviation + 1)[0]).flatten() for x in (truth, fused))
    covariance = (z * w.conj()).mean() - z.mean() * w.mean().conj()
    variances = z.abs().square().mean() - z.mean().abs() ** 2 + w.abs().square().mean() - w.mean().abs() ** 2
    bias = 2 * z.mean().abs() * w.mean().abs() / (z.mean().abs() ** 2 + w.mean().abs() ** 2)
    expected = (2 * covariance.abs() / variances * bias).item()
    assert hypercomplex_quality_index(fused, truth).item() == pytest.approx(expected, rel=1e-11)


def test_q2n_ignores_gain_and_offset_of_a_band() -> None:
    fused, truth = cubes(1, 4, 40, 37)
    gain = torch.tensor([0.9, 0.5, 0.2, 0.7], dtype=torch.float64).view(1, 4, 1, 1)
    expected = hypercomplex_quality_index(fused, truth).item()
    assert hypercomplex_quality_index(fused * gain + 0.05, truth * gain + 0.05).item() == pytest.approx(expected)
    assert hypercomplex_quality_index(fused * 0.8, truth).item() < expected


def test_q2n_of_constant_blocks() -> None:
    flat = torch.full((1, 3, 32, 32), 0.3, dtype=torch.float64)
    fused, truth = cubes(1, 3, 32, 32)
    assert hypercomplex_quality_index(flat, flat.clone()).item() == pytest.approx(1.0, rel=1e-12)
    assert hypercomplex_quality_index(fused, flat).item() < 1e-6
    assert hypercomplex_quality_index(flat, truth).item() == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("function", ALL)
def test_equal_cubes(function) -> None:
    _, truth = cubes(2, 5, 40, 33)
    best = 1.0 if function is hypercomplex_quality_index else 0.0
    assert function(truth, truth.clone()).tolist() == pytest.approx([best, best], abs=1e-12)


@pytest.mark.parametrize("function", ALL)
def test_gradients(function) -> None:
    pictures = [picture.requires_grad_() for picture in cubes(1, 3, 32, 33)]
    assert torch.autograd.gradcheck(function, pictures, fast_mode=True)


@pytest.mark.parametrize("function", ALL)
def test_gradients_of_flat_and_black_pictures_are_finite(function) -> None:
    for fused_level, truth_level in ((0.5, 0.5), (0.5, 0.0), (0.0, 0.5), (0.0, 0.0)):
        levels = (fused_level, truth_level)
        fused, truth = (torch.full((1, 2, 32, 32), v, dtype=torch.float64, requires_grad=True) for v in levels)
        function(fused, truth).sum().backward()
        for picture in (fused, truth):
            assert picture.grad is not None
            assert picture.grad.isfinite().all()


def test_smallest_size_of_q2n() -> None:
    with pytest.raises(UsageError, match="Q2n needs pictures of at least 32×32 pixels, but these have 32×31"):
        hypercomplex_quality_index(torch.zeros(1, 4, 32, 31), torch.zeros(1, 4, 32, 31))

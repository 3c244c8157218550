import numpy as np
import pytest
import torch
from scipy import ndimage

from imfuse.ops.filters import box_laplacian, box_mean, correlate, gaussian_blur, laplacian

SIZES = [(1, 1), (1, 6), (2, 2), (7, 5), (23, 31)]


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_correlate_is_the_sum_of_shifted_products(height: int, width: int) -> None:
    torch.manual_seed(0)
    x = torch.rand(2, 2, height, width, dtype=torch.double)
    kernel, bias = torch.randn(5, 5, dtype=torch.double), torch.tensor(0.3, dtype=torch.double)
    padded = np.pad(x.numpy(), ((0, 0), (0, 0), (2, 2), (2, 2)), mode="reflect")
    expected = 0.3 + sum(
        float(kernel[i, j]) * padded[..., i : i + height, j : j + width] for i in range(5) for j in range(5)
    )
    np.testing.assert_allclose(correlate(x, kernel, bias).numpy(), expected, atol=1e-12)
    with_gradient = correlate(x.requires_grad_(), kernel, bias)
    np.testing.assert_allclose(with_gradient.detach().numpy(), expected, atol=1e-12)


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize("size", [3, 11])
def test_box_mean_is_scipys_on_both_paths(height: int, width: int, size: int) -> None:
    x = torch.rand(1, 1, height, width, dtype=torch.double)
    expected = ndimage.uniform_filter(x[0, 0].numpy(), size, mode="mirror")
    np.testing.assert_allclose(box_mean(x, size)[0, 0].numpy(), expected, atol=1e-12)
    np.testing.assert_allclose(box_mean(x.requires_grad_(), size)[0, 0].detach().numpy(), expected, atol=1e-12)


def test_box_laplacian_has_the_taps_it_is_named_for() -> None:
    size = 5
    taps = np.ones((size, size))
    taps[2, 2] = 1 - size**2
    x = torch.rand(1, 1, 12, 9, dtype=torch.double)
    expected = ndimage.correlate(x[0, 0].numpy(), taps / np.abs(taps).sum(), mode="mirror")
    np.testing.assert_allclose(box_laplacian(x, size)[0, 0].numpy(), expected, atol=1e-12)


def test_gradients_in_float64() -> None:
    x = torch.rand(2, 1, 6, 7, dtype=torch.double, requires_grad=True)
    kernel = torch.randn(5, 5, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(correlate, (x, kernel))
    assert torch.autograd.gradcheck(lambda v: box_laplacian(v, 3), x)


@pytest.mark.parametrize("size", [(1, 1), (2, 5), (20, 17)])
def test_the_laplacian_is_the_neighbours_less_the_pixel(size: tuple[int, int]) -> None:
    picture = torch.rand(2, 3, *size, dtype=torch.double)
    taps = np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]], float)[None, None]
    expected = ndimage.correlate(picture.numpy(), taps, mode="mirror")
    np.testing.assert_allclose(laplacian(picture).numpy(), expected, atol=1e-14)


@pytest.mark.parametrize("level", [0.1, 77 / 255, 1.0])
def test_the_laplacian_of_a_flat_picture_is_zero_to_the_last_bit(level: float) -> None:
    assert not laplacian(torch.full((1, 1, 9, 8), level)).any()


@pytest.mark.parametrize("recorded", [False, True])
@pytest.mark.parametrize("size", [(1, 1), (4, 9), (23, 30)])
def test_the_gaussian_blur_is_separable_samples_of_the_bell(size: tuple[int, int], recorded: bool) -> None:
    picture = torch.rand(2, 2, *size, dtype=torch.double)
    bell = np.exp(-0.5 * (np.arange(-5, 6) / 2.5) ** 2)
    taps = np.outer(bell, bell) / bell.sum() ** 2
    expected = ndimage.correlate(picture.numpy(), taps[None, None], mode="mirror")
    found = gaussian_blur(picture.requires_grad_(recorded), 11, 2.5)
    np.testing.assert_allclose(found.detach().numpy(), expected, atol=1e-12)

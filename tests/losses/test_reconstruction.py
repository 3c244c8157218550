"""The reconstruction loss against NumPy and scikit-image."""

import numpy as np
import pytest
import torch
from scipy import ndimage
from skimage.metrics import structural_similarity

from imfuse.losses.reconstruction import reconstruction_loss


def pictures(batch: int, height: int, width: int) -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    picture = torch.rand(batch, 1, height, width, dtype=torch.double)
    return (picture + 0.2 * torch.randn_like(picture)).clamp(0, 1), picture


def literal_ssim(x: np.ndarray, y: np.ndarray) -> float:
    """Wang et al. 2004, Eq. 13 with an 11×11 Gaussian of deviation 1.5, over whole windows."""
    taps = np.exp(-0.5 * (np.arange(-5, 6) / 1.5) ** 2)
    window = np.outer(taps, taps) / taps.sum() ** 2

    def mean(z: np.ndarray) -> np.ndarray:
        return ndimage.correlate(z, window)[5:-5, 5:-5]

    mx, my = mean(x), mean(y)
    vx, vy, cov = mean(x * x) - mx**2, mean(y * y) - my**2, mean(x * y) - mx * my
    c1, c2 = 0.01**2, 0.03**2
    return float((((2 * mx * my + c1) * (2 * cov + c2)) / ((mx**2 + my**2 + c1) * (vx + vy + c2))).mean())


@pytest.mark.parametrize("weight", [None, 0.0, 1.0, 7.5])
@pytest.mark.parametrize(("batch", "height", "width"), [(1, 11, 11), (1, 40, 33), (3, 19, 26)])
def test_it_is_the_squared_error_and_half_the_weighted_dissimilarity(
    batch: int, height: int, width: int, weight: float | None
) -> None:
    reconstruction, picture = pictures(batch, height, width)
    pairs = list(zip(reconstruction.numpy()[:, 0], picture.numpy()[:, 0], strict=True))
    squared = np.mean([(x - y) ** 2 for x, y in pairs])
    published = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 1.0}
    scikit = np.mean([structural_similarity(x, y, **published) for x, y in pairs])
    literal = np.mean([literal_ssim(x, y) for x, y in pairs])
    options = {} if weight is None else {"ssim_weight": weight}
    loss = reconstruction_loss(reconstruction, picture, **options).item()
    mu = 5.0 if weight is None else weight
    assert loss == pytest.approx(squared + mu * (1 - literal) / 2, abs=1e-12)
    assert loss == pytest.approx(squared + mu * (1 - scikit) / 2, abs=1e-12)


def test_it_is_zero_for_equal_pictures_alone() -> None:
    reconstruction, picture = pictures(2, 16, 21)
    assert abs(reconstruction_loss(picture, picture.clone()).item()) < 1e-12
    assert reconstruction_loss(reconstruction, picture).item() > 0.1


def test_its_gradient_in_float64_is_that_of_differences() -> None:
    reconstruction, picture = pictures(1, 13, 13)
    reconstruction.requires_grad_()
    assert torch.autograd.gradcheck(reconstruction_loss, (reconstruction, picture))


def test_a_perfect_reconstruction_is_a_minimum() -> None:
    _, picture = pictures(1, 15, 14)
    reconstruction = picture.clone().requires_grad_()
    reconstruction_loss(reconstruction, picture).backward()
    assert reconstruction.grad.abs().max() < 1e-12

import math

import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio
from skimage.metrics import structural_similarity as skimage_ssim
from torch import Tensor

from imfuse.errors import UsageError
from imfuse.metrics import (
    evaluate,
    peak_signal_to_noise_ratio,
    root_mean_square_error,
    structural_similarity,
    universal_quality_index,
)
from imfuse.metrics.truth import quality_index_map

ALL = [peak_signal_to_noise_ratio, root_mean_square_error, structural_similarity, universal_quality_index]


def pair(*shape: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    truth = torch.rand(shape, dtype=torch.float64, generator=generator)
    return (0.8 * truth + 0.2 * torch.rand(shape, dtype=torch.float64, generator=generator)), truth


def test_a_constant_error() -> None:
    truth = torch.full((2, 3, 12, 13), 0.5, dtype=torch.float64)
    fused = truth + torch.tensor([0.1, 0.01]).view(2, 1, 1, 1)
    assert root_mean_square_error(fused, truth).tolist() == pytest.approx([0.1, 0.01], rel=1e-6)
    assert peak_signal_to_noise_ratio(fused, truth).tolist() == pytest.approx([20.0, 40.0], rel=1e-6)


def test_one_error_for_all_bands_is_not_the_mean_of_the_bands() -> None:
    truth = torch.zeros(1, 2, 4, 4, dtype=torch.float64)
    fused = truth.clone()
    fused[:, 0] = 0.1
    assert peak_signal_to_noise_ratio(fused, truth).item() == pytest.approx(20 + 10 * math.log10(2), rel=1e-12)


def test_the_peak_is_the_range_and_not_the_brightest_pixel() -> None:
    fused, truth = (picture / 2 for picture in pair(1, 3, 12, 13))
    expected = peak_signal_noise_ratio(truth.numpy(), fused.numpy(), data_range=1.0)
    assert peak_signal_to_noise_ratio(fused, truth).item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("bands", [1, 3, 5])
def test_ssim_is_scikit_images(bands: int) -> None:
    fused, truth = pair(1, bands, 23, 31)
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 1.0, "full": True}
    _, full = skimage_ssim(truth.numpy()[0], fused.numpy()[0], channel_axis=0, **options)
    assert structural_similarity(fused, truth).item() == pytest.approx(full[:, 5:-5, 5:-5].mean(), rel=1e-9)


def test_uiqi_by_brute_force() -> None:
    fused, truth = pair(1, 2, 11, 14)
    values = []
    for f, t in zip(fused.numpy()[0], truth.numpy()[0], strict=True):
        for i in range(4):
            for j in range(7):
                x, y = f[i : i + 8, j : j + 8].ravel(), t[i : i + 8, j : j + 8].ravel()
                (a, c), (_, b) = np.cov(x, y)
                values.append(4 * c * x.mean() * y.mean() / ((a + b) * (x.mean() ** 2 + y.mean() ** 2)))
    assert universal_quality_index(fused, truth).item() == pytest.approx(np.mean(values), rel=1e-11)


def test_uiqi_of_constant_windows() -> None:
    half, black = torch.full((1, 1, 9, 9), 0.5), torch.zeros(1, 1, 9, 9)
    assert universal_quality_index(half, half).item() == 1.0
    assert universal_quality_index(black, black).item() == 1.0
    assert universal_quality_index(half / 2, half).item() == pytest.approx(2 * 0.5 / 1.25, rel=1e-12)
    assert universal_quality_index(black, half).item() == 0.0


def test_torchmetrics_agrees() -> None:
    functional = pytest.importorskip("torchmetrics.functional.image")
    fused, truth = pair(3, 4, 40, 35)
    psnr = functional.peak_signal_noise_ratio(fused, truth, data_range=1.0, reduction="none", dim=(1, 2, 3))
    # Theirs is partly in single precision.
    torch.testing.assert_close(peak_signal_to_noise_ratio(fused, truth), psnr, rtol=1e-6, atol=0)
    # Their mean counts windows over the reflected border, ours and the authors' does not.
    options = {"data_range": 1.0, "reduction": "none", "return_full_image": True}
    _, full = functional.structural_similarity_index_measure(fused, truth, **options)
    inside = full[..., 5:-5, 5:-5].mean(dim=(1, 2, 3))
    torch.testing.assert_close(structural_similarity(fused, truth), inside, rtol=1e-9, atol=0)
    # Its windows are Gaussian and odd: a very wide one is a box.
    theirs = functional.universal_image_quality_index(fused, truth, kernel_size=(7, 7), sigma=(1e6, 1e6))
    ours = torch.stack([quality_index_map(fused[:, [c]], truth[:, [c]], window=7).mean() for c in range(4)]).mean()
    assert ours.item() == pytest.approx(theirs.item(), rel=1e-9)


@pytest.mark.parametrize("function", ALL)
def test_equal_pictures(function) -> None:
    _, truth = pair(2, 3, 14, 15)
    best = {peak_signal_to_noise_ratio: math.inf, root_mean_square_error: 0.0}.get(function, 1.0)
    assert function(truth, truth.clone()).tolist() == pytest.approx([best, best], rel=1e-12)


@pytest.mark.parametrize("function", ALL)
def test_symmetries(function) -> None:
    fused, truth = pair(1, 3, 14, 15)
    expected = function(fused, truth).item()
    assert function(truth, fused).item() == pytest.approx(expected, rel=1e-10)
    assert function(fused.flip(1), truth.flip(1)).item() == pytest.approx(expected, rel=1e-10)
    assert function(fused.mT.flip(-1), truth.mT.flip(-1)).item() == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("function", ALL)
def test_gradients(function) -> None:
    pictures = [picture.requires_grad_() for picture in pair(2, 2, 12, 13)]
    assert torch.autograd.gradcheck(function, pictures, fast_mode=True)


@pytest.mark.parametrize("function", [structural_similarity, universal_quality_index, root_mean_square_error])
def test_gradients_of_equal_flat_pictures_are_finite(function) -> None:
    fused = torch.full((1, 1, 12, 12), 0.5, dtype=torch.float64, requires_grad=True)
    function(fused, fused.detach()).sum().backward()
    assert fused.grad is not None
    assert fused.grad.isfinite().all()


def test_unfit_pictures() -> None:
    picture = torch.zeros(1, 3, 12, 12)
    for function in ALL:
        with pytest.raises(UsageError, match=r"the truth has shape \(1, 1, 12, 12\)"):
            function(picture, picture[:, :1])
    with pytest.raises(UsageError, match="SSIM needs pictures of at least 11×11"):
        structural_similarity(picture[..., :10], picture[..., :10])
    with pytest.raises(UsageError, match="UIQI needs pictures of at least 8×8"):
        universal_quality_index(picture[..., :7, :], picture[..., :7, :])
    with pytest.raises(UsageError, match="ground truth, but none was given"):
        evaluate(picture, [picture], ["uiqi"])

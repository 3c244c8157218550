"""The MEF-SSIM loss against the metric, and its gradients."""

import pytest
import torch
from torch import Tensor

from imfuse.losses.mef_similarity import mef_ssim_loss
from imfuse.metrics import mef_ssim_with_luminance


def scene(batch: int, count: int, height: int, width: int) -> tuple[Tensor, Tensor]:
    """A fused picture (B, 1, H, W) and its exposures (B, K, H, W)."""
    torch.manual_seed(height + width)
    exposures = torch.rand(batch, count, height, width, dtype=torch.double)
    return exposures.mean(1, keepdim=True), exposures


def test_it_is_one_minus_the_metric() -> None:
    fused, exposures = scene(3, 4, 30, 27)
    expected = 1 - mef_ssim_with_luminance(fused, exposures.split(1, dim=1)).mean()
    torch.testing.assert_close(mef_ssim_loss(fused, exposures), expected)


def test_a_picture_like_its_only_exposure_loses_nothing() -> None:
    _, exposures = scene(2, 1, 25, 31)
    assert float(mef_ssim_loss(exposures, exposures)) == pytest.approx(0, abs=1e-12)
    means = exposures.mean((2, 3))
    assert float(mef_ssim_loss(exposures, exposures, means)) == pytest.approx(0, abs=1e-12)
    # μ and σ of what is half as bright: (2·½ + …)/(1 + ¼ + …) of each, near 0.8.
    assert 0.3 < float(mef_ssim_loss(exposures / 2, exposures)) < 0.4


def test_a_crop_is_scored_as_the_middle_of_its_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    """A crop with the means of its whole picture has the maps that the picture has there."""
    from imfuse.ops.exposure_similarity import crop_exposure_similarity, gray_exposure_similarity
    from imfuse.ops.windows import filter_zero_padded, gaussian_taps

    fused, exposures = scene(1, 3, 60, 50)
    sources = exposures.split(1, dim=1)
    whole = gray_exposure_similarity(fused, sources)
    means = [filter_zero_padded(s, gaussian_taps(11, 11 / 6)).mean((2, 3), keepdim=True) for s in sources]
    part = (..., slice(12, 40), slice(9, 33))
    maps = crop_exposure_similarity(fused[part], [s[part] for s in sources], means)
    for crop, picture in zip(maps, whole, strict=True):
        torch.testing.assert_close(crop, picture[..., 17:35, 14:28])


@pytest.mark.parametrize("inside", [False, True])
def test_gradients_flow_through_the_fused_picture_and_are_right(inside: bool) -> None:
    fused, exposures = scene(2, 3, 13, 12)
    means = exposures.mean((2, 3)) if inside else None
    fused = fused.clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda f: mef_ssim_loss(f, exposures, means), (fused,))


def test_no_exposure_gets_a_gradient_that_does_not_ask_for_one() -> None:
    fused, exposures = scene(1, 3, 20, 20)
    loss = mef_ssim_loss(fused.requires_grad_(), exposures)
    loss.backward()
    assert exposures.grad is None
    assert fused.grad is not None
    assert fused.grad.abs().max() > 0

import numpy as np
import pytest
import torch

from imfuse.data.wald import WaldProtocol
from imfuse.errors import DataError, UsageError
from imfuse.ops.colour import linear_to_srgb, srgb_to_linear
from imfuse.ops.resampling import area_average, gaussian_downsample


@pytest.mark.parametrize("scale", [1, 2, 3, 4, 8])
def test_every_coarse_pixel_covers_its_own_block_exactly(scale: int) -> None:
    truth, guide = torch.rand(2, 5, 3 * scale, 4 * scale), torch.rand(2, 3, 3 * scale, 4 * scale)
    low, same_guide, same_truth = WaldProtocol(scale).example(truth, guide)
    assert torch.equal(same_guide, guide)
    assert torch.equal(same_truth, truth)
    for i, j in np.ndindex(3, 4):
        marked = truth.clone()
        marked[..., scale * i : scale * (i + 1), scale * j : scale * (j + 1)] += 1
        change = WaldProtocol(scale).coarse(marked) - low
        expected = torch.zeros_like(low)
        expected[..., i, j] = 1
        torch.testing.assert_close(change, expected)


def test_the_degradation_is_chosen() -> None:
    truth = torch.rand(1, 2, 16, 16)
    assert torch.equal(WaldProtocol(4).coarse(truth), area_average(truth, 4))
    assert torch.equal(WaldProtocol(4, "gaussian").coarse(truth), gaussian_downsample(truth, 4))


def test_noise_is_white_of_its_deviation_and_repeats_with_its_seed() -> None:
    truth = torch.full((1, 4, 256, 256), 0.5)
    protocol = WaldProtocol(2, noise=0.03)
    first, again = (protocol.coarse(truth, torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(first, again)
    noise = first - 0.5
    assert float(noise.std()) == pytest.approx(0.03, rel=0.02)
    assert abs(float(noise.mean())) < 1e-3
    assert abs(float((noise[..., 1:] * noise[..., :-1]).mean())) < 0.03**2 / 50


def test_what_fills_no_block_is_an_error_or_cut_off() -> None:
    truth, guide = torch.rand(1, 5, 14, 9), torch.rand(1, 3, 14, 9)
    with pytest.raises(UsageError, match="crop it to 12×8"):
        WaldProtocol(4).example(truth, guide)
    low, seen, cut = WaldProtocol(4, crop=True).example(truth, guide)
    assert torch.equal(cut, truth[..., :12, :8])
    assert torch.equal(seen, guide[..., :12, :8])
    assert torch.equal(low, area_average(cut, 4))
    with pytest.raises(UsageError, match="14×9 pixels holds no block of 16×16"):
        WaldProtocol(16, crop=True).example(truth, guide)


def test_a_pair_is_reduced_with_its_truth() -> None:
    low, guide = torch.rand(1, 5, 9, 7), torch.rand(1, 3, 27, 21)
    coarse, seen, truth = WaldProtocol(3, crop=True).reduced(low, guide)
    assert torch.equal(truth, low[..., :9, :6])
    assert torch.equal(coarse, area_average(truth, 3))
    torch.testing.assert_close(seen, area_average(guide[..., :27, :18], 3))
    light = WaldProtocol(3, crop=True).reduced(low, guide, curved=True).guide
    torch.testing.assert_close(light, linear_to_srgb(area_average(srgb_to_linear(guide[..., :27, :18]), 3)))
    with pytest.raises(UsageError, match="crop it to 9×6"):
        WaldProtocol(3).reduced(low, guide)


def test_what_is_no_scene_is_told() -> None:
    with pytest.raises(DataError, match="8×8 pixels and their guide 8×4"):
        WaldProtocol().example(torch.rand(1, 2, 8, 8), torch.rand(1, 1, 8, 4))
    with pytest.raises(DataError, match="must have 4 times as many"):
        WaldProtocol().reduced(torch.rand(1, 2, 8, 8), torch.rand(1, 1, 16, 16))
    with pytest.raises(UsageError, match="choose one of area, gaussian"):
        WaldProtocol(degradation="box")
    for wrong in ({"scale": 0}, {"noise": -1.0}, {"noise": float("nan")}):
        with pytest.raises(UsageError):
            WaldProtocol(**wrong)

"""What the equations of the regressed methods promise."""

import pytest
import torch
from torch import Tensor

from imfuse.classical.spectral.brovey import Brovey
from imfuse.classical.spectral.glp_hs import GLPHS
from imfuse.classical.spectral.gsa import GSA
from imfuse.classical.spectral.method import RegressedMethod
from imfuse.classical.spectral.moments import Moments
from imfuse.classical.spectral.sfim import SFIM
from imfuse.ops.colour import linear_to_srgb, luma
from imfuse.ops.resampling import area_average, downsample, upsample_bicubic

SCALES = [2, 3, 4, 8]
REGRESSED = [Brovey, GSA, GLPHS, SFIM]


def rough(channels: int, height: int, width: int, seed: int = 0) -> Tensor:
    """A picture with detail at every scale, float64 in [0.1, 0.9]."""
    generator = torch.Generator().manual_seed(seed)
    return 0.1 + 0.8 * torch.rand(2, channels, height, width, dtype=torch.double, generator=generator)


def angles(x: Tensor, y: Tensor) -> Tensor:
    return torch.nn.functional.cosine_similarity(x, y, dim=1)


def test_regressions_are_those_of_a_solver() -> None:
    low, guide = rough(5, 9, 7), rough(3, 9, 7, seed=1)
    moments = Moments.of(low, guide)
    ones = torch.ones(2, 1, 63, dtype=torch.double)
    bands, channels = torch.cat([ones, low.flatten(2)], 1).mT, torch.cat([ones, guide.flatten(2)], 1).mT
    expected = torch.linalg.lstsq(bands, guide.flatten(2).mT).solution.mT
    torch.testing.assert_close(moments.guide_from_bands(), expected)
    torch.testing.assert_close(moments.bands_from_guide(), torch.linalg.lstsq(channels, low.flatten(2).mT).solution.mT)
    weights = expected[:, 0]
    intensity = (bands @ weights.unsqueeze(-1)).squeeze(-1)
    for index in range(2):
        both = torch.cov(torch.cat([low[index].flatten(1), intensity[index : index + 1]]))
        torch.testing.assert_close(moments.gains(weights)[index], both[:5, 5] / both[5, 5])


def test_equal_bands_share_their_weight() -> None:
    band = rough(1, 8, 8)
    moments = Moments.of(band.expand(-1, 4, -1, -1).float(), 0.5 * band.float() + 0.2)
    expected = torch.tensor([0.2, 0.125, 0.125, 0.125, 0.125], dtype=torch.double).expand(2, 1, -1)
    torch.testing.assert_close(moments.guide_from_bands(), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("scale", SCALES)
def test_gsa_gives_bands_of_one_texture_back(scale: int) -> None:
    texture = rough(1, 9 * scale, 7 * scale)
    truth = texture * torch.tensor([0.2, 0.9, 0.5], dtype=torch.double)[:, None, None] + 0.05
    guide = 0.3 * truth[:, :1] + 0.6 * truth[:, 2:] + 0.01
    fused = GSA().fuse([area_average(truth, scale), guide])
    torch.testing.assert_close(fused, truth)


@pytest.mark.parametrize("scale", SCALES)
def test_bands_of_gsa_make_the_guide(scale: int) -> None:
    truth, guide = rough(4, 9 * scale, 7 * scale), rough(3, 9 * scale, 7 * scale, seed=1)
    low = area_average(truth, scale)
    fused = GSA("linear").fuse([low, guide])
    weights = Moments.of(low, area_average(luma(guide), scale)).guide_from_bands()[:, 0]
    made = torch.einsum("bl,blhw->bhw", weights[:, 1:], fused) + weights[:, :1, None]
    torch.testing.assert_close(made.unsqueeze(1), luma(guide))


@pytest.mark.parametrize("degradation", ["area", "gaussian"])
@pytest.mark.parametrize("scale", SCALES)
def test_glp_gives_combinations_of_the_channels_back(scale: int, degradation: str) -> None:
    guide = rough(3, 9 * scale, 7 * scale)
    mixture = rough(3, 1, 6, seed=1)[0, :, 0].T
    truth = torch.einsum("lc,bchw->blhw", mixture, guide) / 3 + 0.04
    low = downsample(truth, scale, degradation)
    fused = GLPHS("linear", degradation).fuse([low, guide])
    torch.testing.assert_close(fused, truth)
    decoded = GLPHS("srgb", degradation).fuse([low, linear_to_srgb(guide)])
    torch.testing.assert_close(decoded, truth, atol=1e-5, rtol=0)


def test_gain_of_a_regressed_guide_is_one() -> None:
    low, seen = rough(5, 9, 7), rough(3, 9, 7, seed=1)
    mixtures = Moments.of(low, seen).bands_from_guide()
    made = torch.einsum("blc,bchw->blhw", mixtures[:, :, 1:], seen) + mixtures[:, :, :1, None]
    for index in range(2):
        for band in range(5):
            both = torch.cov(torch.stack([low[index, band].flatten(), made[index, band].flatten()]))
            torch.testing.assert_close(both[0, 1], both[1, 1])


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize(("method", "channels"), [(Brovey, 1), (Brovey, 3), (SFIM, 1)])
def test_ratios_keep_the_directions_of_spectra(method: type[RegressedMethod], channels: int, scale: int) -> None:
    low, guide = rough(4, 5, 7), rough(channels, 5 * scale, 7 * scale, seed=1)
    fused = method().fuse([low, guide])
    upsampled = upsample_bicubic(low, scale)
    torch.testing.assert_close(angles(fused, upsampled), torch.ones_like(fused[:, 0]))
    assert (fused - upsampled).abs().max() > 0.05


def test_sfim_modulates_by_the_guide_of_each_band() -> None:
    guide = rough(3, 20, 28)
    truth = guide[:, [2, 0]]
    fused = SFIM("linear").fuse([area_average(truth, 4), guide])
    smooth = upsample_bicubic(area_average(truth, 4), 4)
    # U(L) = U(D(P)) here: what is left of the equation is the small number that keeps the dark from noise.
    torch.testing.assert_close(fused, smooth * (truth + 0.01) / (smooth + 0.01))


@pytest.mark.parametrize("method", REGRESSED)
def test_surveys_of_windows_make_that_of_the_whole(method: type[RegressedMethod]) -> None:
    network = method(degradation="gaussian")
    low, guide = rough(4, 11, 9), rough(3, 33, 27, seed=1)
    merged = None
    for first, last, core in [(0, 7, slice(0, 4)), (1, 11, slice(3, 10))]:
        part = network.survey([low[:, :, first:last], guide[:, :, 3 * first : 3 * last]], (core, slice(None)))
        merged = part if merged is None else merged.merged(part)
    whole = network.survey([low, guide], (slice(None), slice(None)))
    torch.testing.assert_close(merged.products, whole.products)
    assert network.surveyed
    torch.testing.assert_close(network.fuse([low, guide], merged), network.fuse([low, guide]))

"""What all spectral methods promise."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image
from torch import Tensor

from imfuse.classical.spectral.bicubic import Bicubic
from imfuse.classical.spectral.brovey import Brovey
from imfuse.classical.spectral.cards import SPECTRAL, SPECTRAL_NETWORKS
from imfuse.classical.spectral.cnmf import CNMF
from imfuse.classical.spectral.glp_hs import GLPHS
from imfuse.classical.spectral.gsa import GSA
from imfuse.classical.spectral.method import SpectralMethod
from imfuse.classical.spectral.sfim import SFIM
from imfuse.errors import UsageError
from imfuse.ops.resampling import area_average, upsample_bicubic
from imfuse.registry import NETWORKS, build_network

LOCAL = [Bicubic, Brovey, GSA, GLPHS, SFIM]
METHODS = [*LOCAL, CNMF]


def pair(bands: int, height: int, width: int, scale: int, channels: int = 3) -> tuple[Tensor, Tensor]:
    """Bands and a guide that know of each other a little, in [0, 1]."""
    generator = torch.Generator().manual_seed(bands + scale)
    guide = torch.rand(2, channels, scale * height, scale * width, dtype=torch.double, generator=generator)
    noise = torch.rand(2, bands, height, width, dtype=torch.double, generator=generator)
    return 0.5 * noise + 0.5 * area_average(guide, scale).mean(1, keepdim=True), guide


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("bands", "height", "width", "scale", "channels"),
    [(5, 7, 9, 4, 3), (1, 5, 3, 3, 1), (1, 4, 4, 2, 3), (3, 1, 1, 8, 1), (40, 3, 5, 2, 3), (2, 6, 5, 1, 3)],
)
def test_sizes_and_bands_of_every_kind(
    method: type[SpectralMethod], bands: int, height: int, width: int, scale: int, channels: int
) -> None:
    low, guide = pair(bands, height, width, scale, channels)
    before = low.clone(), guide.clone()
    fused = method().fuse([low, guide])
    assert fused.shape == (2, bands, scale * height, scale * width)
    assert fused.dtype == low.dtype
    assert fused.isfinite().all()
    assert torch.equal(low, before[0])
    assert torch.equal(guide, before[1])
    # Each scene of a batch is fused by itself.
    torch.testing.assert_close(method().fuse([low[1:], guide[1:]]), fused[1:])
    single = method().fuse([low.float(), guide.float()])
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double(), fused, atol=1e-3, rtol=0)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("scale", [2, 3, 4, 8])
def test_constant_cubes_stay(method: type[SpectralMethod], scale: int) -> None:
    spectrum = torch.tensor([0.2, 0.0, 1.0, 0.55], dtype=torch.double)
    low = spectrum[:, None, None].expand(1, 4, 5, 6)
    for level in (0.4, 1.0) if method is CNMF else (0.0, 0.4, 1.0):
        guide = torch.full((1, 3, 5 * scale, 6 * scale), level, dtype=torch.double)
        truth = spectrum[:, None, None].expand(1, 4, 5 * scale, 6 * scale)
        torch.testing.assert_close(method().fuse([low, guide]), truth, atol=1e-6, rtol=0)
    assert not method().fuse([torch.zeros_like(low), guide]).abs().gt(1e-6).any()


@pytest.mark.parametrize("method", LOCAL)
@pytest.mark.parametrize("degradation", ["area", "gaussian"])
@pytest.mark.parametrize("scale", [2, 5])
def test_a_window_with_its_halo_is_the_whole(method: type[SpectralMethod], degradation: str, scale: int) -> None:
    network = method(degradation=degradation)
    low, guide = pair(4, 14, 13, scale)
    survey = network.survey([low, guide], (slice(None), slice(None))) if network.surveyed else None
    whole = network.fuse([low, guide], survey)
    halo = network.halo
    core = slice(5, 8)
    window = slice(core.start - halo, core.stop + halo)
    fine = slice(window.start * scale, window.stop * scale)
    part = network.fuse([low[..., window, window], guide[..., fine, fine]], survey)
    inside = slice(halo * scale, -halo * scale)
    expected = whole[..., core.start * scale : core.stop * scale, core.start * scale : core.stop * scale]
    torch.testing.assert_close(part[..., inside, inside], expected)


@pytest.mark.parametrize("method", LOCAL)
@pytest.mark.parametrize("degradation", ["area", "gaussian"])
def test_nothing_reaches_farther_than_the_halo(method: type[SpectralMethod], degradation: str) -> None:
    network, scale, at = method(degradation=degradation), 4, 6
    low, guide = pair(4, 13, 13, scale)
    survey = network.survey([low, guide], (slice(None), slice(None))) if network.surveyed else None
    before = network.fuse([low, guide], survey)
    other_low, other_guide = low.clone(), guide.clone()
    other_low[..., at, at] += 0.1
    # A corner of the block: what lies nearest to the neighbours.
    other_guide[..., at * scale, at * scale] += 0.1
    reaches = []
    for sources in ([other_low, guide], [low, other_guide]):
        changed = (network.fuse(sources, survey) != before)[0].any(0).nonzero()
        away = changed.div(scale, rounding_mode="floor") - at
        reaches.append(int(away.abs().max()) if len(away) else 0)
    assert max(reaches) <= network.halo
    assert max(reaches) >= 2


@pytest.mark.parametrize("method", METHODS)
def test_sources_that_are_no_scene_are_told_with_their_sizes(method: type[SpectralMethod]) -> None:
    low, guide = torch.rand(1, 4, 8, 6), torch.rand(1, 3, 32, 24)
    network = method()
    for wrong in (torch.rand(1, 3, 33, 24), torch.rand(1, 3, 32, 12), torch.rand(1, 3, 8, 3)):
        size = "{}×{}".format(*wrong.shape[-2:])
        with pytest.raises(UsageError, match=f"8×6 pixels .* guide {size}"):
            network.fuse([low, wrong])
    with pytest.raises(UsageError, match=r"32×24 pixels .* guide 8×6"):
        network.fuse([guide, low[:, :3]])
    with pytest.raises(UsageError, match="2 channels"):
        network.fuse([low, guide[:, :2]])
    with pytest.raises(UsageError, match="1 sets of bands and 2 guides"):
        network.fuse([low, guide.expand(2, -1, -1, -1)])
    with pytest.raises(UsageError, match="3 sources"):
        network.fuse([low, guide, guide])
    with pytest.raises(UsageError, match=r"bands have shape \(4, 8, 6\)"):
        network.fuse([low[0], guide])
    with pytest.raises(UsageError, match="choose one of auto, srgb, linear"):
        method(guide_encoding="gamma")
    with pytest.raises(UsageError, match="choose one of area, gaussian"):
        method(degradation="box")


@pytest.mark.parametrize("method", [Brovey, GSA, GLPHS, SFIM, CNMF])
def test_the_curve_of_a_guide_is_known_by_its_channels(method: type[SpectralMethod]) -> None:
    low, guide = pair(4, 6, 5, 2)
    pan = guide[:, :1]
    torch.testing.assert_close(method().fuse([low, guide]), method("srgb").fuse([low, guide]))
    torch.testing.assert_close(method().fuse([low, pan]), method("linear").fuse([low, pan]))
    assert (method("linear").fuse([low, guide]) - method("srgb").fuse([low, guide])).abs().max() > 1e-3


def test_bicubic_is_the_bands_alone() -> None:
    low, guide = pair(3, 6, 5, 4)
    assert torch.equal(Bicubic().fuse([low, guide]), upsample_bicubic(low, 4))


def test_cards_build_the_methods_and_need_no_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, place in SPECTRAL_NETWORKS.items():
        monkeypatch.setitem(NETWORKS, name, place)
    built = [build_network(card.network, card.arguments) for card in SPECTRAL]
    assert [type(network) for network in built] == METHODS
    assert all(not card.learned and card.tasks == ("spectral",) and card.paper for card in SPECTRAL)
    assert sum(p.numel() for network in built for p in network.parameters()) == 0
    code = "import sys, imfuse.classical.spectral.cards; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout == "False\n"


@pytest.mark.data
def test_reference_figures_on_cave(data_dir: Path) -> None:
    """PSNR in dB at scale 4 of area-averaged bands, from an implementation of others."""
    expected = {
        (Bicubic, "srgb"): 36.4,
        (GSA, "linear"): 34.2,
        (GSA, "srgb"): 43.1,
        (GLPHS, "linear"): 41.8,
        (GLPHS, "srgb"): 48.7,
    }
    scores: dict[tuple[type[SpectralMethod], str], list[float]] = {key: [] for key in expected}
    for path in sorted((data_dir / "spectral" / "cave" / "test").glob("*.tif")):
        truth = torch.from_numpy(tifffile.imread(path) / np.float32(1023))[None]
        with Image.open(path.with_suffix(".rgb.png")) as opened:
            guide = torch.from_numpy(np.array(opened) / np.float32(255)).permute(2, 0, 1)[None]
        for (method, encoding), values in scores.items():
            error = method(encoding).fuse([area_average(truth, 4), guide]) - truth
            values.append(float(-10 * error.double().square().mean().log10()))
    for key, values in scores.items():
        assert len(values) == 6
        assert sum(values) / 6 == pytest.approx(expected[key], abs=0.06), key

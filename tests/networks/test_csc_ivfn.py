from itertools import product

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from helpers import settled_csc_ivfn
from imfuse import plan as plan_module
from imfuse.errors import UsageError
from imfuse.fuser import Fuser
from imfuse.networks.csc_ivfn import CSCIVFN
from imfuse.networks.two_scale import TwoScale
from imfuse.rules import L1_NORM, SALIENCY_WEIGHTED
from imfuse.rules.histograms import Histogram, Scale
from imfuse.tasks import TASKS

CSC_RULES = [rule.name for rule in CSCIVFN.rules]


def literal_codes(network: CSCIVFN, source: torch.Tensor) -> TwoScale:
    """Eq. 3 unit by unit with plain convolutions."""
    base = F.avg_pool2d(F.pad(source, (5, 5, 5, 5), mode="reflect"), 11, stride=1)
    codes = []
    for encoder, picture in ((network.base_encoder, base), (network.detail_encoder, source - base)):
        code = torch.zeros(1, 1)
        for index, unit in enumerate(encoder):
            residual = picture
            if index:
                residual = picture - unit.conv0(F.pad(code, (1, 1, 1, 1), mode="reflect"))
            code = code + unit.conv1(F.pad(residual, (1, 1, 1, 1), mode="reflect"))
            code = unit.activation(unit.norm(code))
        codes.append(code - encoder.origin.reshape(1, -1, 1, 1))
    return TwoScale(*codes)


def literal_fusion(network: CSCIVFN, sources: list[torch.Tensor]) -> torch.Tensor:
    """Eqs. 3 to 7 with the paper's rules and plain convolutions."""
    codes = [literal_codes(network, source) for source in sources]
    base = SALIENCY_WEIGHTED.start([Histogram.of(code.base, Scale(*network.base_levels)) for code in codes])
    detail = L1_NORM.start()
    for code in codes:
        base.add(code.base)
        detail.add(code.detail)
    pairs = ((network.base_decoder, base), (network.detail_decoder, detail))
    images = [decoder(F.pad(fold.result(), (1, 1, 1, 1), mode="reflect")) for decoder, fold in pairs]
    return torch.sigmoid(images[0] + images[1] + network.bias)


def test_fusion_equals_the_literal_equations() -> None:
    network = settled_csc_ivfn(units=7, filters=16).double()
    sources = list(torch.rand(2, 1, 1, 40, 33, dtype=torch.double))
    with torch.no_grad():
        torch.testing.assert_close(network.fuse(iter(sources)), literal_fusion(network, sources), atol=1e-9, rtol=0)


def test_the_paper_network_has_the_parameters_that_its_equations_have() -> None:
    """Per unit 2·64·9 filter values (the first has one half), 2·64 of the normalisation, 64 slopes or thresholds."""
    network = CSCIVFN()
    assert (network.base_rule.name, network.detail_rule.name) == ("saliency_weighted", "l1_norm")
    assert len(network.base_encoder) == len(network.detail_encoder) == 7
    per_branch = 13 * 64 * 9 + 7 * (2 * 64 + 64) + 64 * 9
    assert sum(p.numel() for p in network.parameters()) == 2 * per_branch + 1


def test_base_is_the_box_mean_and_detail_the_rest() -> None:
    source = torch.rand(1, 1, 30, 27, dtype=torch.double)
    network = settled_csc_ivfn().double()
    base, detail = network.start("base", source), network.start("detail", source)
    expected = F.avg_pool2d(F.pad(source, (5, 5, 5, 5), mode="reflect"), 11, stride=1)
    torch.testing.assert_close(base, expected)
    torch.testing.assert_close(base + detail, source)


@pytest.mark.parametrize("names", list(product(CSC_RULES, repeat=2)))
def test_halo_bounds_what_a_pixel_reaches(names: tuple[str, str]) -> None:
    network = settled_csc_ivfn(base_rule=names[0], detail_rule=names[1]).double()
    source = torch.rand(1, 1, 81, 81, dtype=torch.double)
    changed = source.clone()
    changed[..., 40, 40] += 0.5
    survey = network.survey([source, source * 0.5], (slice(None), slice(None)))
    with torch.no_grad():
        before = network.fuse([source, source * 0.5], survey)
        difference = (before - network.fuse([changed, source * 0.5], survey)).abs()[0, 0]
    reached = (difference > 1e-12).nonzero() - 40  # the box mean's running sums leave traces of rounding
    assert network.halo - 1 - network.rule_halo <= reached.abs().max() <= network.halo


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 9), (2, 2), (19, 4), (64, 65)])
def test_any_size_gives_a_finite_picture_in_the_unit_interval(height: int, width: int) -> None:
    fused = settled_csc_ivfn().fuse(list(torch.rand(2, 3, 1, height, width)))
    assert fused.shape == (3, 1, height, width)
    assert ((fused > 0) & (fused < 1)).all()


def test_a_batch_is_its_pictures_one_by_one() -> None:
    network = settled_csc_ivfn()
    first, second = torch.rand(2, 3, 1, 20, 21)
    together = network.fuse([first, second])
    for index in range(3):
        alone = network.fuse([first[index : index + 1], second[index : index + 1]])
        torch.testing.assert_close(together[index : index + 1], alone, atol=1e-6, rtol=0)


def test_recorded_and_unrecorded_inference_agree() -> None:
    network = settled_csc_ivfn()
    source = torch.rand(1, 1, 30, 31)
    with torch.inference_mode():
        unrecorded = network(source)
    recorded = network.requires_grad_()(source)
    assert recorded.requires_grad
    torch.testing.assert_close(recorded.detach(), unrecorded, atol=1e-6, rtol=0)


def test_calibration_changes_no_reconstruction() -> None:
    network = settled_csc_ivfn().double()
    pictures = list(torch.rand(4, 1, 1, 40, 37, dtype=torch.double) ** 2)
    before = [network(picture) for picture in pictures]
    network.calibrate(pictures)
    for picture, expected in zip(pictures, before, strict=True):
        torch.testing.assert_close(network(picture), expected, atol=1e-12, rtol=0)


def test_calibration_sets_the_origins_and_the_levels() -> None:
    network = settled_csc_ivfn().double()
    pictures = list(torch.rand(4, 1, 1, 40, 37, dtype=torch.double) ** 2)
    network.calibrate(pictures)
    flat = network.encode(torch.full((1, 1, 20, 20), 0.7, dtype=torch.double))
    assert flat.detail.abs().max() < 1e-12
    base, detail = (torch.cat(codes) for codes in zip(*map(network.encode, pictures), strict=True))
    assert base.mean((0, 2, 3)).abs().max() < 1e-6
    for code, levels in ((base, network.base_levels), (detail, network.detail_levels)):
        torch.testing.assert_close(code.amin((0, 2, 3)), levels[0], atol=1e-6, rtol=0)
        torch.testing.assert_close(code.amax((0, 2, 3)), levels[1], atol=1e-6, rtol=0)
    with pytest.raises(UsageError, match="no pictures"):
        network.calibrate([])


def test_base_and_detail_rules_are_chosen_by_themselves() -> None:
    network = settled_csc_ivfn()
    sources = list(torch.rand(2, 1, 1, 24, 25))
    codes = [network.encode(source) for source in sources]
    network.use_rule(base="average", detail="l1-norm")
    assert network.rule_name == "average + l1_norm"
    merged = network.merge(codes)
    torch.testing.assert_close(merged.base, (codes[0].base + codes[1].base) / 2)
    torch.testing.assert_close(merged.detail, L1_NORM([codes[0].detail, codes[1].detail]))
    network.use_rule("addition", detail="average")
    assert network.rule_name == "addition + average"
    network.use_rule("l1_norm")
    assert network.rule_name == "l1_norm"
    with pytest.raises(UsageError, match="saliency_weighted"):
        network.use_rule(base="median")


@pytest.mark.parametrize("names", [("saliency_weighted", "l1_norm"), ("average", "saliency_weighted")])
@pytest.mark.parametrize("side", [9, 29])
def test_tiled_equals_whole(names: tuple[str, str], side: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The histograms of a tiled picture are gathered in a first pass: the result does not depend on the tiles."""
    fuser = Fuser(settled_csc_ivfn(base_rule=names[0], detail_rule=names[1]), TASKS["infrared"])
    rng = np.random.default_rng(side)
    sources = [rng.random(shape, np.float32) for shape in ((61, 43), (61, 43, 3))]
    sources[0][10:20, 12:22] = 1.0  # something salient in a few tiles alone
    whole = fuser.fuse(sources, depth="float")
    explained = fuser.explain(sources)
    monkeypatch.setattr(plan_module, "tile_side", lambda *_: side)
    progress: list[float] = []
    tiled = fuser.fuse(sources, depth="float", progress=progress.append)
    tiles = -(-61 // side) * -(-43 // side)
    assert (whole.report.tiles, tiled.report.tiles) == (1, tiles)
    assert progress == sorted(progress)
    assert (len(progress), progress[-1]) == (2 * tiles, 1.0)
    np.testing.assert_allclose(tiled.image, whole.image, atol=1e-5, rtol=0)
    for name, part in fuser.explain(sources).items():
        np.testing.assert_allclose(part, explained[name], atol=2e-5, rtol=0, err_msg=name)

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.export import Dim, ExportedProgram

from helpers import noise, settled_csc_mefn
from imfuse import plan as plan_module
from imfuse.blocks import coded_map as coded_map_module
from imfuse.errors import UsageError
from imfuse.fuser import Fuser
from imfuse.networks.csc_mefn import CSCMEFN, Blocks
from imfuse.ops.fast_guided_filter import block_guided_filter
from imfuse.ops.filters import box_mean
from imfuse.tasks import TASKS
from windows import fuse_in_windows


def bracket(count: int, height: int, width: int, batch: int = 1) -> list[Tensor]:
    """One scene at several exposures: some of it black in the dark ones, and white in the bright ones."""
    torch.manual_seed(count * height + width)
    coarse = torch.rand(batch, 1, -(-height // 6) + 1, -(-width // 6) + 1)
    scene = F.interpolate(coarse, (height, width), mode="bilinear") + 0.1 * torch.rand(batch, 1, height, width)
    return [(scene * 2**stop).clamp(0, 1) for stop in torch.linspace(-2, 2, count)]


def literal_code(network: CSCMEFN, source: Tensor) -> Tensor:
    """Eq. 3 three times from z = 0 with plain convolutions, then the 1×1 convolution."""
    code = torch.zeros(1, 1)
    for index, unit in enumerate(network.encoder):
        spacing = unit.spacing
        margin = [unit.conv1.kernel_size[0] // 2 * spacing] * 4
        residual = source
        if index:
            padded = F.pad(code, margin, mode="reflect")
            residual = source - F.conv2d(padded, unit.conv0.weight, dilation=spacing)
        padded = F.pad(residual, margin, mode="reflect")
        code = unit.norm(code + F.conv2d(padded, unit.conv1.weight, dilation=spacing))
        threshold = unit.activation.threshold.abs().reshape(1, -1, 1, 1)
        code = code.sign() * (code.abs() - threshold).clamp_min(0)
    return network.head(code)


def literal_preference(network: CSCMEFN, source: Tensor) -> Tensor:
    """8 (a m + b m²) with the mean m of each picture."""
    if network.whole is None:
        return torch.zeros(1)
    linear, square = (float(value) for value in network.whole)
    return torch.stack([8 * (linear * one.mean() + square * one.mean() ** 2) for one in source])[:, None, None, None]


@pytest.mark.parametrize(
    ("count", "arguments"),
    [
        (2, {}),
        (2, {"whole": False}),
        (3, {"spacings": [1, 1, 1]}),
        (3, {"size": 5, "units": 2, "spacings": [2, 1]}),
        (30, {"units": 1, "spacings": None}),
    ],
)
def test_fusion_equals_the_literal_equations(count: int, arguments: dict[str, object]) -> None:
    network = settled_csc_mefn(guided=False, **arguments).double()
    sources = [source.double() for source in bracket(count, 34, 27, batch=2)]
    codes = [literal_code(network, source) + literal_preference(network, source) for source in sources]
    weights = torch.cat(codes, 1).softmax(1)
    expected = (weights * torch.cat(sources, 1)).sum(1, keepdim=True)
    with torch.no_grad():
        torch.testing.assert_close(network.fuse(iter(sources)), expected, atol=1e-12, rtol=0)
        torch.testing.assert_close(network.source_shares(iter(sources)), weights, atol=1e-12, rtol=0)
    assert weights.max() > 0.9 or count == 30  # and not a mean of all


def test_codes_are_smoothed_along_the_edges_of_their_exposures() -> None:
    """By windows of 5×5 blocks of 4×4 pixels, for which the guide explains the code of means over 3×3."""
    network = settled_csc_mefn().double()
    source = bracket(2, 45, 38)[1].double()
    with torch.no_grad():
        expected = block_guided_filter(literal_code(network, box_mean(source, 3)), source, 4, 2, 1e-2)
        torch.testing.assert_close(network.logit(source), expected, atol=1e-10, rtol=0)
        weights = torch.cat([network.logit(one) + literal_preference(network, one) for one in (source, source**2)], 1)
        shares = network.source_shares([source, source**2])
    torch.testing.assert_close(shares, weights.softmax(1), atol=1e-12, rtol=0)


def test_the_paper_network_has_the_parameters_that_its_equations_have() -> None:
    """2·9q filter values per unit (the first has one half), 2q of the normalisation, q thresholds; q of the 1×1."""
    network = CSCMEFN(filters=16, whole=False)
    assert len(network.encoder) == 3
    assert not network.surveyed
    assert sum(p.numel() for p in network.parameters()) == 16 * (5 * 9 + 3 * 3 + 1)


@pytest.mark.parametrize("fast", [False, True])
def test_weights_sum_to_one_and_make_the_picture(fast: bool) -> None:
    network = settled_csc_mefn()
    network.use_fast(fast)
    sources = bracket(5, 41, 38)
    with torch.no_grad():
        shares = network.source_shares(sources)
        fused = network.fuse(sources)
    assert shares.min() >= 0
    torch.testing.assert_close(shares.sum(1), torch.ones(1, 41, 38))
    torch.testing.assert_close((shares * torch.cat(sources, 1)).sum(1, keepdim=True), fused, atol=1e-6, rtol=0)
    assert all((fused >= torch.stack(sources).amin(0) - 1e-6).flatten())


@pytest.mark.parametrize("fast", [False, True])
def test_the_order_of_the_exposures_does_not_matter(fast: bool) -> None:
    network = settled_csc_mefn()
    network.use_fast(fast)
    sources = bracket(3, 30, 31)
    with torch.no_grad():
        expected = network.fuse(sources)
        for order in itertools.permutations(sources):
            torch.testing.assert_close(network.fuse(order), expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize("count", [2, 7])
def test_equal_exposures_are_the_result(fast: bool, count: int) -> None:
    network = settled_csc_mefn()
    network.use_fast(fast)
    source = bracket(2, 25, 22)[0]
    with torch.no_grad():
        assert torch.equal(network.fuse([source] * count), source)
        torch.testing.assert_close(network.source_shares([source] * count), torch.full((1, count, 25, 22), 1 / count))


@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 9), (2, 2), (3, 17), (19, 4), (64, 65)])
def test_any_size_gives_a_finite_picture_in_the_unit_interval(height: int, width: int, fast: bool) -> None:
    network = settled_csc_mefn()
    network.use_fast(fast)
    sources = [torch.zeros(3, 1, height, width), torch.ones(3, 1, height, width), *torch.rand(1, 3, 1, height, width)]
    with torch.no_grad():
        fused = network.fuse(sources)
    assert fused.shape == (3, 1, height, width)
    assert ((fused >= 0) & (fused <= 1)).all()


@pytest.mark.parametrize("arguments", [{}, {"spacings": None}, {"size": 5, "spacings": [1, 2, 3]}])
def test_squares_equal_the_whole(arguments: dict[str, object], monkeypatch: pytest.MonkeyPatch) -> None:
    """The code is made square by square; where they are cut does not show, and neither does the recorded form."""
    network = settled_csc_mefn(**arguments)
    source = torch.rand(2, 1, 61, 47)
    with torch.no_grad():
        expected = network.head(network.encoder.literal(source))
        for side in (8, 33, 256):
            monkeypatch.setattr(coded_map_module, "SIDE", side)
            monkeypatch.setattr(coded_map_module, "HALOS", 0)
            torch.testing.assert_close(network.code(source), expected, atol=1e-5, rtol=0)
    recorded = network.requires_grad_().code(source)
    assert recorded.requires_grad
    torch.testing.assert_close(recorded.detach(), expected, atol=1e-5, rtol=0)


def test_a_normalisation_that_cannot_be_folded_is_computed_as_it_is() -> None:
    network = settled_csc_mefn()
    network.encoder.units()[0].norm.weight[1] = 0
    source = torch.rand(1, 1, 30, 20)
    with torch.no_grad():
        torch.testing.assert_close(network.code(source), literal_code(network, source), atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("fast", "spacings", "guided"),
    [
        (False, None, True),
        (False, None, False),
        (False, [1, 3, 9], True),
        (True, [1, 1, 1], True),
        (True, [4, 8, 4], True),
    ],
)
def test_halo_bounds_what_a_pixel_reaches(fast: bool, spacings: list[int] | None, guided: bool) -> None:
    network = settled_csc_mefn(spacings=spacings, guided=guided).double()
    network.use_fast(fast)
    sources = [source.double() for source in bracket(2, 161, 161)]
    changed = sources[0].clone()
    changed[..., 80, 80] += 0.5
    with torch.no_grad():
        survey = network.survey(sources, (slice(None), slice(None)))
        difference = (network.fuse(sources, survey) - network.fuse([changed, sources[1]], survey)).abs()[0, 0]
    reached = int(((difference > 1e-12).nonzero() - 80).abs().max())
    slack = 2 * network.alignment if fast or guided else 0
    assert network.halo - slack <= reached <= network.halo


@pytest.mark.parametrize(
    ("fast", "spacings"),
    [(False, None), (False, [1, 3, 9]), (True, None), (True, [1, 3, 9]), (False, [4, 12, 36]), (True, [4, 12, 36])],
)
@pytest.mark.parametrize("side", [16, 37])
def test_windows_equal_the_whole(fast: bool, spacings: list[int] | None, side: int) -> None:
    network = settled_csc_mefn(spacings=spacings)
    network.use_fast(fast)
    sources = bracket(3, 101, 90)
    with torch.no_grad():
        tiled = fuse_in_windows(network, sources, side)
        torch.testing.assert_close(tiled, network.fuse(sources), atol=1e-5, rtol=0)


@pytest.mark.parametrize("fast", [False, True])
def test_tiled_equals_whole_in_colour(fast: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    network = settled_csc_mefn()
    network.use_fast(fast)
    fuser = Fuser(network, TASKS["exposure"])
    sources = [noise(71, 65, seed=seed) // (seed + 1) for seed in range(3)]
    whole = fuser.fuse(sources, depth="float")
    monkeypatch.setattr(plan_module, "tile_side", lambda *_: 23)
    tiled = fuser.fuse(sources, depth="float")
    assert (whole.report.tiles, tiled.report.tiles) == (1, 12)
    np.testing.assert_allclose(tiled.image, whole.image, atol=2e-5, rtol=0)
    assert any("fast" in note for note in tiled.report.notes) == fast


def test_a_fast_mode_at_full_resolution_is_the_full_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """With means over 1×1 pixels, and windows of one pixel that the filter explains wholly: by their offset."""
    network = settled_csc_mefn()
    for name in ("blocks", "fast_blocks"):
        monkeypatch.setattr(CSCMEFN, name, Blocks(1, 0))
    monkeypatch.setattr(CSCMEFN, "mean_size", 1)
    sources = bracket(3, 33, 29)
    with torch.no_grad():
        expected = network.fuse(sources)
        network.use_fast()
        torch.testing.assert_close(network.fuse(sources), expected, atol=1e-6, rtol=0)


def test_taps_on_a_coarse_luma_see_the_same_pixels() -> None:
    """On pictures that are constant over its blocks it has the code of full resolution, in the middle of each."""
    network = settled_csc_mefn(spacings=[4, 12, 4])
    coarse = torch.rand(1, 1, 30, 26)
    fine = coarse.repeat_interleave(4, 2).repeat_interleave(4, 3)
    with torch.no_grad():
        expected = network.code(fine)
        network.use_coarse(network.blocks)
        halo = 4 * network.encoder.halo
        found = network.code(coarse).repeat_interleave(4, 2).repeat_interleave(4, 3)
    inside = (..., slice(halo, -halo), slice(halo, -halo))
    torch.testing.assert_close(found[inside], expected[inside], atol=1e-5, rtol=0)
    assert found[inside].numel()


def test_the_fast_mode_is_told_and_can_be_left() -> None:
    network = settled_csc_mefn()
    sources = bracket(2, 40, 40)
    with torch.no_grad():
        expected = network.fuse(sources)
        network.use_fast()
        assert (network.alignment, len(network.remarks)) == (5, 1)
        assert not torch.equal(network.fuse(sources), expected)
        network.use_fast(False)
        assert (network.alignment, network.remarks) == (4, [])
        assert torch.equal(network.fuse(sources), expected)


def test_the_fast_mode_needs_guided_codes() -> None:
    network = settled_csc_mefn(guided=False)
    with pytest.raises(UsageError, match="without guided filters"):
        network.use_fast()
    assert network.coarse is None


def test_gradients_reach_every_parameter_and_are_right() -> None:
    torch.manual_seed(0)
    network = CSCMEFN(units=2, filters=2, spacings=[1, 2]).double()
    network.encoder(torch.rand(2, 1, 8, 8, dtype=torch.double))
    network.eval()
    for unit in network.encoder.units():
        unit.activation.threshold.data.fill_(0.1)
    sources = [source.double() for source in bracket(3, 7, 6)]
    network.fuse(sources).square().sum().backward()
    step = 1e-6
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        index = int(parameter.grad.abs().flatten().argmax())
        values = []
        for sign in (1, -1):
            with torch.no_grad():
                parameter.flatten()[index] += sign * step
                values.append(float(network.fuse(sources).square().sum()))
                parameter.flatten()[index] -= sign * step
        assert float(parameter.grad.flatten()[index]) == pytest.approx((values[0] - values[1]) / (2 * step), rel=1e-5)


def test_brighter_means_get_the_preference_of_the_whole_picture() -> None:
    """What windows tell adds up to the means of the whole exposures, and these change a window's weights."""
    network = settled_csc_mefn()
    sources = bracket(3, 40, 30, batch=2)
    halves = [network.survey(sources, (rows, slice(None))) for rows in (slice(0, 13), slice(13, 40))]
    survey = halves[0].merged(halves[1])
    torch.testing.assert_close(survey.means, torch.cat([x.mean((2, 3)) for x in sources], 1), atol=1e-6, rtol=0)
    with torch.no_grad():
        torch.testing.assert_close(network.fuse(sources, survey), network.fuse(sources), atol=1e-6, rtol=0)
        assert (network.fuse(sources, halves[0]) - network.fuse(sources)).abs().max() > 1e-4


def test_nothing_to_fuse_is_told() -> None:
    for work in (settled_csc_mefn().fuse, settled_csc_mefn().source_shares):
        with pytest.raises(UsageError, match="nothing to fuse"):
            work([])


LEAST = 10
"""The smallest side of an exported bracket: one that the reflection of the widest filter fits into."""


def exported(network: CSCMEFN) -> ExportedProgram:
    """With the number of exposures, height and width left open; sides are multiples of those of the blocks."""
    height, width = Dim("height", min=LEAST), Dim("width", min=LEAST)
    sides = {0: Dim("exposures", min=2, max=99), 2: network.alignment * height, 3: network.alignment * width}
    with torch.no_grad():
        return torch.export.export(network, (torch.cat(bracket(3, 60, 100)),), dynamic_shapes=(sides,))


OTHERS = [(3, 40, 52), (2, 97, 61), (7, LEAST, 131)]


@pytest.mark.parametrize("fast", [False, True])
def test_exported_equals_eager_for_other_brackets(tmp_path: Path, fast: bool) -> None:
    """As a graph of PyTorch, and as ONNX where that is installed."""
    network = settled_csc_mefn(filters=3, units=2, spacings=[1, 3])
    network.use_fast(fast)
    program = exported(network)
    graph = program.module()
    with torch.no_grad():
        for count, height, width in OTHERS:
            sources = bracket(count, network.alignment * height, network.alignment * width)
            torch.testing.assert_close(graph(torch.cat(sources)), network.fuse(sources), atol=1e-5, rtol=0)
    for package in ("onnx", "onnxscript"):
        pytest.importorskip(package)
    runtime = pytest.importorskip("onnxruntime")
    torch.onnx.export(program, dynamo=True, input_names=["bracket"]).save(tmp_path / "network.onnx")
    session = runtime.InferenceSession(tmp_path / "network.onnx", providers=["CPUExecutionProvider"])
    for count, height, width in OTHERS:
        sources = bracket(count, network.alignment * height, network.alignment * width)
        (fused,) = session.run(None, {"bracket": torch.cat(sources).numpy()})
        with torch.no_grad():
            torch.testing.assert_close(torch.from_numpy(fused), network.fuse(sources), atol=1e-5, rtol=0)

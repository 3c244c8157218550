import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy import ndimage

from helpers import settled_auif
from imfuse import plan as plan_module
from imfuse.fuser import Fuser
from imfuse.networks.auif import AUIF
from imfuse.networks.two_scale import BRANCHES
from imfuse.tasks import TASKS

AUIF_RULES = [rule.name for rule in AUIF.rules]


def literal_auif(network: AUIF, sources: list[torch.Tensor]) -> torch.Tensor:
    """Eqs. 5, 6 and 8 as they are printed, module by module, with addition."""
    total = torch.zeros_like(sources[0])
    for source in sources:
        encoders = (network.base_encoder, network.base_mean), (network.detail_encoder, network.detail_mean)
        for branch, (encoder, mean) in zip(BRANCHES, encoders, strict=True):
            feature = network.start(branch, source)
            for layer in encoder:
                feature = layer.activation(layer.norm(layer.literal_step(feature, source)))
            total = total + (feature - mean)
    decoded = network.decoder_conv(F.pad(total, (1, 1, 1, 1), mode="reflect"))
    return torch.sigmoid(network.decoder_norm(decoded))


def test_fusion_equals_the_literal_equations() -> None:
    network = settled_auif(layers=10, filters=64).double()
    network.centre([torch.rand(1, 1, 40, 33, dtype=torch.double)])
    sources = list(torch.rand(2, 1, 1, 40, 33, dtype=torch.double))
    torch.testing.assert_close(network.fuse(iter(sources)), literal_auif(network, sources), atol=1e-10, rtol=0)


def test_the_paper_network_has_the_parameters_that_its_equations_have() -> None:
    """Per layer 2·64·9 kernel values, η, θ, two of the normalisation, one of PReLU; decoder 9 + 2."""
    assert sum(p.numel() for p in AUIF().parameters()) == 20 * (2 * 64 * 9 + 2 + 2 + 1) + 9 + 2


@pytest.mark.parametrize("rule_name", AUIF_RULES)
def test_halo_bounds_what_a_pixel_reaches(rule_name: str) -> None:
    network = settled_auif(rule_name=rule_name).double()
    source = torch.rand(1, 1, 81, 81, dtype=torch.double)
    changed = source.clone()
    changed[..., 40, 40] += 0.5
    difference = (network.fuse([source, source * 0.5]) - network.fuse([changed, source * 0.5])).abs()[0, 0]
    reached = (difference > 1e-12).nonzero() - 40  # the box mean's running sums leave traces of rounding
    assert reached.abs().max() <= network.halo
    assert reached.abs().max() >= network.halo - 1 - network.rule_halo


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 9), (2, 2), (19, 4), (64, 65)])
def test_any_size_gives_a_finite_picture_in_the_unit_interval(height: int, width: int) -> None:
    network = settled_auif()
    fused = network.fuse(list(torch.rand(2, 3, 1, height, width)))
    assert fused.shape == (3, 1, height, width)
    assert ((fused > 0) & (fused < 1)).all()


def test_a_batch_is_its_pictures_one_by_one() -> None:
    network = settled_auif()
    first, second = torch.rand(2, 3, 1, 20, 21)
    together = network.fuse([first, second])
    for index in range(3):
        alone = network.fuse([first[index : index + 1], second[index : index + 1]])
        torch.testing.assert_close(together[index : index + 1], alone)


def test_recorded_and_unrecorded_inference_agree() -> None:
    network = settled_auif()
    source = torch.rand(1, 1, 30, 31)
    with torch.inference_mode():
        unrecorded = network(source)
    recorded = network.requires_grad_()(source)
    assert recorded.requires_grad
    torch.testing.assert_close(recorded.detach(), unrecorded, atol=1e-6, rtol=0)


def test_centring_changes_no_reconstruction_and_makes_the_means_zero() -> None:
    network = settled_auif().double()
    pictures = list(torch.rand(5, 1, 1, 40, 37, dtype=torch.double) ** 2)
    before = [network(picture) for picture in pictures]
    average = [f.mean() for f in map(torch.cat, zip(*map(network.encode, pictures), strict=True))]
    assert max(map(abs, average)) > 1e-3
    network.centre(pictures)
    for picture, expected in zip(pictures, before, strict=True):
        torch.testing.assert_close(network(picture), expected, atol=1e-12, rtol=0)
    for feature in map(torch.cat, zip(*map(network.encode, pictures), strict=True)):
        assert abs(feature.mean()) < 1e-12


def test_centring_takes_the_chance_of_a_constant_out_of_addition() -> None:
    """Networks that reproduce alike but differ by a constant in their base maps fuse alike once they are centred."""
    pictures = list(torch.rand(3, 1, 1, 33, 30, dtype=torch.double))
    fused = []
    for constant in (0.0, 0.8):
        network = settled_auif().double()
        network.base_mean -= constant
        network.decoder_norm.running_mean += constant * network.decoder_conv.weight.sum()
        network.centre(pictures)
        fused.append(network.fuse(pictures[:2]))
    torch.testing.assert_close(*fused, atol=1e-12, rtol=0)


def test_training_and_evaluation_differ_only_by_the_statistics() -> None:
    network = settled_auif().double()
    source = torch.rand(2, 1, 32, 32, dtype=torch.double)
    evaluated = network(source)
    network.train()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.eval()
    torch.testing.assert_close(network(source), evaluated, atol=1e-12, rtol=0)


@pytest.mark.parametrize(("height", "width"), [(40, 33), (19, 64), (7, 5)])
def test_the_first_maps_are_the_box_mean_of_11_and_the_laplacian_of_19(height: int, width: int) -> None:
    source = torch.rand(1, 1, height, width, dtype=torch.double)
    taps = np.ones((19, 19))
    taps[9, 9] = 1 - 361
    base = ndimage.correlate(source[0, 0].numpy(), np.full((11, 11), 1 / 121), mode="mirror")
    detail = ndimage.correlate(source[0, 0].numpy(), taps / 720, mode="mirror")
    for recorded in (False, True):
        network = AUIF(layers=1, filters=2)
        for branch, expected in (("base", base), ("detail", detail)):
            found = network.start(branch, source.requires_grad_(recorded))
            np.testing.assert_allclose(found[0, 0].detach().numpy(), expected, atol=1e-12)


def test_base_and_detail_go_through_the_encoders_of_their_name() -> None:
    network = settled_auif().double()
    source = torch.rand(1, 1, 30, 27, dtype=torch.double)
    base, detail = (network.start(branch, source) for branch in BRANCHES)
    for layer in network.base_encoder:
        base = layer.activation(layer.norm(layer.literal_step(base, source)))
    for layer in network.detail_encoder:
        detail = layer.activation(layer.norm(layer.literal_step(detail, source)))
    encoded = network.encode(source)
    torch.testing.assert_close(encoded.base, base, atol=1e-10, rtol=0)
    torch.testing.assert_close(encoded.detail, detail, atol=1e-10, rtol=0)


def test_a_fresh_network_has_the_first_values_of_the_paper() -> None:
    """θ is 10⁻³ in the base encoder and 1 in the detail encoder; slopes of PReLU start at 1, a decision of ours."""
    network = AUIF()
    assert len(network.base_encoder) == len(network.detail_encoder) == 10
    for encoder, theta in ((network.base_encoder, 1e-3), (network.detail_encoder, 1.0)):
        for layer in encoder:
            assert layer.theta.item() == pytest.approx(theta, rel=1e-6)
            assert isinstance(layer.activation, torch.nn.PReLU)
            assert layer.activation.weight.tolist() == [1.0]
    asked = AUIF(layers=1, filters=2, theta_base=0.25, theta_detail=0.5)
    assert (asked.base_encoder[0].theta.item(), asked.detail_encoder[0].theta.item()) == (0.25, 0.5)


@pytest.mark.parametrize("rule_name", AUIF_RULES)
@pytest.mark.parametrize("side", [3, 8, 29])
def test_tiled_equals_whole_with_every_rule(rule_name: str, side: int, monkeypatch: pytest.MonkeyPatch) -> None:
    fuser = Fuser(settled_auif(rule_name=rule_name), TASKS["infrared"])
    rng = np.random.default_rng(side)
    sources = [rng.random(shape, np.float32) for shape in ((61, 43), (61, 43, 3))]
    whole = fuser.fuse(sources, depth="float")
    monkeypatch.setattr(plan_module, "tile_side", lambda *_: side)
    tiled = fuser.fuse(sources, depth="float")
    assert whole.report.rule == rule_name
    assert (whole.report.tiles, tiled.report.tiles) == (1, -(-61 // side) * -(-43 // side))
    np.testing.assert_allclose(tiled.image, whole.image, atol=1e-5, rtol=0)

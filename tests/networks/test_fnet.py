"""FNet and IFNet: the printed equations, windows, the order of the sources, and what explain shows."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from helpers import noise, small_fnet
from imfuse import plan as plan_module
from imfuse.convert.fnet import MARKS, translated_name, translated_state
from imfuse.errors import UsageError
from imfuse.fuser import Fuser
from imfuse.networks.fnet import FNet
from imfuse.networks.ifnet import IFNet, InvertibleFNet
from imfuse.tasks import TASKS


def pair(height: int, width: int, batch: int = 1, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
    first, second = torch.rand(2, batch, 1, height, width, generator=torch.manual_seed(height), dtype=dtype)
    return first, second


def test_the_paper_network_has_419916_parameters() -> None:
    """Per block 19 kernels of 64·81 values for each channel and four scalars; five more kernels."""
    kernel = 64 * 81
    expected = 2 * (19 * kernel + 4) + (2 * 19 * kernel + 4) + 5 * kernel
    assert sum(p.numel() for p in FNet().parameters()) == expected == 419_916
    assert sum(p.numel() for p in IFNet().parameters()) == 2 * (19 * kernel + 4) + 2 * kernel


@pytest.mark.parametrize(("block", "margin"), [("lzsc", 0), ("lzsc", 3), ("lcsc", 0)])
@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 9), (2, 2), (19, 4), (40, 33)])
def test_fusion_is_the_printed_network_at_any_size(block: str, margin: int, height: int, width: int) -> None:
    network = small_fnet(block=block, margin=margin).double()
    sources = pair(height, width, 3, torch.double)
    expected = network.literal(*sources)
    torch.testing.assert_close(network.fuse(iter(sources)), expected, atol=1e-11, rtol=0)
    with torch.inference_mode():
        torch.testing.assert_close(network.fuse(list(sources)), expected, atol=1e-11, rtol=0)


def test_training_takes_the_same_gradients_as_the_printed_network() -> None:
    network = small_fnet(features=6, size=5).double().requires_grad_()
    sources = pair(15, 12, 2, torch.double)
    gradients = []
    for form in (network, network.literal):
        network.zero_grad()
        form(*sources).square().sum().backward()
        gradients.append([parameter.grad for parameter in network.parameters()])
    for merged, printed in zip(*gradients, strict=True):
        torch.testing.assert_close(merged, printed, atol=1e-9, rtol=1e-9)


def test_both_outputs_of_ifnet_have_a_decoder_of_their_own() -> None:
    """In the authors' code one of them never gets a gradient."""
    network = IFNet(features=4, size=3, modules=2)
    first, second = network(torch.rand(1, 1, 12, 12))
    (first.square().sum() + second.square().sum()).backward()
    assert all(parameter.grad is not None and parameter.grad.abs().max() > 0 for parameter in network.decoders)


@pytest.mark.parametrize("kind", [FNet, InvertibleFNet])
def test_halo_bounds_what_a_pixel_reaches(kind: type[FNet]) -> None:
    network = small_fnet(kind=kind).double()
    first, second = pair(101, 101, dtype=torch.double)
    changed = first.clone()
    changed[..., 50, 50] += 0.5
    if isinstance(network, InvertibleFNet):
        results = [torch.cat(network.round_trip(given, second)) for given in (first, changed)]
    else:
        results = [network.fuse([given, second]) for given in (first, changed)]
    reached = ((results[0] - results[1]).abs() > 1e-13).nonzero()[:, 2:] - 50
    assert network.halo - 2 <= reached.abs().max() <= network.halo


def test_the_halo_of_the_paper_network_is_80() -> None:
    assert FNet().halo == 80
    assert InvertibleFNet().halo == 120


def test_a_margin_is_what_the_sources_are_reflected_by() -> None:
    pictures = pair(21, 18)
    padded = [torch.from_numpy(np.pad(picture[0, 0], 4, "reflect"))[None, None] for picture in pictures]
    expected = small_fnet().fuse(padded)[..., 4:-4, 4:-4]
    torch.testing.assert_close(small_fnet(margin=4).fuse(pictures), expected, atol=1e-6, rtol=0)
    with pytest.raises(UsageError, match="margin"):
        FNet(margin=-1)


@pytest.mark.parametrize("task", ["infrared", "medical"])
@pytest.mark.parametrize("margin", [0, 7])
def test_windows_give_what_the_whole_gives(task: str, margin: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """At a picture's border too, outside of which it is zero for every convolution, or reflected."""
    fuser = Fuser(small_fnet(margin=margin), TASKS[task])
    pictures = [noise(150, 170, 1, 1), noise(150, 170, 1, 2)]
    whole = fuser.fuse(pictures, depth="float")
    monkeypatch.setattr(plan_module, "CACHE_SIDE", 40)
    tiled = fuser.fuse(pictures, depth="float")
    assert tiled.report.tiles > 12
    np.testing.assert_allclose(tiled.image, whole.image, atol=1e-4)
    assert np.abs(tiled.image - whole.image).mean() < 1e-6


def test_without_gradients_autocast_changes_nothing() -> None:
    network, sources = small_fnet(), pair(24, 20)
    with torch.no_grad():
        with torch.autocast("cpu", torch.bfloat16):
            fused = network.fuse(sources)
        assert torch.equal(fused, network.fuse(sources))


def test_what_is_reflected_takes_memory() -> None:
    network, wide = FNet(), FNet(margin=16)
    assert wide.bytes_per_pixel * 192**2 >= network.bytes_per_pixel * 224**2
    assert wide.explain_bytes_per_pixel * 192**2 >= network.explain_bytes_per_pixel * 224**2


def test_a_batch_is_its_pictures_one_by_one() -> None:
    network = small_fnet().double()
    first, second = pair(20, 21, 3, torch.double)
    together = network.fuse([first, second])
    for index in range(3):
        alone = network.fuse([first[index : index + 1], second[index : index + 1]])
        torch.testing.assert_close(together[index : index + 1], alone, atol=1e-12, rtol=0)


@pytest.mark.parametrize(("task", "order"), [("infrared", (0, 1)), ("medical", (1, 0))])
def test_the_network_gets_infrared_and_mri_first(task: str, order: tuple[int, int]) -> None:
    network = small_fnet()
    pictures = [noise(30, 25, 1, 1), noise(30, 25, 1, 2)]
    tensors = [torch.from_numpy(picture)[None, None].float() / 255 for picture in pictures]
    fused = Fuser(network, TASKS[task]).fuse(pictures, depth="float")
    expected = network.fuse([tensors[index] for index in order])
    swapped = network.fuse([tensors[index] for index in reversed(order)])
    assert (expected - swapped).abs().max() > 1e-2
    np.testing.assert_allclose(fused.image, expected[0, 0], atol=1e-5)


def test_colour_of_the_functional_picture_survives_the_change_of_order() -> None:
    network = small_fnet()
    colour, gray = noise(20, 22, 3, 1), noise(20, 22, 1, 2)
    result = Fuser(network, TASKS["medical"]).fuse([colour, gray])
    assert result.image.shape == (20, 22, 3)
    assert [source.role for source in result.report.sources] == ["functional", "mri"]


@pytest.mark.parametrize("count", [1, 3])
def test_other_numbers_of_sources_are_refused(count: int) -> None:
    with pytest.raises(UsageError, match="two pictures"):
        small_fnet().fuse([torch.rand(1, 1, 4, 4)] * count)


def test_an_unknown_block_is_refused() -> None:
    with pytest.raises(UsageError, match="lzsc, lcsc"):
        FNet(block="ista")


@pytest.mark.parametrize("settings", [{}, {"margin": 5}, {"kind": InvertibleFNet}])
@pytest.mark.parametrize("task", ["infrared", "medical"])
def test_common_and_unique_parts_sum_to_the_fused_picture(settings: dict[str, Any], task: str) -> None:
    fuser = Fuser(small_fnet(**settings), TASKS[task])
    pictures = [noise(33, 28, 1, 1), noise(33, 28, 1, 2)]
    parts = fuser.explain(pictures)
    names = [role.name for role in TASKS[task].roles]
    total = parts["common"] + sum(parts[f"{name}_unique"] for name in names)
    np.testing.assert_allclose(total, parts["fused"], atol=1e-6)
    np.testing.assert_allclose(parts["fused"], fuser.fuse(pictures, depth="float").image, atol=1e-5)
    assert list(parts) == fuser.part_names()


def test_parts_are_named_by_modality_and_not_by_number() -> None:
    """Whatever the order in which the network gets them: the unique part of the MRI is made of the MRI alone."""
    fuser = Fuser(small_fnet(), TASKS["medical"])
    functional, mri = noise(20, 20, 1, 1), noise(20, 20, 1, 2)
    before = fuser.explain([functional, mri])
    after = fuser.explain([noise(20, 20, 1, 3), mri])
    np.testing.assert_allclose(before["mri"], mri / 255, atol=1e-6)
    np.testing.assert_array_equal(before["mri_unique"], after["mri_unique"])
    assert np.abs(before["functional_unique"] - after["functional_unique"]).max() > 1e-3
    assert np.abs(before["common"] - after["common"]).max() > 1e-3


def test_shares_of_features_are_those_that_passed_the_threshold() -> None:
    network = small_fnet(block="lcsc")
    pictures = [noise(20, 20, 1, 1), noise(20, 20, 1, 2)]
    parts = Fuser(network, TASKS["infrared"]).explain(pictures)
    source = torch.from_numpy(pictures[0])[None, None].float() / 255
    for index, iterate in enumerate(network.first_coder.iterates(source)):
        share = (iterate.features != 0).float().mean(1)[0]
        np.testing.assert_allclose(parts[f"infrared_nonzero_{index}"], share, atol=1e-6)
    strongest = network.unique_decoders[0].square().sum((0, 2, 3)).argmax()
    np.testing.assert_allclose(parts["infrared_feature_1"], iterate.features[0, strongest], atol=1e-5)


def test_windows_explain_what_the_whole_explains(monkeypatch: pytest.MonkeyPatch) -> None:
    fuser = Fuser(small_fnet(kind=InvertibleFNet), TASKS["infrared"])
    pictures = [noise(120, 90, 1, 1), noise(120, 90, 1, 2)]
    whole = fuser.explain(pictures)
    monkeypatch.setattr(plan_module, "CACHE_SIDE", 40)
    tiled = fuser.explain(pictures)
    for name in whole:
        assert np.abs(whole[name] - tiled[name]).mean() < 1e-5, name


def with_inverse(**arguments: object) -> FNet:
    network = small_fnet(**arguments)
    network.take_inverse(small_fnet(1, kind=InvertibleFNet))
    return network


def test_the_sources_are_had_back_from_what_the_first_stage_fuses(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the network that IFNet was trained with, in windows as in the whole; the rest is as without it."""
    network, first_stage = with_inverse(margin=3), small_fnet(1, kind=InvertibleFNet)
    pictures = [noise(110, 90, 1, 1), noise(110, 90, 1, 2)]
    tensors = [torch.from_numpy(picture)[None, None].float() / 255 for picture in pictures]
    fuser = Fuser(network, TASKS["infrared"])
    parts = fuser.explain(pictures)
    assert list(parts) == fuser.part_names()
    for name, expected in zip(("infrared", "visible"), first_stage.round_trip(*tensors), strict=True):
        np.testing.assert_allclose(parts[f"{name}_reconstructed"], expected[0, 0], atol=1e-4)
    alone = Fuser(small_fnet(margin=3), TASKS["infrared"]).explain(pictures)
    assert set(parts) - set(alone) == {"infrared_reconstructed", "visible_reconstructed"}
    for name in alone:
        np.testing.assert_allclose(parts[name], alone[name], atol=1e-6)
    monkeypatch.setattr(plan_module, "CACHE_SIDE", 30)
    tiled = fuser.explain(pictures)
    for name in ("infrared_reconstructed", "visible_reconstructed"):
        assert np.abs(tiled[name] - parts[name]).mean() < 1e-5


def test_an_inverse_is_no_part_of_the_network() -> None:
    """Neither of its size, nor of its weights, nor of what a window of the fused picture depends on."""
    network, alone = with_inverse(), small_fnet()
    assert network.state_dict().keys() == alone.state_dict().keys()
    assert network.halo == alone.halo < network.explain_halo == small_fnet(kind=InvertibleFNet).halo
    with pytest.raises(UsageError, match="gives no sources back"):
        network.take_inverse(alone)


def test_every_feature_has_a_scale_of_its_own() -> None:
    """Codes have nothing to do with one another, and a faint one would be gray beside a strong one."""
    parts = Fuser(small_fnet(), TASKS["infrared"]).explain([noise(20, 20, 1, 1), noise(20, 20, 1, 2)])
    features = [name for name in parts if "_feature_" in name]
    assert len(features) == 3 * 5
    for name in features:
        shown, _ = parts.displayed(name)
        assert np.abs(shown - 0.5).max() > 0.49
        np.testing.assert_array_equal(shown > 0.5, parts[name] > 0)
    unique = {parts.displayed(name)[1] for name in ("infrared_unique", "visible_unique", "common")}
    assert len(unique) == 1


def test_the_parts_are_no_shares() -> None:
    with pytest.raises(UsageError, match="no shares of the sources: imfuse explain"):
        Fuser(small_fnet(), TASKS["infrared"]).fuse([noise(9, 9, 1, 1), noise(9, 9, 1, 2)], shares="winner")


def test_every_entry_of_the_released_file_has_a_place() -> None:
    """Its names, as its authors wrote them, are those of all parameters, each once."""
    modules = {"x0_block": ["conv_in"], "x1_block": ["conv_in", "basic_layer.ch_down", "basic_layer.ch_up"]}
    layers = [f"basic_layer{layer}.ch_{way}" for layer in (1, 2) for way in ("down", "up")]
    modules |= {f"IM.{index}": ["conv_in", *layers] for index in range(3)}
    names = [f"{module}.{layer}.weight" for module, held in modules.items() for layer in held]
    names += ["w_theta", "b_theta", "w_ro", "b_ro"]
    released = [f"{net}.{name}" for net in ("net_u", "net_v", "net_z") for name in names]
    released += ["conv_u.weight", "conv_v.weight", *(f"decoder.conv_{index}.weight" for index in (1, 2, 3))]
    assert sorted(map(str, map(translated_name, released))) == sorted(FNet().state_dict())
    assert frozenset(released) >= MARKS
    assert [translated_name(name) for name in ("net_u.IM.0.other.weight", "net_w.w_theta", "x")] == [None] * 3


@pytest.mark.data
@pytest.mark.parametrize(("name", "side", "compared"), [("MRI_CT_11", 256, 256), ("RoadScene_FLIR_07555", 190, 110)])
def test_published_outputs(reference_dir: Path, name: str, side: int, compared: int) -> None:
    """The printed order of operations gives the published values; another order of the sums differs by rounding.

    T jumps at zero (by 2αθ / (1 + e^{γθ})), and four thresholds in a row amplify a last bit: of the published picture
    itself, a computation in float64 differs by 4e-4 at most.
    """
    network = FNet().eval()
    network.load_state_dict(translated_state(torch.load(reference_dir / "weights/FNet.pth", weights_only=True)))
    with np.load(reference_dir / f"outputs/fnet/{name}.npz") as arrays:
        # Pictures of which a part is taken; what its cut sides change is not compared.
        first, second, expected, features = (
            torch.from_numpy(arrays[key])[..., :side, :side] for key in ("A", "B", "out", "net_u_first4")
        )
    inside = (slice(None, compared), slice(None, compared))
    with torch.inference_mode():
        literal = network.literal(first[None, None], second[None, None])[0, 0]
        assert (literal - expected)[inside].abs().max() < 1e-4
        found = network.first_coder(first[None, None])[0, :4]
        assert (found - features)[:, *inside].abs().mean() < 1e-6
        difference = (network.fuse([first[None, None], second[None, None]])[0, 0] - expected)[inside].abs()
    assert difference.mean() < 1e-5
    assert difference.max() < 5e-4
    assert (difference < 1e-4).float().mean() > 0.998

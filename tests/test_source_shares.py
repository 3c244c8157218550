"""Which source won where: what holds for the shares of every model that has them."""

import functools
import weakref
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from helpers import noise, settled_ifcnn
from imfuse import plan as plan_module
from imfuse.data.focus_pairs import DepthScene, focus_pair
from imfuse.data.samples import focus_stack
from imfuse.data.samples.stacks import FocusStack
from imfuse.errors import UsageError
from imfuse.fuser import Fuser
from imfuse.io import Window
from imfuse.networks.ifcnn import IFCNN
from imfuse.networks.protocol import FusionNetwork
from imfuse.plan import working_bytes
from imfuse.registry import build_network
from imfuse.rules.shares import as_shares, greatest
from imfuse.tasks import task

NAMES = ["ifcnn", "guided_filter", "exposure_fusion", "maximum", "pca"]
each_network = pytest.mark.parametrize("name", NAMES)


@functools.cache
def network(name: str) -> FusionNetwork:
    return settled_ifcnn() if name == "ifcnn" else build_network(name, {}).eval()


def pictures(count: int, height: int = 41, width: int = 38, channels: int = 3, batch: int = 1) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(count)
    return list(torch.rand(count, batch, channels, height, width, generator=generator))


@each_network
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("count", "height", "width"), [(2, 1, 1), (3, 1, 9), (2, 40, 33), (30, 12, 9)])
def test_shares_are_not_negative_and_sum_to_one(name: str, channels: int, count: int, height: int, width: int) -> None:
    shares = network(name).source_shares(iter(pictures(count, height, width, channels, batch=2)))
    assert shares.shape == (2, count, height, width)
    assert shares.min() >= 0
    torch.testing.assert_close(shares.sum(1), torch.ones(2, height, width), atol=1e-5, rtol=0)


@each_network
@pytest.mark.parametrize("count", [2, 5])
def test_another_order_of_the_sources_is_another_order_of_the_shares(name: str, count: int) -> None:
    sources = pictures(count)
    order = torch.randperm(count, generator=torch.Generator().manual_seed(0)).tolist()
    shares = network(name).source_shares(sources)
    permuted = network(name).source_shares([sources[index] for index in order])
    torch.testing.assert_close(permuted, shares[:, order], atol=2e-4, rtol=0)


@each_network
def test_equal_sources_share_equally(name: str) -> None:
    one, other = pictures(2)
    torch.testing.assert_close(network(name).source_shares([one] * 3), torch.full((1, 3, 41, 38), 1 / 3))
    shares = network(name).source_shares([one, other, one])
    torch.testing.assert_close(shares[:, 0], shares[:, 2], atol=1e-5, rtol=0)


def test_maximum_and_exposures_are_weighed_by_their_formulas() -> None:
    sources = [torch.tensor(values).reshape(1, 1, 1, 3) for values in ([0.1, 0.9, 0.5], [0.4, 0.2, 0.5])]
    expected = torch.tensor([[[0.0, 1, 0.5]], [[1.0, 0, 0.5]]])[None]
    torch.testing.assert_close(network("maximum").source_shares(sources), expected)
    method = build_network("exposure_fusion", {"contrast": 0})
    weights = torch.cat([torch.exp(-((source - 0.5) ** 2) / 0.08) for source in sources], 1)
    torch.testing.assert_close(method.source_shares(sources), weights / weights.sum(1, keepdim=True))


def test_shares_of_principal_components_make_the_result() -> None:
    sources = pictures(3)
    shares = network("pca").source_shares(sources)
    fused = sum(share.unsqueeze(1) * source for share, source in zip(shares.unbind(1), sources, strict=True))
    torch.testing.assert_close(network("pca").fuse(sources), fused)


def test_the_details_of_the_guided_filter_are_weighed_by_its_shares() -> None:
    """A radius of 0 and a great ε leave the bases their mean: what is left of the result are the weighed details."""
    from imfuse.ops.filters import box_mean

    sources = pictures(3, channels=1)
    method = build_network("guided_filter", {"base_radius": 45, "base_epsilon": 1e9})
    shares = method.source_shares(sources).unbind(1)
    details = [source - box_mean(source, 31) for source in sources]
    detail = sum(share.unsqueeze(1) * part for share, part in zip(shares, details, strict=True))
    bases = method.fuse(sources) - detail
    assert bases.std() < 0.1 * detail.std()


def test_ifcnn_shares_what_the_maximum_takes_beyond_the_mean() -> None:
    """By brute force, with all features at once; ties among three share the energy."""
    net = settled_ifcnn().double()
    one, other = (source.double() for source in pictures(2))
    sources = [one, other, one]
    normal = [(source - net.mean) / net.deviation for source in sources]
    features = torch.stack([net.conv2(net._conv1(source)) for source in normal])
    most = features.amax(0)
    won = (features >= most - 1e-9).double()
    energy = (won / won.sum(0) * (most - features.mean(0)).square()).sum(2)
    expected = (energy + 1e-12) / (energy + 1e-12).sum(0)
    torch.testing.assert_close(net.source_shares(sources), expected.transpose(0, 1), atol=1e-9, rtol=0)


def test_rules_that_take_the_same_of_all_have_no_shares() -> None:
    net = settled_ifcnn(rule_name="average")
    for model, words in ((net, "average takes the same"), (build_network("average", {}), "average takes the same")):
        with pytest.raises(UsageError, match=words):
            model.source_shares(pictures(2))
    with pytest.raises(UsageError, match="guided-filter"):
        build_network("laplacian_pyramid", {}).source_shares(pictures(2))
    with pytest.raises(UsageError, match="guided-filter"):
        Fuser(build_network("adf", {}), task("infrared")).check_options(shares="winner")
    fuser = Fuser(network("maximum"), task("focus"))
    with pytest.raises(UsageError, match="winner or weights"):
        fuser.check_options(shares="some")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="one by one"):
        fuser.fuse([torch.rand(2, 3, 9, 9)] * 2, shares="winner")
    with pytest.raises(UsageError, match="257 sources: a map tells 256 apart"):
        fuser.fuse([noise(2, 2)] * 257, shares="winner")
    with pytest.raises(UsageError, match="at least one"):
        network("maximum").source_shares([])


def test_the_greatest_of_many_maps_counts_those_that_have_it() -> None:
    maps = [torch.tensor(values).reshape(1, 1, 1, 3) for values in ([1.0, 5, 2], [3.0, 5, 2], [2.0, 4, 2])]
    best, ties = greatest(iter(maps))
    assert best.flatten().tolist() == [3, 5, 2]
    assert ties.flatten().tolist() == [1, 2, 3]
    assert as_shares([-maps[0], maps[1]]).flatten().tolist() == pytest.approx([0, 0, 0, 1, 1, 1], abs=1e-9)


@each_network
@pytest.mark.parametrize("side", [33, 47])
def test_windows_have_the_shares_of_the_whole(name: str, side: int, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = "exposure" if name == "exposure_fusion" else "focus"
    fuser = Fuser(network(name), task(chosen), name)
    stack = [noise(140, 127, seed=seed) // 2 + np.uint8(40 * seed) for seed in range(3)]
    whole = fuser.fuse(stack, shares="weights")
    monkeypatch.setattr(plan_module, "tile_side", lambda *_: side)
    tiled = fuser.fuse(stack, shares="weights")
    assert whole.report.tiles == 1 < tiled.report.tiles
    assert whole.shares is not None
    assert tiled.shares is not None
    np.testing.assert_array_equal(tiled.image, whole.image)
    assert np.abs(tiled.shares.weights.astype(int) - whole.shares.weights).max() <= 1
    two = np.sort(whole.shares.weights, axis=0)[-2:].astype(int)
    clear = two[1] - two[0] > 2
    np.testing.assert_array_equal(tiled.shares.winner[clear], whole.shares.winner[clear])


@each_network
def test_the_fuser_quantises_the_shares_and_leaves_the_picture_alone(name: str) -> None:
    chosen = "exposure" if name == "exposure_fusion" else "focus"
    fuser = Fuser(network(name), task(chosen))
    stack = [noise(30, 31, seed=seed) for seed in range(4)]
    result = fuser.fuse(stack, shares="weights")
    np.testing.assert_array_equal(result.image, fuser.fuse(stack).image)
    sources = [torch.from_numpy(np.moveaxis(picture, -1, 0).copy())[None].float() / 255 for picture in stack]
    expected = network(name).source_shares(sources)[0].numpy()
    shown = result.shares
    assert shown is not None
    assert shown.names == ("picture-1", "picture-2", "picture-3", "picture-4")
    np.testing.assert_allclose(shown.weights / 255, expected, atol=0.5 / 255 + 1e-4)
    np.testing.assert_array_equal(shown.winner, expected.argmax(0))
    np.testing.assert_allclose(shown.fractions(), np.bincount(shown.winner.ravel(), minlength=4) / 930)
    only = fuser.fuse(stack, shares="winner").shares
    assert only is not None
    assert only.weights is None
    np.testing.assert_array_equal(only.winner, shown.winner)


@pytest.mark.parametrize("held", [2**20, 0])
def test_a_stretched_result_has_the_same_shares(held: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether it is held until it is stretched, or every window is fused twice."""
    fuser = Fuser(network("maximum"), task("exposure"))
    bracket = [noise(70, 60, seed=seed) // 2 + np.uint8(40 * seed) for seed in range(3)]
    plain = fuser.fuse(bracket, shares="weights").shares
    monkeypatch.setattr(plan_module, "tile_side", lambda *_: 33)
    monkeypatch.setattr(plan_module, "_held_result", lambda *_: held)
    stretched = fuser.fuse(bracket, shares="weights", stretch=True)
    assert plain is not None
    assert stretched.shares is not None
    assert stretched.report.tiles > 1
    np.testing.assert_array_equal(stretched.shares.weights, plain.weights)


@pytest.mark.parametrize("name", ["ifcnn", "guided_filter", "maximum", "exposure_fusion"])
def test_one_source_is_in_memory_at_a_time(name: str) -> None:
    seen: list[weakref.ref[torch.Tensor]] = []
    most = 0

    class Read:
        place = Window(0, 0, 20, 20)

        def __iter__(self) -> Iterator[torch.Tensor]:
            nonlocal most
            for _ in range(9):
                made = torch.rand(1, 3, 20, 20)
                seen.append(weakref.ref(made))
                most = max(most, sum(one() is not None for one in seen))
                yield made
                del made

    assert network(name).source_shares(Read()).shape[1] == 9
    assert most <= 2  # the one that is read, and the one before, which the plan counts as well


def test_shares_of_more_sources_get_smaller_windows() -> None:
    model = network("guided_filter")
    assert working_bytes(model, 30, "shares") == working_bytes(model, 10, "shares") + 2 * 4 * 20
    fuser = Fuser(network("maximum"), task("focus"))
    stack = [noise(100, 110, seed=seed) for seed in range(30)]
    roomy, narrow = (fuser.fuse(stack, shares="winner", memory=memory) for memory in ("1GiB", "2MiB"))
    assert roomy.report.tiles == 1 < narrow.report.tiles
    np.testing.assert_array_equal(narrow.shares.winner, roomy.shares.winner)


def textured(picture: np.ndarray) -> np.ndarray:
    """Where a Sobel gradient of the gray picture is above 16 of 255."""
    gray = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return np.hypot(cv2.Sobel(gray, -1, 1, 0), cv2.Sobel(gray, -1, 0, 1)) > 16


@functools.cache
def desk() -> FocusStack:
    return focus_stack(count=3, height=160, width=212)


def sharp_side_found(model: FusionNetwork) -> float:
    """How many of the textured pixels go to the picture that is sharp there."""
    stack = desk()
    scene = DepthScene("table", stack.all_in_focus, (stack.depth / stack.depth.max()).astype(np.float32))
    middle = float(np.median(scene.depth))
    pair = focus_pair(scene, 5, middle)
    shares = Fuser(model, task("focus")).fuse([pair.near, pair.far], shares="winner").shares
    assert shares is not None
    far = (scene.depth > middle)[textured(scene.colour)]
    assert 0.3 < far.mean() < 0.7
    return float((shares.winner[textured(scene.colour)] == far).mean())


def test_the_sharp_half_of_a_pair_wins() -> None:
    assert sharp_side_found(network("guided_filter")) > 0.9


def test_the_sharpest_of_a_stack_wins() -> None:
    stack = desk()
    shares = Fuser(network("guided_filter"), task("focus")).fuse(stack.pictures, shares="winner").shares
    assert shares is not None
    sharpest = np.stack([stack.confusion(index) for index in range(3)]).argmin(0)
    assert (shares.winner == sharpest)[textured(stack.all_in_focus)].mean() > 0.9


@pytest.mark.data
def test_the_published_network_lets_the_sharp_side_win(reference_dir: Path) -> None:
    model = IFCNN().eval()
    weights = torch.load(reference_dir / "weights" / "IFCNN-MAX.pth", map_location="cpu", weights_only=True)
    model.load_state_dict(weights, strict=False)
    assert sharp_side_found(model) > 0.8

"""What holds for every method without weights, whatever it does."""

import functools
from collections.abc import Callable

import numpy as np
import pytest
import torch

from imfuse import plan as plan_module
from imfuse.errors import UsageError
from imfuse.fuser import Fuser
from imfuse.networks.protocol import FusionNetwork, Placed
from imfuse.registry import CLASSICAL, build_network
from imfuse.tasks import TASKS
from windows import Windows, fuse_in_windows

CARDS = {card.name: card for card in CLASSICAL if "spectral" not in card.tasks}
WEIGHS_COLOUR = {"exposure-fusion"}
"""Methods that see in colours what their luma does not show."""

each_method = pytest.mark.parametrize("name", CARDS)


@functools.cache
def method(name: str) -> FusionNetwork:
    return build_network(CARDS[name].network, CARDS[name].arguments).eval()


def pictures(count: int, height: int, width: int, channels: int = 1, batch: int = 1) -> list[torch.Tensor]:
    """Smooth structures and some noise, so that sources differ in what they show best."""
    torch.manual_seed(count * height + width)
    made = []
    for _ in range(count):
        coarse = torch.rand(batch, channels, -(-height // 7) + 1, -(-width // 5) + 1)
        smooth = torch.nn.functional.interpolate(coarse, (height, width), mode="bilinear", align_corners=False)
        made.append(0.8 * smooth + 0.2 * torch.rand(batch, channels, height, width))
    return made


@each_method
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("count", [2, 3])
def test_equal_sources_are_the_result(name: str, channels: int, count: int) -> None:
    source = pictures(1, 45, 38, channels)[0]
    torch.testing.assert_close(method(name).fuse([source] * count), source, atol=2e-6, rtol=0)


@each_method
def test_flat_pictures_give_a_flat_one_between_them(name: str) -> None:
    levels = (0.2, 0.5, 0.9)
    fused = method(name).fuse([torch.full((1, 1, 21, 30), level) for level in levels])
    assert fused.max() - fused.min() < 1e-6
    assert levels[0] - 1e-6 < fused.mean() < levels[-1] + 1e-6
    expected = {"maximum": 0.9}.get(name, sum(levels) / 3)
    if name != "exposure-fusion":  # the well-exposed one counts as much: none has contrast
        assert fused.mean() == pytest.approx(expected, abs=1e-6)


@each_method
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (2, 2), (19, 4), (33, 64)])
@pytest.mark.parametrize("channels", [1, 3])
def test_any_size_and_any_number_gives_a_finite_picture(name: str, size: tuple[int, int], channels: int) -> None:
    for count in (2, 4):
        sources = pictures(count, *size, channels, batch=2)
        copies = [source.clone() for source in sources]
        fused = method(name).fuse(iter(sources))
        assert fused.shape == sources[0].shape
        assert fused.isfinite().all()
        assert all(torch.equal(source, copy) for source, copy in zip(sources, copies, strict=True))


@each_method
def test_a_batch_is_its_pictures_one_by_one(name: str) -> None:
    sources = pictures(2, 40, 33, 3, batch=3)
    together = method(name).fuse(sources)
    for index in range(3):
        alone = method(name).fuse([source[index : index + 1] for source in sources])
        torch.testing.assert_close(together[index : index + 1], alone, atol=1e-6, rtol=0)


@each_method
@pytest.mark.parametrize("count", [2, 4])
def test_the_order_of_the_sources_does_not_matter(name: str, count: int) -> None:
    sources = pictures(count, 40, 35, 3)
    torch.testing.assert_close(method(name).fuse(sources), method(name).fuse(sources[::-1]), atol=2e-6, rtol=0)


@each_method
def test_gray_pictures_as_rgb_stay_gray_and_are_fused_alike(name: str) -> None:
    gray = pictures(3, 50, 41)
    colour = method(name).fuse([source.expand(-1, 3, -1, -1) for source in gray])
    torch.testing.assert_close(colour[:, 1:], colour[:, :-1], atol=1e-6, rtol=0)
    if name not in WEIGHS_COLOUR:
        torch.testing.assert_close(colour[:, :1], method(name).fuse(gray), atol=1e-5, rtol=0)


@each_method
def test_one_decision_for_all_channels(name: str) -> None:
    """Sources that are the same up to one colour give that colour: no channel is taken from elsewhere."""
    tint = torch.tensor([1.0, 0.5, 0.25]).reshape(1, 3, 1, 1)
    tinted = method(name).fuse([source * tint for source in pictures(3, 50, 41)])
    torch.testing.assert_close(tinted / tint, tinted[:, :1].expand(-1, 3, -1, -1), atol=1e-5, rtol=0)


@each_method
@pytest.mark.parametrize(("side", "channels"), [(33, 3), (70, 1)])
def test_windows_give_what_whole_pictures_give(name: str, side: int, channels: int) -> None:
    sources = pictures(3, 150, 127, channels)
    whole = method(name).fuse(sources)
    torch.testing.assert_close(fuse_in_windows(method(name), sources, side), whole, atol=1e-5, rtol=0)


@each_method
def test_windows_of_pictures_that_are_flat_in_places(name: str) -> None:
    """Where nothing is salient, rounding must not decide: it differs between windows."""
    sources = [(4 * source).round() / 4 for source in pictures(2, 140, 131)]
    sources[0][..., 20:90, 15:70] = 1 / 3
    sources[1][..., 40:110, 30:120] = 0.7
    whole = method(name).fuse(sources)
    torch.testing.assert_close(fuse_in_windows(method(name), sources, 41), whole, atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", [name for name in CARDS if "infrared" in CARDS[name].tasks])
def test_the_fuser_gives_the_same_with_little_memory(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fuser = Fuser(method(name), TASKS["infrared"], name)
    rng = np.random.default_rng(0)
    sources = [rng.random(shape, np.float32) for shape in ((90, 71), (90, 71, 3))]
    whole = fuser.fuse(sources, depth="float")
    monkeypatch.setattr(plan_module, "tile_side", lambda *_: 32)
    tiled = fuser.fuse(sources, depth="float")
    assert (whole.report.tiles, tiled.report.tiles) == (1, 9)
    np.testing.assert_allclose(tiled.image, whole.image, atol=1e-5, rtol=0)


def reach(network: FusionNetwork, fuse: Callable[[list[torch.Tensor]], torch.Tensor], side: int) -> int:
    """How far a changed pixel is seen, beside what the survey tells of it."""
    generator = torch.Generator().manual_seed(0)
    sources = list(torch.rand(2, 1, 1, side, side, generator=generator, dtype=torch.double))
    changed = [sources[0].clone(), sources[1]]
    changed[0][..., side // 2, side // 2] += 0.5
    seen = ((fuse(sources) - fuse(changed)).abs()[0, 0] > 1e-12).nonzero() - side // 2
    return int(seen.abs().max())


@each_method
def test_halo_bounds_what_a_pixel_reaches(name: str) -> None:
    network = method(name)
    side = 2 * (network.halo + network.alignment) + 3
    first = [torch.rand(1, 1, side, side, dtype=torch.double) for _ in range(2)]
    whole = Windows(first, plan_module.Window(0, 0, side, side))
    core = slice(0, side), slice(0, side)
    survey = network.survey(whole, core) if network.surveyed else None

    def fuse(sources: list[torch.Tensor]) -> torch.Tensor:
        return network.fuse(Windows(sources, whole.place), survey)

    reached = reach(network, fuse, side)
    assert reached <= network.halo
    # What reaches farthest is least: the corner of a filter, or a step of all that a pyramid takes.
    assert reached >= network.halo // 2 - 1


@each_method
def test_nothing_to_fuse_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="at least one"):
        method(name).fuse([])


def test_windows_that_say_where_they_lie_are_told_from_those_that_do_not() -> None:
    assert isinstance(Windows([], plan_module.Window(0, 0, 1, 1)), Placed)
    network = method("exposure-fusion")
    with pytest.raises(UsageError, match="where"):
        network.survey(pictures(2, 8, 8), (slice(0, 8), slice(0, 8)))

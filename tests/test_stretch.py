"""The stretch of brackets: percentiles of the result as black and white, by one pair of limits."""

from collections.abc import Iterable

import numpy as np
import pytest
import torch

from helpers import Average, ColourAverage, noise, settled_csc_mefn
from imfuse import plan as plan_module
from imfuse import quantise as quantise_module
from imfuse import stretch as stretch_module
from imfuse.classical.exposure_fusion import ExposureFusion
from imfuse.errors import UsageError
from imfuse.fuser import Fuser
from imfuse.networks.protocol import FusionNetwork
from imfuse.ops import colour
from imfuse.ops.colour import LUMA_WEIGHTS
from imfuse.quantise import OutputDepth
from imfuse.stretch import Histogram, Limits
from imfuse.tasks import TASKS, task

RESOLUTION = 2e-6
EXPOSURE = task("exposure")


class Stretching(ColourAverage):
    """A model that has the stretch as its own last step."""

    stretches = True


class First(FusionNetwork):
    """Gives the first source as it is."""

    bytes_per_pixel = 8
    halo = 0
    takes_colour = True

    def fuse(self, sources: Iterable[torch.Tensor], survey: object = None) -> torch.Tensor:
        return next(iter(sources)).clone()


def bracket(height: int = 30, width: int = 41, dtype: type = np.uint8, channels: int = 3) -> list[np.ndarray]:
    """Two pictures of low contrast and different means."""
    return [
        noise(height, width, channels, seed, dtype) // 4 + np.iinfo(dtype).max // 5 * (seed + 1) for seed in range(2)
    ]


def ranked(values: np.ndarray) -> tuple[float, float]:
    """The values at ranks 0.5 % and 99.5 %, by sorting."""
    ordered = np.sort(values.ravel())
    return tuple(ordered[[-(-values.size * share // 1000) - 1 for share in (5, 995)]])


@pytest.mark.parametrize("size", [1, 2, 7, 199, 200, 201, 1000, 4321])
def test_limits_are_ranked_values_to_a_bin(size: int) -> None:
    values = np.random.default_rng(size).normal(0.4, 0.1, size).astype(np.float32)
    histogram = Histogram()
    for part in np.array_split(values, 3):
        histogram.add(torch.from_numpy(part))
    limits = histogram.limits()
    assert (limits.low, limits.high) == pytest.approx(ranked(values), abs=RESOLUTION)


def test_values_far_beyond_are_counted_at_the_ends() -> None:
    histogram = Histogram()
    histogram.add(torch.cat([torch.full((990,), 0.5), torch.tensor([-40.0] * 5 + [1e6] * 5)]))
    limits = histogram.limits()
    assert (limits.low, limits.high) == pytest.approx((-0.5, 0.5), abs=RESOLUTION)


@pytest.mark.parametrize("depth", [8, 16, "float"])
@pytest.mark.parametrize("channels", [1, 3])
def test_one_pair_of_percentiles_of_all_channels_becomes_black_and_white(depth: object, channels: int) -> None:
    pictures = bracket(channels=channels)
    plain = Fuser(ColourAverage(), EXPOSURE).fuse(pictures, depth="float").image
    result = Fuser(ColourAverage(), EXPOSURE).fuse(pictures, depth=depth, stretch=True)
    low, high = ranked(plain)
    expected = (plain - low) / (high - low)
    assert (result.report.stretch.low, result.report.stretch.high) == pytest.approx((low, high), abs=RESOLUTION)
    beyond = ((expected < 0) | (expected > 1)).reshape(*expected.shape[:2], -1).any(-1).mean()
    assert result.report.beyond == pytest.approx(beyond, abs=3e-3)
    assert any("percentiles 0.5 and 99.5" in note for note in result.report.notes)
    if depth == "float":
        np.testing.assert_allclose(result.image, expected, atol=1e-5)
        return
    white = 2**depth - 1
    assert result.image.dtype == (np.uint8 if depth == 8 else np.uint16)
    np.testing.assert_allclose(result.image, np.clip(expected, 0, 1) * white, atol=0.5 + 1e-5 * white)


@pytest.mark.parametrize("depth", [8, 16])
def test_chroma_that_was_merged_keeps_its_hue_where_the_stretch_clips(depth: int) -> None:
    """Luma is clipped, the colour is paled: burnt pixels are white, and no channel is clipped by itself."""
    pictures = bracket(60, 71)
    pictures[1][:10] = [255, 240, 30]
    fuser, white = Fuser(Average(), EXPOSURE), 2**depth - 1
    stretched = fuser.fuse(pictures, depth="float", stretch=True)
    result = fuser.fuse(pictures, depth=depth, stretch=True)
    assert stretched.report.beyond == pytest.approx(result.report.beyond, abs=2e-2)
    assert result.report.beyond > 0.01
    assert any("colours are paled" in note for note in result.report.notes)
    assert any("float keeps" in note for note in stretched.report.notes)
    rgb = stretched.image.astype(np.float64)
    y = rgb @ LUMA_WEIGHTS
    distance = rgb - y[..., None]
    with np.errstate(divide="ignore", invalid="ignore"):
        rooms = np.where(distance > 0, 1 - y[..., None], y[..., None]) / np.abs(distance)
    kept = np.clip(np.nanmin(rooms, -1), 0, 1)
    expected = np.clip(y[..., None] + kept[..., None] * distance, 0, 1)
    np.testing.assert_allclose(result.image, expected * white, atol=0.5 + 1e-5 * white)


def test_colours_keep_their_balance() -> None:
    """A pair of limits for each channel would turn a yellow picture gray."""
    red, green, blue = (noise(40, 50, 1, seed).astype(np.float32) / 255 for seed in range(3))
    yellow = np.dstack([0.5 + 0.3 * red, 0.4 + 0.3 * green, 0.1 + 0.1 * blue])
    fused = Fuser(First(), EXPOSURE).fuse([yellow, yellow], depth="float", stretch=True).image
    differences = [(picture[..., 0] - picture[..., 2]).ravel() for picture in (yellow, fused)]
    assert np.corrcoef(*differences)[0, 1] == pytest.approx(1, abs=1e-6)
    assert fused[..., 2].max() < 0.25


@pytest.mark.parametrize("side", [16, 33])
@pytest.mark.parametrize("network", [ColourAverage, Average, ExposureFusion])
def test_tiled_equals_whole_and_fusing_twice_equals_keeping(
    monkeypatch: pytest.MonkeyPatch, side: int, network: type[FusionNetwork]
) -> None:
    pictures = bracket(60, 61, np.uint16)
    fuser = Fuser(network(), EXPOSURE)
    whole = fuser.fuse(pictures, depth="float", stretch=True)
    monkeypatch.setattr(plan_module, "tile_side", lambda *_: 32 if network is ExposureFusion else side)
    tiled = fuser.fuse(pictures, depth="float", stretch=True)
    assert tiled.report.tiles > whole.report.tiles == 1
    gain = 1 / (whole.report.stretch.high - whole.report.stretch.low)
    np.testing.assert_allclose(tiled.image, whole.image, atol=5 * gain * RESOLUTION, rtol=0)
    monkeypatch.setattr(plan_module, "_held_result", lambda *_: 0)
    told: list[float] = []
    twice = fuser.fuse(pictures, depth="float", stretch=True, progress=told.append)
    np.testing.assert_array_equal(twice.image, tiled.image)
    assert any("fused twice" in note for note in twice.report.notes)
    assert told == sorted(told)
    assert told[-1] == 1


def test_the_result_is_held_only_where_the_memory_has_room_for_it() -> None:
    pictures = bracket(700, 800)
    tight = Fuser(ColourAverage(), EXPOSURE).fuse(pictures, stretch=True, memory="8MiB")
    roomy = Fuser(ColourAverage(), EXPOSURE).fuse(pictures, stretch=True)
    assert any("fused twice" in note for note in tight.report.notes)
    assert not any("fused twice" in note for note in roomy.report.notes)
    np.testing.assert_array_equal(tight.image, roomy.image)


@pytest.mark.parametrize("value", [0, 77, 255])
def test_flat_pictures_stay_as_they_are_and_are_told(value: int) -> None:
    flat = np.full((9, 11, 3), value, np.uint8)
    result = Fuser(ExposureFusion(), EXPOSURE).fuse([flat, flat.copy()], stretch=True)
    np.testing.assert_array_equal(result.image, flat)
    assert any("not stretched: it is flat" in note for note in result.report.notes)
    single = Fuser(ColourAverage(), EXPOSURE).fuse([flat[:1, :1]] * 2, stretch=True)
    np.testing.assert_array_equal(single.image, flat[:1, :1])


def test_limits_that_are_nearly_equal_are_flat() -> None:
    assert Limits(0.5, 0.503).flat
    assert not Limits(0.5, 0.505).flat


def test_the_model_decides_unless_the_user_does() -> None:
    pictures = bracket()
    for network, asked, expected in (
        (ColourAverage, None, False),
        (ColourAverage, True, True),
        (Stretching, None, True),
        (Stretching, False, False),
    ):
        report = Fuser(network(), EXPOSURE).fuse(pictures, stretch=asked).report
        assert (report.stretch is not None) == expected


@pytest.mark.parametrize("name", sorted(set(TASKS) - {"exposure", "spectral"}))
def test_other_tasks_have_no_stretch(name: str) -> None:
    fuser = Fuser(Stretching(), task(name))
    for refused in (lambda: fuser.fuse(bracket(), stretch=True), lambda: fuser.check_options(stretch=True)):
        with pytest.raises(UsageError, match="does not stretch"):
            refused()
    for asked in (None, False):
        assert fuser.fuse(bracket(), stretch=asked).report.stretch is None


def test_every_picture_of_a_batch_has_its_own_limits() -> None:
    batches = [torch.rand(2, 3, 20, 21) * torch.tensor([0.3, 0.9]).reshape(2, 1, 1, 1) for _ in range(2)]
    fuser = Fuser(ColourAverage(), EXPOSURE)
    fused = fuser.fuse(batches, stretch=True).image
    for index in range(2):
        assert torch.equal(fused[index], fuser.fuse([batch[index] for batch in batches], stretch=True).image)


@pytest.mark.parametrize("memory", ["1GiB", 4 << 20])
@pytest.mark.parametrize("compiled", [True, False])
def test_flat_brackets_stay_as_they_are_also_fused_twice(
    memory: str | int, compiled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not compiled:
        monkeypatch.setattr(colour, "loops_for", lambda *_: None)
    network = settled_csc_mefn(filters=4, spacings=(1, 1, 1))
    network.use_fast()
    pictures = [np.full((200, 200, 3), level, np.uint8) for level in (60, 128, 200)]
    result = Fuser(network, EXPOSURE).fuse(pictures, memory=memory, stretch=True)
    assert np.ptp(result.image) <= 1
    assert any("not stretched" in note for note in result.report.notes)


def test_compiled_counts_are_those_of_maps(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("numba")
    torch.manual_seed(5)
    fused = torch.rand(3, 40, 50) * 3 - 1
    counts, beyond = [], []
    for loops in (stretch_module.loops_for, lambda *_: None):
        monkeypatch.setattr(stretch_module, "loops_for", loops)
        monkeypatch.setattr(quantise_module, "loops_for", loops)
        histogram = Histogram()
        histogram.add(fused)
        histogram.add(fused[:, 3:7])
        counts.append(histogram._counts)
        beyond.append([OutputDepth(np.dtype(kind)).quantise(fused)[1] for kind in (np.uint8, np.uint16, np.float32)])
    assert torch.equal(*counts)
    assert beyond[0] == beyond[1]
    assert 0 < beyond[0][0] < 2000

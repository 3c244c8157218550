"""The order of exposures, and brackets as photographers bring them."""

from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
import torch

from exif_files import exif, write
from helpers import Average, ColourAverage, noise, settled_ifcnn
from imfuse.classical.exposure_fusion import ExposureFusion
from imfuse.data.whole import read_whole
from imfuse.errors import SizeMismatchError
from imfuse.exposures import find_exposures
from imfuse.fuser import Fuser
from imfuse.io import ArraySource, Window, open_source, save_image
from imfuse.io.exposure import read_capture
from imfuse.networks.ifcnn import IFCNN
from imfuse.ops.colour import luma
from imfuse.plan import release
from imfuse.tasks import task

EXPOSURE = task("exposure")
TIMES = [1 / 25, 1 / 400, 1 / 100]  # bright, dark, middle


def shown(scale: float, height: int = 24, width: int = 33, seed: int = 0) -> np.ndarray:
    """A scene at an exposure, 8 bits."""
    return np.clip(noise(height, width, 3, seed).astype(np.float64) * scale, 0, 255).astype(np.uint8)


def bracket(folder: Path, *, gray: tuple[int, ...] = (200, 20, 110), with_exif: bool = True) -> list[Path]:
    blocks = [exif(time, at=index) if with_exif else None for index, time in enumerate(TIMES)]
    pairs = zip(blocks, gray, strict=True)
    return [write(folder / f"{index}.png", block, value) for index, (block, value) in enumerate(pairs)]


def test_exif_orders_exposures_before_brightness_does(tmp_path: Path) -> None:
    """The pictures lie: the one that was exposed longest is the darkest."""
    report = Fuser(Average(), EXPOSURE).fuse(bracket(tmp_path, gray=(10, 250, 90))).report
    assert [Path(one.name).stem for one in report.exposures] == ["1", "2", "0"]
    assert [one.ev for one in report.exposures] == pytest.approx([14.64, 12.64, 10.64], abs=0.01)
    assert [one.middle for one in report.exposures] == [False, True, False]
    assert {one.brightness for one in report.exposures} == {None}
    assert [Path(source.name).stem for source in report.sources] == ["0", "1", "2"]


def test_brightness_orders_exposures_where_one_has_no_exif(tmp_path: Path) -> None:
    paths = bracket(tmp_path, gray=(10, 250, 90))
    write(paths[1], None, 250)
    report = Fuser(Average(), EXPOSURE).fuse(paths).report
    assert [Path(one.name).stem for one in report.exposures] == ["0", "2", "1"]
    assert [one.brightness for one in report.exposures] == pytest.approx([10 / 255, 90 / 255, 250 / 255])
    assert {one.ev for one in report.exposures} == {None}


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("windows", [[Window(0, 0, 24, 33)], [Window(0, 0, 8, 33), Window(8, 0, 16, 33)]])
def test_brightness_is_the_mean_luma(dtype: type, windows: list[Window]) -> None:
    ramp = np.linspace(0, 1, 24 * 33 * 3).reshape(24, 33, 3)
    white = 1 if dtype is np.float32 else np.iinfo(dtype).max
    source = ArraySource((ramp * white).astype(dtype), "ramp")
    gray = ArraySource((ramp[..., :1] * white).astype(dtype), "gray")
    found = find_exposures([source, gray], windows, release)
    thinned = ramp[::4, ::4]
    expected = float((thinned @ [0.299, 0.587, 0.114]).mean()), float(thinned[..., 0].mean())
    assert found.values == pytest.approx(expected, abs=3e-3)


@pytest.mark.parametrize("count", [2, 3, 4, 5, 6])
def test_the_middle_one_is_the_darker_of_two(count: int) -> None:
    pictures = [np.full((5, 6), 20 * (index + 1), np.uint8) for index in range(count)]
    report = Fuser(Average(), EXPOSURE).fuse(pictures[::-1]).report
    assert [one.middle for one in report.exposures].index(True) == (count - 1) // 2


def test_the_result_takes_the_metadata_of_the_middle_exposure_and_the_depth_of_the_first(tmp_path: Path) -> None:
    for order in permutations(bracket(tmp_path)):
        result = Fuser(Average(), EXPOSURE).fuse(list(order))
        result.save(tmp_path / "out.jpg", overwrite=True)
        assert read_capture(open_source(tmp_path / "out.jpg").metadata.exif).exposure_time == pytest.approx(1 / 100)
        told = any("2.png: the middle exposure" in note for note in result.report.notes)
        assert told == (order[0].stem != "2")
    focus = Fuser(Average(), task("focus")).fuse(bracket(tmp_path))
    assert read_capture(focus.metadata.exif).exposure_time == pytest.approx(TIMES[0])
    assert focus.report.exposures is None


def test_exposures_that_occur_again_are_told(tmp_path: Path) -> None:
    paths = [write(tmp_path / f"{index}.jpg", exif(TIMES[index % 3], at=index), 90 + index) for index in range(6)]
    notes = Fuser(Average(), EXPOSURE).fuse(paths).report.notes
    assert any("2 of the 6 pictures have the same exposure" in note and "--group-by exif" in note for note in notes)
    assert not any("same exposure" in note for note in Fuser(Average(), EXPOSURE).fuse(paths[:3]).report.notes)


NETWORKS = {"exposure-fusion": ExposureFusion, "ifcnn-mean": lambda: settled_ifcnn(rule_name="average")}


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_permutations_change_a_result_by_rounding_only(name: str) -> None:
    fuser = Fuser(NETWORKS[name](), EXPOSURE)
    pictures = [shown(scale) for scale in (0.2, 0.7, 2.0, 5.0)]
    expected = fuser.fuse(pictures, depth="float", stretch=True)
    for order in ([3, 2, 1, 0], [1, 3, 0, 2]):
        found = fuser.fuse([pictures[index] for index in order], depth="float", stretch=True)
        np.testing.assert_allclose(found.image, expected.image, atol=2e-5)
        assert [e.brightness for e in found.report.exposures] == [e.brightness for e in expected.report.exposures]


# What photographers bring


def disc(at: float, scale: float, size: int = 96) -> np.ndarray:
    """A dark disc before a ramp of light, at an exposure."""
    rows, columns = np.mgrid[:size, :size]
    scene = np.dstack([0.2 + 0.5 * columns / size, 0.2 + 0.5 * rows / size, np.full((size, size), 0.4)])
    scene[(rows - size / 2) ** 2 + (columns - at) ** 2 < 12**2] = (0.15, 0.1, 0.1)
    return np.rint(np.clip(scene * scale, 0, 1) * 255).astype(np.uint8)


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_a_moving_thing_leaves_no_holes(name: str) -> None:
    """Numbers everywhere, and what no exposure shows only at the rims, where pyramids ring."""
    pictures = [disc(at, scale) for at, scale in ((30, 0.4), (48, 1.0), (66, 2.5))]
    for stretch in (False, True):
        fused = Fuser(NETWORKS[name](), EXPOSURE).fuse(pictures, depth="float", stretch=stretch).image
        assert np.isfinite(fused).all()
    if name == "exposure-fusion":
        plain = Fuser(ExposureFusion(), EXPOSURE).fuse(pictures, depth="float").image
        stack = np.array(pictures) / 255
        beyond = np.maximum(stack.min(axis=0) - plain, plain - stack.max(axis=0)).max(axis=-1)
        rows, columns = np.mgrid[:96, :96]
        to_rim = [abs(np.hypot(rows - 48, columns - at) - 12) for at in (30, 48, 66)]
        assert beyond.max() < 0.25
        assert beyond[np.min(to_rim, axis=0) > 2].max() < 0.05


@pytest.mark.parametrize("fill", [(0, 0), (255, 255), (0, 255)])
def test_pictures_that_show_nothing_give_numbers(fill: tuple[int, int]) -> None:
    pictures = [np.full((20, 21, 3), value, np.uint8) for value in fill]
    fused = Fuser(ExposureFusion(), EXPOSURE).fuse(pictures, depth="float", stretch=True).image
    assert np.isfinite(fused).all()


def test_sixteen_bits_in_are_sixteen_out_and_hold_more_than_eight(tmp_path: Path) -> None:
    pictures = [(noise(40, 41, 3, 1, np.uint16) // divisor).astype(np.uint16) for divisor in (4, 2, 1)]
    paths = []
    for index, picture in enumerate(pictures):
        paths.append(tmp_path / f"{index}.tif")
        save_image(paths[-1], picture)
    result = Fuser(ExposureFusion(), EXPOSURE).fuse(paths)
    result.save(tmp_path / "out.tif")
    stored = open_source(tmp_path / "out.tif")
    assert (result.image.dtype, stored.dtype) == (np.uint16, np.uint16)
    exact = Fuser(ExposureFusion(), EXPOSURE).fuse(paths, depth="float").image
    np.testing.assert_allclose(result.image / 65535, np.clip(exact, 0, 1), atol=0.51 / 65535)


def test_mixed_depths_are_told_where_the_result_has_the_smaller(tmp_path: Path) -> None:
    eight, deep = shown(0.5), shown(1.0).astype(np.uint16) * 257
    fuser = Fuser(ColourAverage(), EXPOSURE)
    lost = fuser.fuse([eight, deep, deep])
    assert lost.image.dtype == np.uint8
    assert any("and 1 more: uint16, deeper than the result, uint8; --depth 16" in note for note in lost.report.notes)
    assert not any("deeper" in note for note in fuser.fuse([deep, eight]).report.notes)
    assert not any("deeper" in note for note in fuser.fuse([eight, deep], depth=16).report.notes)
    np.testing.assert_allclose(
        fuser.fuse([eight, deep], depth="float").image * 255, (eight / 2 + deep / 514), atol=1e-3
    )


def test_turned_pictures_are_upright_before_they_are_fused(tmp_path: Path) -> None:
    upright = [shown(scale, 20, 30) for scale in (0.5, 1.0, 2.0)]
    paths = [write(tmp_path / f"{index}.png", exif(at=index), picture) for index, picture in enumerate(upright)]
    write(paths[1], exif(orientation=6), np.ascontiguousarray(np.rot90(upright[1])))
    expected = Fuser(ExposureFusion(), EXPOSURE).fuse(upright).image
    result = Fuser(ExposureFusion(), EXPOSURE).fuse(paths)
    np.testing.assert_array_equal(result.image, expected)


def test_sizes_differ_or_are_brought_to_one(tmp_path: Path) -> None:
    pictures = [shown(0.5, 20, 30), shown(1.0, 10, 15)]
    with pytest.raises(SizeMismatchError, match="resize-to"):
        Fuser(ExposureFusion(), EXPOSURE).fuse(pictures)
    result = Fuser(ExposureFusion(), EXPOSURE).fuse(pictures, resize_to="largest")
    assert result.image.shape == (20, 30, 3)


@pytest.mark.parametrize("channels", [1, 3])
def test_thirty_pictures_and_copies_of_one(channels: int) -> None:
    pictures = [noise(20, 21, channels, seed) // 2 + 4 * seed for seed in range(30)]
    fused = Fuser(ExposureFusion(), EXPOSURE).fuse(pictures, depth="float", stretch=True)
    assert np.isfinite(fused.image).all()
    assert len(fused.report.exposures) == 30
    same = Fuser(ExposureFusion(), EXPOSURE).fuse([pictures[0]] * 4)
    np.testing.assert_array_equal(same.image, pictures[0])


# IFCNN (§2.2.4): luma by the network, Cb and Cr by weights


def test_ifcnn_fuses_luma_given_three_times_and_weighs_chroma() -> None:
    """By hand: the literal network on three equal luma channels, its luma, and DeepFuse's weights for Cb and Cr.

    Where that leaves RGB, both are made smaller until it does not.
    """
    network = settled_ifcnn(rule_name="average")
    pictures = [shown(scale, seed=1) for scale in (0.3, 1.0, 3.0)]
    fused = Fuser(network, EXPOSURE).fuse(pictures, depth="float")
    units = [torch.from_numpy(picture / 255).float().permute(2, 0, 1)[None] for picture in pictures]
    with torch.inference_mode():
        y = luma(network(*(luma(unit).expand(-1, 3, -1, -1) for unit in units)))[0, 0].numpy()
    planes = [unit[0].double().numpy() for unit in units]
    lumas = [0.299 * r + 0.587 * g + 0.114 * b for r, g, b in planes]
    blues = np.array([128 + 255 * (p[2] - own) / 1.772 for p, own in zip(planes, lumas, strict=True)])
    reds = np.array([128 + 255 * (p[0] - own) / 1.402 for p, own in zip(planes, lumas, strict=True)])
    cb, cr = (
        (np.abs(c - 128) * c).sum(0) / np.abs(c - 128).sum(0).clip(1e-9) * (np.abs(c - 128).sum(0) > 1e-9)
        + 128 * (np.abs(c - 128).sum(0) <= 1e-9)
        for c in (blues, reds)
    )
    r, b = y + 1.402 * (cr - 128) / 255, y + 1.772 * (cb - 128) / 255
    g = (y - 0.299 * r - 0.114 * b) / 0.587
    excess = np.dstack([r, g, b]) - y[..., None]
    with np.errstate(divide="ignore"):
        room = np.where(excess > 0, 1 - y[..., None], y[..., None]) / np.abs(excess)
    kept = room.min(2, keepdims=True).clip(0, 1)
    assert 0 < (kept < 1).mean() < 0.5
    np.testing.assert_allclose(fused.image, y[..., None] + kept * excess, atol=2e-5)
    assert fused.report.colour.startswith("luma fused, chroma weighted")


def test_ifcnn_fuses_gray_brackets_as_luma() -> None:
    network = settled_ifcnn(rule_name="average")
    grays = [shown(scale)[..., 0].copy() for scale in (0.3, 1.0, 3.0)]
    gray = Fuser(network, EXPOSURE).fuse(grays, depth="float").image
    colour = Fuser(network, EXPOSURE).fuse([np.dstack([one] * 3) for one in grays], depth="float").image
    np.testing.assert_allclose(colour, np.dstack([gray] * 3), atol=1e-5)


@pytest.mark.data
def test_published_ifcnn_mean_fuses_a_real_bracket(data_dir: Path, reference_dir: Path) -> None:
    """Its weights in the Fuser, on luma alone and in tiles, are the literal network on three lumas each."""
    network = IFCNN(rule_name="average")
    weights = reference_dir / "weights" / "IFCNN-MEAN.pth"
    network.load_state_dict(torch.load(weights, weights_only=True, map_location="cpu"))
    paths = sorted((data_dir / "exposure" / "tci24" / "House").glob("*.jpg"))
    pictures = [read_whole(path)[100:260, 100:300] for path in paths]
    fused = Fuser(network, EXPOSURE).fuse(pictures, depth="float", memory="40MiB")
    assert fused.report.tiles > 1
    units = [torch.from_numpy(picture / 255).float().permute(2, 0, 1)[None] for picture in pictures]
    with torch.inference_mode():
        expected = luma(network(*(luma(unit).expand(-1, 3, -1, -1) for unit in units)))[0, 0]
    np.testing.assert_allclose(fused.image @ [0.299, 0.587, 0.114], expected, atol=2e-5)

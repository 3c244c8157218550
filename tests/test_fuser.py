"""The Fuser: layouts, depths, ranges, sizes, tiles, and that nothing is silent."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from helpers import settled_auif
from imfuse import plan as plan_module
from imfuse.errors import OutputError, SizeMismatchError, SourceError, UsageError
from imfuse.fuser import Fuser
from imfuse.io import ArraySource
from imfuse.networks.protocol import FusionNetwork
from imfuse.ops.filters import box_mean
from imfuse.tasks import TASKS

FUSER = Fuser(settled_auif(), TASKS["infrared"], "test")


def gray(height: int, width: int, seed: int = 0, dtype: type = np.uint8) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, np.iinfo(dtype).max, (height, width), dtype, endpoint=True)


def rgb(height: int, width: int, seed: int = 1, dtype: type = np.uint8) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, np.iinfo(dtype).max, (height, width, 3), dtype, endpoint=True)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 90), st.integers(1, 90), st.integers(3, 50), st.booleans())
def test_tiled_equals_whole(height: int, width: int, side: int, colour: bool) -> None:
    sources = [gray(height, width), rgb(height, width) if colour else gray(height, width, 1)]
    whole = FUSER.fuse(sources, depth="float")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan_module, "tile_side", lambda *_: side)
        tiled = FUSER.fuse(sources, depth="float")
    assert whole.report.tiles == 1
    assert tiled.report.tiles == -(-height // side) * -(-width // side)
    np.testing.assert_allclose(tiled.image, whole.image, atol=1e-5, rtol=0)


def test_a_small_memory_makes_tiles_and_the_same_picture() -> None:
    sources = [gray(300, 400), rgb(300, 400)]
    tiled = FUSER.fuse(sources, memory="3MiB", depth="float")
    whole = FUSER.fuse(sources, depth="float")
    assert tiled.report.tiles > whole.report.tiles == 1
    np.testing.assert_allclose(tiled.image, whole.image, atol=1e-5, rtol=0)


class BoxMean(FusionNetwork):
    """The mean of the first source over a window that reaches exactly ``reach`` pixels, and any halo declared."""

    bytes_per_pixel = 16
    halo = 0

    def __init__(self, reach: int, halo: int) -> None:
        super().__init__()
        self.reach, self.halo = reach, halo

    def fuse(self, sources: Iterable[torch.Tensor], survey: object = None) -> torch.Tensor:
        return box_mean(next(iter(sources)), 2 * self.reach + 1)


def seams(reach: int, halo: int, side: int, shape: tuple[int, int]) -> float:
    """The largest difference between a box mean in tiles and of the whole."""
    fuser = Fuser(BoxMean(reach, halo), TASKS["infrared"])
    sources = [np.random.default_rng(side).random(shape, np.float32) for _ in range(2)]
    whole = fuser.fuse(sources)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan_module, "tile_side", lambda *_: side)
        tiled = fuser.fuse(sources)
    assert tiled.report.tiles > whole.report.tiles == 1
    return float(np.abs(tiled.image - whole.image).max())


@pytest.mark.parametrize("reach", [0, 1, 4, 9])
@pytest.mark.parametrize("side", [5, 16, 40])
@pytest.mark.parametrize("shape", [(64, 64), (53, 91), (11, 47)])
def test_tiles_are_read_with_the_whole_halo_of_the_network(reach: int, side: int, shape: tuple[int, int]) -> None:
    assert seams(reach, reach, side, shape) < 1e-6


@pytest.mark.parametrize("missing", [1, 3])
@pytest.mark.parametrize("reach", [4, 9])
def test_a_halo_that_is_declared_too_small_leaves_seams(reach: int, missing: int) -> None:
    """So that the test above can fail."""
    assert seams(reach, reach - missing, 16, (64, 64)) > 1e-3


@pytest.mark.parametrize("shape", [(20, 30), (20, 30, 1), (20, 30, 3)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_the_result_has_layout_and_depth_of_the_visible_array(shape: tuple[int, ...], dtype: type) -> None:
    visible = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, shape, dtype)
    image = FUSER.fuse([gray(20, 30), visible]).image
    assert image.shape == shape
    assert image.dtype == dtype


@pytest.mark.parametrize("shape", [(1, 20, 30), (3, 20, 30), (1, 1, 20, 30), (1, 3, 20, 30)])
def test_the_result_has_layout_of_the_visible_tensor(shape: tuple[int, ...]) -> None:
    image = FUSER.fuse([torch.rand(1, 20, 30), torch.rand(shape)]).image
    assert isinstance(image, torch.Tensor)
    assert image.shape == shape
    assert image.dtype == torch.float32


def test_a_batch_is_fused_picture_by_picture() -> None:
    infrared, visible = torch.rand(3, 1, 20, 30), torch.rand(3, 3, 20, 30)
    batch = FUSER.fuse([infrared, visible])
    assert batch.image.shape == (3, 3, 20, 30)
    for index in range(3):
        torch.testing.assert_close(batch.image[index], FUSER.fuse([infrared[index], visible[index]]).image)
    with pytest.raises(OutputError, match="batch of 3"):
        batch.save("nowhere.png")
    with pytest.raises(UsageError, match="batches"):
        FUSER.fuse([infrared[:2], visible])


def test_a_pil_image_and_a_path_give_what_the_array_gives(tmp_path: Path) -> None:
    infrared, visible = gray(20, 30), rgb(20, 30)
    expected = FUSER.fuse([infrared, visible]).image
    Image.fromarray(infrared).save(tmp_path / "ir.png")
    Image.fromarray(visible).save(tmp_path / "vis.png")
    np.testing.assert_array_equal(FUSER.fuse([tmp_path / "ir.png", str(tmp_path / "vis.png")]).image, expected)
    np.testing.assert_array_equal(FUSER.fuse([infrared, Image.fromarray(visible)]).image, expected)


def test_chroma_of_the_visible_is_kept_and_luma_is_that_of_the_gray_fusion() -> None:
    infrared = gray(24, 25)
    visible = (100 + rgb(24, 25) // 8).astype(np.uint8)
    weights = np.array([0.299, 0.587, 0.114])
    colour = FUSER.fuse([infrared, visible], depth="float").image
    luma = torch.from_numpy((visible / 255) @ weights).float()
    plain = FUSER.fuse([torch.from_numpy(infrared / 255).float()[None], luma[None]]).image
    np.testing.assert_allclose(colour @ weights, plain[0].numpy(), atol=1e-6)
    np.testing.assert_allclose(np.diff(colour, axis=-1), np.diff(visible / 255, axis=-1), atol=1e-6)


def test_alpha_of_the_visible_is_carried_over_and_that_of_the_infrared_is_told() -> None:
    infrared = np.dstack([rgb(9, 8), gray(9, 8)])
    visible = np.dstack([rgb(9, 8), gray(9, 8, 5)])
    result = FUSER.fuse([infrared, visible])
    np.testing.assert_array_equal(result.image[..., 3], visible[..., 3])
    assert result.has_alpha
    assert any("alpha" in note for note in result.report.notes)
    assert any("luma" in note for note in result.report.notes)
    deeper = FUSER.fuse([infrared, visible], depth=16).image
    np.testing.assert_array_equal(deeper[..., 3], visible[..., 3].astype(np.uint16) * 257)


def test_thermal_counts_are_stretched_and_the_report_says_so() -> None:
    counts = (7600 + gray(40, 40).astype(np.uint16) * 2).astype(np.uint16)
    result = FUSER.fuse([counts, rgb(40, 40)])
    assert "percentile" in result.report.sources[0].levels
    assert any("stretched" in note for note in result.report.notes)
    minmax = FUSER.fuse([counts, rgb(40, 40)], range="minmax").report.sources[0]
    assert (minmax.black, minmax.white) == (counts.min(), counts.max())
    full = FUSER.fuse([counts, rgb(40, 40)], range="full").report.sources[0]
    assert (full.black, full.white) == (0, 65535)


def test_minmax_of_counts_equals_the_same_picture_in_8_bits() -> None:
    eight = gray(30, 30)
    eight[0, :2] = 0, 255
    counts = eight.astype(np.uint16) + 7000
    visible = gray(30, 30, 3)
    visible[0, :2] = 0, 255
    np.testing.assert_array_equal(
        FUSER.fuse([counts, visible], range="minmax").image, FUSER.fuse([eight, visible]).image
    )


def test_a_deep_visible_that_uses_little_of_its_range_is_taken_as_it_is_and_told() -> None:
    visible = (gray(20, 20).astype(np.uint16) * 16).astype(np.uint16)
    report = FUSER.fuse([gray(20, 20), visible]).report
    assert report.sources[1].white == 65535
    assert any("taken as it is" in note for note in report.notes)


def test_float_sources_beyond_the_unit_interval_are_stretched_and_told() -> None:
    infrared = gray(20, 20).astype(np.float32)
    report = FUSER.fuse([infrared, gray(20, 20)]).report
    assert report.sources[0].white == infrared.max()
    assert any("stretched" in note for note in report.notes)
    inside = FUSER.fuse([infrared / 255, gray(20, 20)]).report
    assert (inside.sources[0].black, inside.sources[0].white) == (0, 1)


def test_a_constant_source_is_told_and_not_nan() -> None:
    counts = np.full((12, 12), 7000, np.uint16)
    result = FUSER.fuse([counts, gray(12, 12)], depth="float")
    assert np.isfinite(result.image).all()
    assert "the infrared source: all pixels are 7000, so it is not stretched" in result.report.notes


def test_clipped_pixels_are_counted() -> None:
    visible = np.zeros((16, 16, 3), np.uint8)
    visible[..., 0] = 255
    result = FUSER.fuse([np.full((16, 16), 255, np.uint8), visible])
    floats = FUSER.fuse([np.full((16, 16), 255, np.uint8), visible], depth="float").image
    beyond = ((floats < -0.5 / 255) | (floats > 1 + 0.5 / 255)).any(-1).mean()
    assert beyond > 0
    assert any(note.startswith(f"{100 * beyond:.3g} %") for note in result.report.notes)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_no_numbers_are_refused(value: float) -> None:
    infrared = np.zeros((9, 9), np.float32)
    infrared[4, 4] = value
    with pytest.raises(SourceError, match="NaN"):
        FUSER.fuse([infrared, gray(9, 9)])


def test_sizes_that_differ_are_an_error_that_names_both() -> None:
    with pytest.raises(SizeMismatchError, match=r"30×20.*40×30.*resize-to"):
        FUSER.fuse([gray(20, 30), gray(30, 40)])


@pytest.mark.parametrize(("resize_to", "size"), [("first", (20, 30)), ("largest", (40, 60))])
def test_sizes_are_made_equal_on_request_and_told(resize_to: str, size: tuple[int, int]) -> None:
    result = FUSER.fuse([gray(20, 30), rgb(40, 60)], resize_to=resize_to)
    assert result.image.shape == (*size, 3)
    assert any("resized" in note for note in result.report.notes)


def test_wrong_requests_are_told() -> None:
    pair = [gray(9, 9), gray(9, 9)]
    for message, sources, options in [
        ("takes 2 sources", pair[:1], {}),
        ("takes 2 sources", [*pair, pair[0]], {}),
        ("range", pair, {"range": "log"}),
        ("depth", pair, {"depth": 12}),
        ("resize", [pair[0], gray(8, 9)], {"resize_to": "smallest"}),
        ("memory", pair, {"memory": "lots"}),
        ("bands", [pair[0], np.zeros((9, 9, 7), np.uint8)], {}),
    ]:
        with pytest.raises(UsageError, match=message):
            FUSER.fuse(sources, **options)


def test_twelve_bit_sources_are_taken_at_their_own_full_range() -> None:
    pixels = (gray(15, 15)[..., None].astype(np.uint16) * 16 + 15).astype(np.uint16)
    report = FUSER.fuse([ArraySource(pixels, name="raw", full_range=(0.0, 4095.0)), gray(15, 15)]).report
    assert report.sources[0].white == 4095


def test_progress_ends_at_one() -> None:
    seen: list[float] = []
    FUSER.fuse([gray(200, 200), gray(200, 200)], memory="2MiB", progress=seen.append)
    assert len(seen) > 1
    assert seen == sorted(seen)
    assert seen[-1] == 1.0


def test_save_and_read_back(tmp_path: Path) -> None:
    result = FUSER.fuse([gray(20, 30), rgb(20, 30, dtype=np.uint16)])
    result.save(tmp_path / "out.png")
    from imfuse.io import Window, open_source

    np.testing.assert_array_equal(open_source(tmp_path / "out.png").read(Window(0, 0, 20, 30)), result.image)


@pytest.mark.parametrize(("factor", "told"), [(0.5, True), (0.7, False), (1.0, False)])
def test_a_result_that_loses_the_light_is_told(factor: float, told: bool) -> None:
    class Dimming(FusionNetwork):
        bytes_per_pixel = 72
        halo = 0

        def fuse(self, sources: Iterable[torch.Tensor], survey: object = None) -> torch.Tensor:
            return [source * factor for source in sources][-1]

    result = Fuser(Dimming(), TASKS["infrared"]).fuse([gray(20, 20), rgb(20, 20)])
    assert any("darker" in note for note in result.report.notes) == told

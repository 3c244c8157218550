from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile

from helpers import settled_auif, settled_csc_ivfn
from imfuse.errors import OutputError, UsageError
from imfuse.fuser import Fuser
from imfuse.networks.two_scale import TwoScaleNetwork
from imfuse.ops.colour import luma
from imfuse.tasks import TASKS

NETWORKS = [settled_auif(rule_name="l1_norm"), settled_csc_ivfn()]
NAMES = [
    f"{source}{part}"
    for source in ("infrared", "visible")
    for part in ("", "_base_start", "_base", "_base_weight", "_detail_start", "_detail", "_detail_weight")
] + ["fused", "fused_base", "fused_detail"]


@pytest.fixture(scope="module")
def pair() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, shape, np.uint8) for shape in ((50, 41), (50, 41, 3))]


@pytest.mark.parametrize("network", NETWORKS, ids=lambda n: type(n).__name__)
def test_parts_are_what_the_network_computes(network: TwoScaleNetwork, pair: list[np.ndarray]) -> None:
    import torch

    explanation = Fuser(network, TASKS["infrared"]).explain(pair)
    assert sorted(explanation) == sorted(NAMES)
    assert all(part.shape == (50, 41) and part.dtype == np.float32 for part in explanation.values())
    infrared = torch.from_numpy(pair[0])[None, None].float() / 255
    visible = luma(torch.from_numpy(np.moveaxis(pair[1], -1, 0).copy())[None].float() / 255)
    with torch.no_grad():
        codes = [network.encode(source) for source in (infrared, visible)]
        np.testing.assert_allclose(explanation["fused"], network.fuse([infrared, visible])[0, 0], atol=1e-6)
        start = network.start("detail", visible)
        np.testing.assert_allclose(explanation["visible_detail_start"], start[0, 0], atol=1e-6)
        np.testing.assert_allclose(explanation["infrared_base"], network.image("base", codes[0].base)[0, 0], atol=1e-5)
        merged = network.image("detail", network.merge(codes).detail)
    np.testing.assert_allclose(explanation["fused_detail"], merged[0, 0], atol=1e-5)
    assert Fuser(network, TASKS["infrared"]).part_names() == list(explanation)


@pytest.mark.parametrize("network", NETWORKS, ids=lambda n: type(n).__name__)
def test_weights_share_every_pixel(network: TwoScaleNetwork, pair: list[np.ndarray]) -> None:
    explanation = Fuser(network, TASKS["infrared"]).explain(pair)
    for scale in ("base", "detail"):
        total = explanation[f"infrared_{scale}_weight"] + explanation[f"visible_{scale}_weight"]
        np.testing.assert_allclose(total, 1, atol=1e-5)


def test_auifs_l1_weights_are_those_of_its_maps(pair: list[np.ndarray]) -> None:
    """Of one channel, the l1-norm is the absolute value: the weight of Eq. 9 follows from the parts themselves."""
    parts = Fuser(NETWORKS[0], TASKS["infrared"]).explain(pair)
    activity = [cv2.blur(np.abs(parts[f"{name}_detail"]), (3, 3)) for name in ("infrared", "visible")]
    np.testing.assert_allclose(parts["infrared_detail_weight"], activity[0] / sum(activity), atol=1e-5)
    weighted = sum(parts[f"{name}_detail_weight"] * parts[f"{name}_detail"] for name in ("infrared", "visible"))
    np.testing.assert_allclose(parts["fused_detail"], weighted, atol=1e-5)


def test_a_folder_holds_the_sheet_and_every_part(pair: list[np.ndarray], tmp_path: Path) -> None:
    explanation = Fuser(NETWORKS[1], TASKS["infrared"]).explain(pair)
    written = explanation.save(str(tmp_path / "parts"), values=True)
    names = {"sheet.png", *(f"{name}.{ending}" for name in NAMES for ending in ("png", "tif"))}
    assert {path.name for path in written} == {path.name for path in (tmp_path / "parts").iterdir()} == names
    values = tifffile.imread(tmp_path / "parts/fused_detail.tif")
    np.testing.assert_array_equal(values, explanation["fused_detail"])
    weight = cv2.imread(str(tmp_path / "parts/visible_base_weight.png"), cv2.IMREAD_UNCHANGED)
    np.testing.assert_allclose(weight / 255, explanation["visible_base_weight"], atol=0.5 / 255 + 1e-6)
    sheet = cv2.imread(str(tmp_path / "parts/sheet.png"))
    assert sheet.shape[1] > 7 * 320
    with pytest.raises(OutputError, match="overwrite"):
        explanation.save(tmp_path / "parts")


def test_maps_of_one_kind_have_one_scale_and_zero_detail_is_gray(pair: list[np.ndarray]) -> None:
    explanation = Fuser(NETWORKS[1], TASKS["infrared"]).explain(pair)
    names = [f"{row}_detail" for row in ("infrared", "visible", "fused")]
    assert len({explanation.displayed(name)[1] for name in names}) == 1
    shown, _ = explanation.displayed("visible_detail")
    values = explanation["visible_detail"]
    assert ((shown > 0.5) == (values > 0))[np.abs(values) > 1e-4].all()


def test_flat_pictures_are_explained_too(tmp_path: Path) -> None:
    flat = [np.full((9, 12), value, np.uint8) for value in (0, 128)]
    explanation = Fuser(NETWORKS[1], TASKS["infrared"]).explain(flat)
    explanation.save(tmp_path)
    assert all(np.isfinite(part).all() for part in explanation.values())


def test_batches_are_refused() -> None:
    import torch

    with pytest.raises(UsageError, match="one by one"):
        Fuser(NETWORKS[0], TASKS["infrared"]).explain([torch.rand(2, 1, 8, 8)] * 2)


@pytest.mark.parametrize(("height", "width"), [(1500, 2), (2, 1500), (1, 1)])
def test_a_sheet_of_a_line_of_pixels_stays_a_sheet(height: int, width: int) -> None:
    pair = [np.zeros((height, width), np.uint8) for _ in range(2)]
    sheet = Fuser(NETWORKS[0], TASKS["infrared"]).explain(pair).sheet(cell_width=100)
    assert sheet.shape[0] < 3 * 260
    assert sheet.shape[1] < 7 * 130


def test_a_folder_holds_one_explanation(pair: list[np.ndarray], tmp_path: Path) -> None:
    """Values of an earlier one do not stay beside the pictures of a later one."""
    Fuser(NETWORKS[0], TASKS["infrared"]).explain(pair).save(tmp_path, values=True)
    (tmp_path / "mine.tif").touch()
    Fuser(NETWORKS[1], TASKS["infrared"]).explain(pair).save(tmp_path, overwrite=True)
    assert [path.name for path in tmp_path.glob("*.tif")] == ["mine.tif"]

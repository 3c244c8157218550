"""``imfuse explain`` of the networks that show more than shares, from weights files: what lies in the folder after."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
import torch

from helpers import noise, settled_ifcnn, small_fnet
from imfuse.commands.explain import run_explain
from imfuse.errors import WeightsError
from imfuse.io import save_image
from imfuse.networks.csc_mefn import CSCMEFN
from imfuse.networks.ifnet import InvertibleFNet
from imfuse.networks.protocol import FusionNetwork
from imfuse.registry import load_network, read_card
from imfuse.train.export import save_model


def stored(network: FusionNetwork, folder: Path, name: str, key: str, inverse: str = "", **arguments: object) -> Path:
    """A network as a weights file with its card."""
    card = save_model(
        network,
        folder / f"{name}.safetensors",
        network=key,
        arguments=arguments,
        tasks=("infrared", "medical", "focus", "exposure"),
        paper="none",
        data={},
        recipe={},
        selection="the only one",
        figures={},
        inverse=inverse,
    )
    return card.weights_path


def explained(tmp_path: Path, count: int, task: str, model: Path) -> tuple[list[np.ndarray], Path]:
    """Pictures and the folder of their parts, values too."""
    pictures = [noise(26, 33, 1, seed) for seed in range(count)]
    paths = [tmp_path / f"source-{index}.png" for index in range(count)]
    for path, picture in zip(paths, pictures, strict=True):
        save_image(path, picture)
    parts = tmp_path / "parts"
    run_explain(paths, parts, task, str(model), {}, "cpu", {}, values=True, overwrite=False, quiet=True)
    return pictures, parts


def value(folder: Path, name: str) -> np.ndarray:
    return np.asarray(tifffile.imread(folder / f"{name}.tif"))


@pytest.mark.parametrize("task", ["infrared", "medical"])
def test_fnet_leaves_parts_that_sum_to_the_result_and_both_sources_had_back(tmp_path: Path, task: str) -> None:
    sizes = {"features": 5, "size": 3, "modules": 2}
    stored(small_fnet(1, kind=InvertibleFNet), tmp_path, "back", "fnet_inverse", **sizes)
    model = stored(small_fnet(), tmp_path, "net", "fnet", inverse="back", **sizes)
    pictures, parts = explained(tmp_path, 2, task, model)
    names = {"infrared": ("infrared", "visible"), "medical": ("functional", "mri")}[task]
    for name, picture in zip(names, pictures, strict=True):
        np.testing.assert_allclose(value(parts, name), picture / 255, atol=1e-6)
    total = value(parts, "common") + sum(value(parts, f"{name}_unique") for name in names)
    np.testing.assert_allclose(total, value(parts, "fused"), atol=1e-5)
    assert {f"{name}_reconstructed.png" for name in names} <= {path.name for path in parts.iterdir()}
    # Rows of the sheet: a source, its features, the other and its, the common part and its, the result.
    assert len(list(parts.glob("*_feature_*.png"))) == 3 * 5
    assert len(list(parts.glob("*_nonzero_*.png"))) == 3 * 3
    sheet = cv2.imread(str(parts / "sheet.png"))
    assert sheet.shape[0] > 7 * 200


def test_csc_mefn_leaves_a_weight_map_per_exposure(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = stored(CSCMEFN(units=2, filters=4, spacings=(1, 3)).eval(), tmp_path, "net", "csc_mefn",
                   units=2, filters=4, spacings=[1, 3])  # fmt: skip
    pictures, parts = explained(tmp_path, 3, "exposure", model)
    names = [f"picture-{number}" for number in (1, 2, 3)]
    weights = [value(parts, f"{name}_weight") for name in names]
    np.testing.assert_allclose(sum(weights), 1, atol=1e-5)
    blended = sum(weight * picture / 255 for weight, picture in zip(weights, pictures, strict=True))
    np.testing.assert_allclose(blended, value(parts, "fused"), atol=1e-5)
    shown = cv2.imread(str(parts / "picture-2_weight.png"), cv2.IMREAD_UNCHANGED)
    np.testing.assert_allclose(shown / 255, weights[1], atol=0.5 / 255 + 1e-6)
    assert (parts / "sheet.png").is_file()


def test_ifcnn_leaves_features_of_every_source_and_of_the_merge(tmp_path: Path) -> None:
    model = stored(settled_ifcnn(filters=9), tmp_path, "net", "ifcnn", filters=9)
    _, parts = explained(tmp_path, 3, "focus", model)
    names = [f"picture-{number}" for number in (1, 2, 3)]
    for rank in range(1, 9):
        features = [value(parts, f"{name}_feature-{rank}") for name in names]
        np.testing.assert_allclose(np.maximum.reduce(features), value(parts, f"fused_feature-{rank}"), atol=1e-5)
    np.testing.assert_allclose(sum(value(parts, f"{name}_weight") for name in names), 1, atol=1e-5)
    assert (parts / "sheet.png").is_file()


def test_an_inverse_that_is_none_is_refused(tmp_path: Path) -> None:
    sizes = {"features": 5, "size": 3, "modules": 2}
    stored(small_fnet(1), tmp_path, "back", "fnet", **sizes)
    model = stored(small_fnet(), tmp_path, "net", "fnet", inverse="back", **sizes)
    with pytest.raises(WeightsError, match="gives no sources back"):
        load_network(read_card(model.with_suffix(".json")))
    text = model.with_suffix(".json").read_text()
    model.with_suffix(".json").write_text(text.replace('"back"', '"../back"'))
    with pytest.raises(WeightsError, match="inverse"):
        read_card(model.with_suffix(".json"))


def test_an_inverse_that_is_damaged_is_told(tmp_path: Path) -> None:
    sizes = {"features": 5, "size": 3, "modules": 2}
    back = stored(small_fnet(1, kind=InvertibleFNet), tmp_path, "back", "fnet_inverse", **sizes)
    model = stored(small_fnet(), tmp_path, "net", "fnet", inverse="back", **sizes)
    back.write_bytes(back.read_bytes()[:-1])
    with pytest.raises(WeightsError, match=r"back\.safetensors"):
        load_network(read_card(model.with_suffix(".json")))

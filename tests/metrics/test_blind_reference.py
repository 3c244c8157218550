"""Pictures measured by OpenCV's BRISQUE, BasicSR's NIQE with LIVE's model, and a port of MATLAB's PIQE."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from imfuse.metrics import brisque, niqe, piqe
from imfuse.metrics.blind.brisque import brisque_features
from imfuse.metrics.blind.niqe import niqe_features
from imfuse.metrics.blind.piqe import piqe_blocks
from imfuse.ops.colour import luma

NAMES = (
    "cave_stuffed_toys",
    "cave_flowers",
    "kitchen20",
    "hdrps507_tif05",
    "hdrps507_blur2",
    "hdrps507_noise15",
    "hdrps507_jpegq10",
    "hdrps507_gray",
    *(f"fused/ifcnn6/{scene}/{method}" for scene in ("chair", "window") for method in ("ifcnn_mean", "mean", "mefnet")),
)


def read(folder: Path, name: str) -> Tensor:
    file = f"blind/images/{name}.png" if "/" not in name else name.replace("fused/ifcnn6", "mef") + ".png"
    pixels = torch.from_numpy(np.array(Image.open(folder / "metrics" / file)))
    return pixels[None, None] if pixels.dim() == 2 else pixels.movedim(-1, 0)[None]


def reference(folder: Path, name: str) -> dict:
    return json.loads((folder / "metrics" / "blind" / "blind.json").read_text())["values"][name]


@pytest.mark.data
@pytest.mark.parametrize("name", NAMES)
def test_published_implementations(reference_dir: Path, data_dir: Path, name: str) -> None:
    expected = reference(reference_dir, name)
    picture = read(reference_dir, name)
    assert brisque(picture, data_dir / "iqa").item() == pytest.approx(expected["brisque_opencv"], rel=2e-3)
    for model in ("niqe_pris_params.npz", "niqe_modelparameters.mat"):
        value = niqe(picture, data_dir / "iqa" / model).item()
        assert value == pytest.approx(expected["niqe_gray"], rel=1e-3)
    # One block of a small picture is 0.9 %: the reference rounds its luma in fixed-point arithmetic.
    assert piqe(picture).item() == pytest.approx(expected["piqe_pypiqe"], rel=1e-2)


@pytest.mark.data
@pytest.mark.parametrize("name", NAMES)
def test_published_features(reference_dir: Path, data_dir: Path, name: str) -> None:
    expected = reference(reference_dir, name)
    picture = read(reference_dir, name)
    gray = picture.double() if picture.size(1) == 1 else luma(picture.double())
    features = brisque_features(gray[:, 0])[0]
    assert features.tolist() == pytest.approx(expected["brisque_features36"], abs=1.1e-3)
    limited = 16 + 219 / 255 * gray  # MATLAB's luma 16…235
    features = niqe_features(limited[:, 0])[0][0].nanmean(dim=0)
    assert features.tolist() == pytest.approx(expected["niqe_y_mean_features36"], rel=1e-3, abs=2e-4)
    value = niqe(limited / 255, data_dir / "iqa" / "niqe_pris_params.npz").item()
    assert value == pytest.approx(expected["niqe_y"], rel=1e-3)


@pytest.mark.data
def test_published_masks(reference_dir: Path) -> None:
    for name in ("hdrps507_gray", "hdrps507_jpegq10"):
        picture = read(reference_dir, name)
        gray = picture.double() if picture.size(1) == 1 else luma(picture.double())
        blocks = piqe_blocks(gray[:, 0])
        height, width = gray.shape[-2:]
        pixels = {
            key: mask[0].repeat_interleave(16, 0).repeat_interleave(16, 1)[:height, :width].sum().item()
            for key, mask in (
                ("active", blocks.active),
                ("artifact_and_active", blocks.distorted),
                ("noise_and_active", blocks.noisy),
            )
        }
        assert pixels == {key: reference(reference_dir, name)["piqe_mask_px"][key] for key in pixels}


@pytest.mark.data
@pytest.mark.parametrize("name", NAMES[:8])
def test_own_pristine_model_is_near_to_live(reference_dir: Path, name: str) -> None:
    assert niqe(read(reference_dir, name)).item() == pytest.approx(reference(reference_dir, name)["niqe_gray"], abs=3.0)

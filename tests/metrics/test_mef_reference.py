"""Fused pictures of two scenes measured by the code with which MEF-Net was trained, in double precision."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from imfuse.metrics import evaluate
from imfuse.ops.colour import luma
from imfuse.ops.exposure_similarity import gray_exposure_similarity


def read(path: Path) -> Tensor:
    return torch.from_numpy(np.array(Image.open(path))).permute(2, 0, 1)[None]


@pytest.mark.data
@pytest.mark.parametrize("scene", ["chair", "window"])
@pytest.mark.parametrize("method", ["mean", "ifcnn_mean", "mefnet", "mertens111"])
def test_released_code(reference_dir: Path, scene: str, method: str) -> None:
    folder = reference_dir / "metrics" / "mef"
    expected = json.loads((folder / "mefssim.json").read_text())["scenes"][scene]["methods"][method]
    expected = expected["float64_same_formula"]
    exposures = torch.from_numpy(np.load(folder / scene / "exposures_rgb.npz")["rgb"]).permute(0, 3, 1, 2)
    fused, sources = read(folder / scene / f"{method}.png"), list(exposures.split(1))
    value = evaluate(fused, sources, ["mef-ssim-lum"])["mef-ssim-lum"].item()
    assert value == pytest.approx(expected["mef_msssim_is_lum"], rel=1e-10)
    grays = [luma(picture.double() / 255) for picture in (fused, *sources)]
    luminance, structure = gray_exposure_similarity(grays[0], grays[1:])
    assert luminance.mean().item() == pytest.approx(expected["l_mean"], rel=1e-10)
    assert structure.mean().item() == pytest.approx(expected["mefssim_structure_only"], rel=1e-10)
    assert (luminance * structure).mean().item() == pytest.approx(expected["mefssim_is_lum"], rel=1e-10)


@pytest.mark.data
@pytest.mark.parametrize("scene", ["chair", "window"])
def test_all_variants_put_the_plain_mean_last(reference_dir: Path, scene: str) -> None:
    folder = reference_dir / "metrics" / "mef"
    exposures = torch.from_numpy(np.load(folder / scene / "exposures_rgb.npz")["rgb"]).permute(0, 3, 1, 2)
    methods = ("mean", "ifcnn_mean", "mefnet", "mertens111")
    fused = torch.cat([read(folder / scene / f"{method}.png") for method in methods])
    sources = [source.expand(len(methods), -1, -1, -1) for source in exposures.split(1)]
    for values in evaluate(fused, sources, ["mef-ssim", "mef-ssim-lum", "mef-ssim-colour"]).values():
        assert values.argmin().item() == 0
        assert values.max().item() < 1.0

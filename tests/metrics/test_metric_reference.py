"""Eight fused pictures measured by the evaluator that the FNet line of papers uses, in double precision."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from imfuse.metrics import evaluate, similarity
from imfuse.metrics.windows import moments
from imfuse.ops.windows import box_taps

TRIPLES = (
    "fnet_roadscene_06974",
    "fnet_roadscene_04943",
    "fnet_tno_19",
    "fnet_mrict_11",
    "auif_flir_2",
    "auif_tno_8",
    "ifcnnmax_iv_camp",
    "ifcnnmax_md_c01",
)
NAMES = {
    "en": "EN",
    "sd": "SD",
    "sf": "SF",
    "ag": "AG",
    "mi": "MI",
    "scd": "SCD",
    "cc": "CC",
    "qabf": "Qabf",
    "vif": "VIF",
    "ssim-sk019": "SSIM_range2",
}


def read(path: Path) -> Tensor:
    return torch.from_numpy(np.array(Image.open(path)))[None, None]


@pytest.mark.data
@pytest.mark.parametrize("name", TRIPLES)
def test_published_evaluator(reference_dir: Path, name: str) -> None:
    folder = reference_dir / "metrics"
    expected = json.loads((folder / "metrics.json").read_text())["triples"][name]["same_code_float64"]
    pictures = [read(folder / "triples" / name / f"{part}.png") for part in ("fused", "a", "b")]
    for scale in (lambda picture: picture, lambda picture: picture.float() / 255):
        fused, first, second = (scale(picture) for picture in pictures)
        values = evaluate(fused, [first, second], NAMES)
        assert {name: values[key].item() for key, name in NAMES.items()} == pytest.approx(
            {name: expected[name] for name in NAMES.values()}, rel=1e-6
        )


@pytest.mark.data
@pytest.mark.parametrize("name", TRIPLES)
def test_published_similarity_of_full_range(reference_dir: Path, name: str) -> None:
    """The 7×7 windows of `ssim-sk019` with the constants of `ssim-gauss11`: no metric here, but the same function."""
    folder = reference_dir / "metrics"
    expected = json.loads((folder / "metrics.json").read_text())["triples"][name]["same_code_float64"]
    pictures = [read(folder / "triples" / name / f"{part}.png")[0].double() for part in ("fused", "a", "b")]
    local = moments(torch.stack(pictures), box_taps(7))
    values = similarity._similarity(local, 255.0, 49 / 48).mean(dim=(1, 2, 3))
    assert values.tolist() == pytest.approx([expected["SSIM_range255_A"], expected["SSIM_range255_B"]], rel=1e-9)

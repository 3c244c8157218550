"""Eight fused pictures measured by the evaluator that the FNet line of papers uses, in double precision."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from imfuse.metrics import evaluate

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

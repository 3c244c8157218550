"""Tables 2 and 3 of IFCNN with its released weights: what its VIFF, ISSIM and NMI are.

Run: ``python benchmarks/ifcnn_tables.py DATA WEIGHTS`` with the folder that holds ``infrared/ifcnn14/{vis,ir}`` and
``medical/ifcnn8/{1,2}``, and a released checkpoint, such as ``IFCNN-MAX.pth`` (``--rule addition`` for SUM's). Pictures
are made as the authors' code saves them: three channels, each cut to [0, 1] and truncated to 8 bits; measured on their
rounded luma, with both sources, and with the first one given twice.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from imfuse.metrics import evaluate
from imfuse.metrics.windows import moments
from imfuse.networks.ifcnn import IFCNN
from imfuse.ops.colour import luma
from imfuse.ops.windows import gaussian_taps
from imfuse.scoring import read_picture

SETS = {"infrared/ifcnn14": ("vis", "ir"), "medical/ifcnn8": ("1", "2")}
NEAR_ZERO = 1e-4  # constants of SSIM; the authors' are smaller still and leave flat windows to rounding


def pairs(folder: Path, names: tuple[str, str]) -> Iterator[tuple[Tensor, Tensor]]:
    """Both pictures of every scene, uint8 (1, 1, H, W)."""
    for first in sorted((folder / names[0]).iterdir()):
        second = next((folder / names[1]).glob(f"{first.stem}.*"))
        yield read_picture(first), read_picture(second)


def fused_by(network: IFCNN, pair: tuple[Tensor, Tensor]) -> Tensor:
    """The fused gray picture as it is saved, uint8 (1, 1, H, W)."""
    with torch.inference_mode():
        result = network(*((picture / 255.0).expand(-1, 3, -1, -1) for picture in pair))
    return luma((result.clamp(0.0, 1.0) * 255.0).floor().double()).round().to(torch.uint8)


def similarity_alone(source: Tensor, fused: Tensor) -> float:
    """SSIM in Gaussian windows of 7×7 with constants near 0."""
    local = moments(torch.cat([fused, source]).double(), gaussian_taps(7, 1.5))
    (f, a), (vf, va) = local.means, local.variances
    above = (2.0 * a * f + NEAR_ZERO) * (2.0 * local.covariances[0] + NEAR_ZERO)
    return float((above / ((a * a + f * f + NEAR_ZERO) * (va + vf + NEAR_ZERO))).mean())


def main() -> None:
    """Print the means of both sets."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("weights", type=Path)
    parser.add_argument("--rule", default="maximum")
    options = parser.parse_args()
    network = IFCNN(rule_name=options.rule).eval()
    network.load_state_dict(torch.load(options.weights, weights_only=True, map_location="cpu"))
    for name, folders in SETS.items():
        rows: dict[str, list[float]] = {}
        for pair in pairs(options.data / name, folders):
            fused, first = fused_by(network, pair), pair[0]
            twice = evaluate(fused, [first, first], ["viff", "nmi"])
            both = evaluate(fused, pair, ["viff", "nmi", "issim", "sf", "ag-ifcnn"])
            found = {f"{key}, first source twice": float(value) for key, value in twice.items()}
            found["ssim, first source alone"] = similarity_alone(first[0], fused[0])
            for key, value in {**found, **{key: float(value) for key, value in both.items()}}.items():
                rows.setdefault(key, []).append(value)
        print(name, *(f"{key}: {sum(values) / len(values):.4f}" for key, values in rows.items()), sep="\n  ")


if __name__ == "__main__":
    main()

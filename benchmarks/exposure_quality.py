"""Quality of fused brackets, and what the halo loss does beside strong edges.

Run: ``python benchmarks/exposure_quality.py DATA`` with the folder that holds ``exposure/hdrps44`` and
``exposure/tci24``; ``--csc-mefn FILE`` and ``--no-halo FILE`` for other weights than the built-in ones, ``--pictures
FOLDER`` to keep the results.

One row per method and set, means over the scenes with all their exposures. MEF-SSIM is that with luminance (Ma et al.
2020), of 8-bit results, before and after the stretch where there is one; BRISQUE, NIQE and PIQE are of the final
result, to be compared only within this table: BRISQUE with LIVE's model (in ``DATA/iqa``, or where IMFUSE_BRISQUE_MODEL
names its folder), NIQE with the one that comes with imfuse. ``beside edges`` is the halo figure: the mean of
|Sobel_x y| + |Sobel_y y| (kernels over 8, luma in [0, 1], times 1000) 3 to 20 pixels beside strong edges of the
exposures and not on them, before the stretch, over the pixels of all scenes.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

import imfuse
from imfuse.data.pairs import read_gray
from imfuse.data.sets import DataSet, Scene, read_data_set
from imfuse.data.whole import read_whole
from imfuse.errors import ImfuseError
from imfuse.io import save_image
from imfuse.losses.halo import sobel
from imfuse.metrics import evaluate
from imfuse.metrics.blind.models import BRISQUE_VARIABLE
from imfuse.ops.colour import luma
from imfuse.train.validation import means

Pixels = NDArray[np.uint8]
Fuse = Callable[[Sequence[Pixels], bool], Pixels]
"""A bracket to a picture, stretched or not."""

SETS = ("hdrps44", "tci24")
STRONG = 0.1
"""Gradient of an exposure's luma from which an edge is strong: a step of a fifth of the range."""
BESIDE = (3, 20)
SCORE, BLIND = "mef-ssim-lum", ("brisque", "niqe", "piqe")


def by_model(name: str, fast: bool = False) -> Fuse:
    """A model of this package, or a weights file."""
    fuser = imfuse.load(name, task="exposure", fast=fast)
    if not fuser.network.stretches:
        return lambda pictures, _: np.asarray(fuser.fuse(pictures).image)
    return lambda pictures, stretch: np.asarray(fuser.fuse(pictures, stretch=stretch).image)


def methods(options: argparse.Namespace) -> dict[str, Fuse]:
    """What is compared; what is not shipped is left out, with a line."""
    wanted: dict[str, Callable[[], Fuse]] = {
        "csc-mefn": lambda: by_model(options.csc_mefn),
        "csc-mefn, fast": lambda: by_model(options.csc_mefn, fast=True),
        "csc-mefn without halo loss": lambda: by_model(options.no_halo),
        "csc-mefn without halo loss, fast": lambda: by_model(options.no_halo, fast=True),
        "exposure-fusion (Mertens 1, 1, 1)": lambda: by_model("exposure-fusion"),
        "ifcnn-mean": lambda: by_model("ifcnn-mean"),
        "average": lambda: by_model("average"),
        "middle exposure": lambda: lambda pictures, _: pictures[len(pictures) // 2],
    }
    found = {}
    for name, make in wanted.items():
        try:
            found[name] = make()
        except ImfuseError as error:
            print(f"left out: {name} ({error})")
    return found


def beside_edges(scene: Scene) -> NDArray[np.bool_]:
    """Where the surroundings of strong edges are, (H − 2, W − 2)."""
    exposures = (torch.from_numpy(read_gray(path)).double().div_(255)[None, None] for path in scene.sources)
    strong = [torch.hypot(*sobel(exposure))[0, 0].numpy() > STRONG for exposure in exposures]
    edges = np.logical_or.reduce(strong).astype(np.uint8)
    near, far = (
        cv2.dilate(edges, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * r + 1, 2 * r + 1))) for r in BESIDE
    )
    return (far > 0) & (near == 0)


def score(fuse: Fuse, scene: Scene, around: NDArray[np.bool_], keep: Path | None) -> dict[str, float]:
    """All figures of a scene; the halo figure as a sum over its pixels."""
    pictures = [np.ascontiguousarray(read_whole(path)) for path in scene.sources]
    exposures = [_tensor(picture) for picture in pictures]
    plain, final = fuse(pictures, False), fuse(pictures, True)
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        save_image(keep / f"{scene.name}.png", final, overwrite=True)
    figures = {"before": float(evaluate(_tensor(plain), exposures, [SCORE])[SCORE])}
    values = evaluate(_tensor(final), exposures, [SCORE, *BLIND])
    figures["after"] = float(values[SCORE])
    figures |= {key: float(values[key]) for key in BLIND}
    rows, columns = sobel(luma(_tensor(plain).double() / 255))
    figures["beside"] = float((rows.abs() + columns.abs())[0, 0].numpy()[around].sum())
    return figures


def _tensor(picture: Pixels) -> torch.Tensor:
    return torch.from_numpy(picture).reshape(*picture.shape[:2], -1).permute(2, 0, 1)[None]


def table(data: DataSet, fusers: Mapping[str, Fuse], limit: int | None, pictures: Path | None) -> None:
    """Print the rows of a set."""
    scenes = data.scenes[:limit]
    around = [beside_edges(scene) for scene in scenes]
    total = sum(int(place.sum()) for place in around)
    print(f"\n{data.name}: {len(scenes)} scenes; beside edges: {total} pixels\n")
    print("| method | MEF-SSIM before the stretch | after | BRISQUE | NIQE | PIQE | beside edges |")
    print("| --- " * 7 + "|")
    for name, fuse in fusers.items():
        keep = None if pictures is None else pictures / data.name / name.replace(", ", "-").replace(" ", "-")
        rows = [score(fuse, scene, place, keep) for scene, place in zip(scenes, around, strict=True)]
        mean = means(rows)
        beside = 1000 * sum(row["beside"] for row in rows) / max(total, 1)
        print(
            f"| {name} | {mean['before']:.4f} | {mean['after']:.4f} | {mean['brisque']:.2f} | {mean['niqe']:.3f} | "
            f"{mean['piqe']:.2f} | {beside:.2f} |",
            flush=True,
        )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--csc-mefn", default="csc-mefn")
    parser.add_argument("--no-halo", default="csc-mefn-no-halo")
    parser.add_argument("--sets", nargs="+", default=SETS)
    parser.add_argument("--limit", type=int, help="only the first scenes of each set")
    parser.add_argument("--pictures", type=Path, help="folder for the results")
    options = parser.parse_args()
    os.environ.setdefault(BRISQUE_VARIABLE, str(options.data / "iqa"))
    fusers = methods(options)
    for name in options.sets:
        table(read_data_set(options.data / "exposure" / name, "exposure"), fusers, options.limit, options.pictures)


if __name__ == "__main__":
    main()

"""Figures and times of the classical spectral methods on CAVE's test scenes.

Run: ``python benchmarks/spectral_classical.py DATA`` with the folder that holds ``spectral/cave/test``: cubes
``NAME.tif`` of 10 bits and ``NAME.rgb.png``. ``--split val`` takes the validation scenes, of 8 bits. The cubes are
averaged over blocks (``--degradation gaussian``: by a Gaussian), not quantised, and sharpened by the RGB picture; the
result is measured as it is. PSNR is over all pixels and bands of a scene, 10 log10(1 / mean squared error); SSIM is
that of Wang et al. 2004 (Gaussian of 11 pixels), the mean over the bands; the spectral angle in degrees is the mean
over the pixels; all of them are means over the scenes. ``linear`` rows take the sRGB guide as if its values were light.
Seconds are the fastest of ``--repeats`` runs on the first scene. ``--sheet FILE`` shows the first scene, and where
bicubic and another method err.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tifffile
import torch
from PIL import Image
from torch import Tensor

from imfuse.classical.spectral.cards import SPECTRAL_NETWORKS
from imfuse.classical.spectral.method import SpectralMethod
from imfuse.ops.colour import linear_to_srgb
from imfuse.ops.resampling import downsample
from imfuse.ops.similarity import ssim_map

PEAKS = {"test": 1023, "val": 255, "train": 255}


def scenes(folder: Path, split: str) -> Iterator[tuple[str, Tensor, Tensor]]:
    """Names, cubes (1, L, H, W) and guides (1, 3, H, W)."""
    for path in sorted((folder / "spectral" / "cave" / split).glob("*.tif")):
        cube = torch.from_numpy(tifffile.imread(path) / np.float32(PEAKS[split]))
        with Image.open(path.with_suffix(".rgb.png")) as picture:
            guide = torch.from_numpy(np.array(picture) / np.float32(255)).permute(2, 0, 1)
        yield path.stem, cube[None], guide[None]


def scores(fused: Tensor, truth: Tensor) -> list[float]:
    """PSNR in dB, SSIM, and spectral angle in degrees."""
    error = (fused.double() - truth.double()).square().mean()
    similarity = ssim_map(fused.transpose(0, 1), truth.transpose(0, 1)).mean()
    cosine = torch.nn.functional.cosine_similarity(fused.double(), truth.double(), dim=1)
    return [float(-10 * error.log10()), float(similarity), float(cosine.clamp(-1, 1).acos().rad2deg().mean())]


def methods(degradation: str) -> dict[str, SpectralMethod]:
    """All of them with a decoded guide, and those that mix light with the guide as it is."""
    from importlib import import_module

    built: dict[str, SpectralMethod] = {}
    for name, place in SPECTRAL_NETWORKS.items():
        module, _, kind = place.partition(":")
        make = getattr(import_module(module), kind)
        built[name] = make(guide_encoding="srgb", degradation=degradation)
        if name in {"gsa", "glp_hs"}:
            built[f"{name}, linear"] = make(guide_encoding="linear", degradation=degradation)
    return built


def fastest(method: SpectralMethod, sources: list[Tensor], repeats: int) -> float:
    """Seconds of the fastest run."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        method.fuse(sources)
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def sheet(path: Path, truth: Tensor, results: dict[str, Tensor]) -> None:
    """Rendered bands (650, 550, 450 nm) of the truth and the results, and errors: white is 0.05 RMS over the bands."""
    columns = []
    for cube in (truth, *results.values()):
        rgb = linear_to_srgb(cube[0, [25, 15, 5]].clamp(0, 1))
        error = (cube - truth).square().mean(1).sqrt().div(0.05).clamp(0, 1).expand(3, -1, -1)
        columns.append(torch.cat([rgb, error], 1))
    pixels = torch.cat(columns, 2).permute(1, 2, 0).mul(255).round().byte().numpy()
    Image.fromarray(pixels).save(path)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--split", choices=tuple(PEAKS), default="test")
    parser.add_argument("--scales", type=int, nargs="+", default=[4, 8])
    parser.add_argument("--degradation", choices=("area", "gaussian"), default="area")
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--sheet", type=Path)
    parser.add_argument("--sheet-method", default="glp_hs")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    built = methods(arguments.degradation)
    print("| scale | method | PSNR / dB | SSIM | angle / ° | seconds |\n" + "| --- " * 6 + "|")
    for scale in arguments.scales:
        rows: dict[str, list[list[float]]] = {name: [] for name in built}
        seconds: dict[str, float] = {}
        for name, truth, guide in scenes(arguments.data, arguments.split):
            sources = [downsample(truth, scale, arguments.degradation), guide]
            results = {key: method.fuse(sources) for key, method in built.items()}
            if not seconds:
                seconds = {key: fastest(method, sources, arguments.repeats) for key, method in built.items()}
            for key, fused in results.items():
                rows[key].append(scores(fused, truth))
            if arguments.sheet is not None and scale == arguments.scales[0] and not arguments.sheet.exists():
                print(f"<!-- {arguments.sheet}: {name}, truth, bicubic, {arguments.sheet_method} -->")
                sheet(arguments.sheet, truth, {key: results[key] for key in ("bicubic", arguments.sheet_method)})
        for key, values in rows.items():
            psnr, similarity, angle = np.mean(values, 0)
            print(f"| {scale} | {key} | {psnr:.2f} | {similarity:.4f} | {angle:.2f} | {seconds[key]:.2f} |", flush=True)


if __name__ == "__main__":
    main()

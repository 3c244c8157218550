"""Figures and times of the classical spectral methods on CAVE's test scenes.

Run: ``python benchmarks/spectral_classical.py DATA`` with the folder that holds ``spectral/cave/test``, which is read
and scored as ``imfuse bench --reproduce deep-csc-table4`` does. ``--split val`` takes the validation scenes. The cubes
are averaged over blocks (``--degradation gaussian``: by a Gaussian), not quantised, and sharpened by the RGB picture.
PSNR is over all pixels and bands of a scene; SSIM is that of Wang et al. 2004 (Gaussian of 11 pixels), the mean over
the bands; the spectral angle in degrees is the mean over the pixels; all of them are means over the scenes. Results
are clamped to [0, 1] before; "as it is" is the PSNR without that. ``guide as stored`` rows take the sRGB guide as if
its values were light. Seconds are the fastest of ``--repeats`` runs on the first scene. ``--sheet FILE`` shows the
first scene, and where bicubic and another method err.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from imfuse.bench.contenders import find_contenders
from imfuse.bench.spectral import score_bands, with_stored_guides
from imfuse.data.cave import cave_set, read_cave
from imfuse.networks.protocol import FusionNetwork
from imfuse.ops.colour import linear_to_srgb
from imfuse.ops.resampling import downsample
from imfuse.registry import build_network

METRICS = ("psnr", "ssim", "sam")


def scores(fused: Tensor, truth: Tensor) -> list[float]:
    """PSNR in dB, SSIM, spectral angle in degrees, and PSNR in dB of what is not clamped."""
    error = (fused.double() - truth.double()).square().mean()
    return [*score_bands(fused, truth, METRICS).values(), float(-10 * error.log10())]


def methods(degradation: str) -> dict[str, FusionNetwork]:
    """All of them with a decoded guide, and those that mix light with the guide as it is stored."""
    contenders = with_stored_guides(find_contenders(["classical"], (), ("spectral",)))
    cards = {contender.name: contender.card for contender in contenders if contender.card is not None}
    return {
        name: build_network(card.network, {**card.arguments, "degradation": degradation})
        for name, card in cards.items()
    }


def fastest(method: FusionNetwork, sources: list[Tensor], repeats: int) -> float:
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
    parser.add_argument("--split", choices=("test", "val", "train"), default="test")
    parser.add_argument("--scales", type=int, nargs="+", default=[4, 8])
    parser.add_argument("--degradation", choices=("area", "gaussian"), default="area")
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--sheet", type=Path)
    parser.add_argument("--sheet-method", default="glp-hs")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    built = methods(arguments.degradation)
    print("| scale | method | PSNR / dB | SSIM | angle / ° | PSNR as it is | seconds |\n" + "| --- " * 7 + "|")
    for scale in arguments.scales:
        rows: dict[str, list[list[float]]] = {name: [] for name in built}
        seconds: dict[str, float] = {}
        for scene in cave_set(arguments.data / "spectral" / "cave" / arguments.split).scenes:
            truth, guide = read_cave(scene)
            sources = [downsample(truth, scale, arguments.degradation), guide]
            results = {key: method.fuse(sources) for key, method in built.items()}
            if not seconds:
                seconds = {key: fastest(method, sources, arguments.repeats) for key, method in built.items()}
            for key, fused in results.items():
                rows[key].append(scores(fused, truth))
            if arguments.sheet is not None and scale == arguments.scales[0] and not arguments.sheet.exists():
                print(f"<!-- {arguments.sheet}: {scene.name}, truth, bicubic, {arguments.sheet_method} -->")
                sheet(arguments.sheet, truth, {key: results[key] for key in ("bicubic", arguments.sheet_method)})
        for key, values in rows.items():
            psnr, similarity, angle, free = np.mean(values, 0)
            figures = f"{psnr:.2f} | {similarity:.4f} | {angle:.2f} | {free:.2f} | {seconds[key]:.2f}"
            print(f"| {scale} | {key} | {figures} |", flush=True)


if __name__ == "__main__":
    main()

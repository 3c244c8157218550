"""Time and peak memory of CSC-MMFN beside GLP-HS and GSA, alternated in one process.

Run: ``python benchmarks/mmfn_speed.py`` (512×512×31, scale 4, two threads; ``--sides 256 512 1024`` shows that it is
linear in the pixels). Without ``--weights`` the network is an untrained one of the recipe's size, with its decoder
filled: its time does not depend on the values.

Times are medians over the rounds; a ratio is taken round by round. The peak is the resident memory at its highest
during one run above that before it, the result included and the sources not; blocks that are freed go back to the
system if the allocator is told so (``MALLOC_MMAP_THRESHOLD_=65536 MALLOC_TRIM_THRESHOLD_=65536``), which slows all of
them down: so take times and memory in two runs.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from pathlib import Path

import torch
from memory import MIB, peak, reset_peak, resident
from torch import Tensor

import imfuse
from imfuse.classical.spectral.glp_hs import GLPHS
from imfuse.classical.spectral.gsa import GSA
from imfuse.networks.protocol import FusionNetwork
from imfuse.registry import find_card, load_network
from imfuse.train.csc_mmfn import CSCMMFNConfig

OURS = "csc-mmfn"


def networks(weights: Path | None, bands: int, scale: int, filters: int) -> dict[str, FusionNetwork]:
    """CSC-MMFN and its peers."""
    if weights is not None:
        network = load_network(find_card(weights))
    else:
        built = CSCMMFNConfig(bands=bands, scale=scale, filters=filters, crop=16 * scale).build()
        torch.nn.init.normal_(built.decoder.weight, std=0.01)
        network = built.eval().requires_grad_(False)
    return {OURS: network, "glp-hs": GLPHS(), "gsa": GSA()}


def measured(built: dict[str, FusionNetwork], sources: list[Tensor], rounds: int) -> dict[str, tuple[list[float], int]]:
    """Seconds of every network, taken in turn after one run that does not count, and its largest peak in bytes."""
    seconds: dict[str, list[float]] = {name: [] for name in built}
    peaks = dict.fromkeys(built, 0)
    for count in range(rounds + 1):
        for name, network in built.items():
            reset_peak()
            before = resident()
            started = time.perf_counter()
            network.fuse(sources)
            if count:
                seconds[name].append(time.perf_counter() - started)
                peaks[name] = max(peaks[name], peak() - before)
    return {name: (seconds[name], peaks[name]) for name in built}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, help="a trained model; its bands and scale must be those given")
    parser.add_argument("--sides", type=int, nargs="+", default=[512])
    parser.add_argument("--bands", type=int, default=31)
    parser.add_argument("--scale", type=int, default=4)
    parser.add_argument("--filters", type=int, default=CSCMMFNConfig().filters)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    built = networks(arguments.weights, arguments.bands, arguments.scale, arguments.filters)
    settings = {name: os.environ.get(name, "default") for name in ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_")}
    print(f"imfuse {imfuse.__version__}, torch {torch.__version__}, {torch.get_num_threads()} threads, {settings}")
    print("| size | method | median s | ratio to glp-hs | peak MiB |\n" + "| --- " * 5 + "|")
    with torch.inference_mode():
        for side in arguments.sides:
            low = torch.rand(1, arguments.bands, side // arguments.scale, side // arguments.scale)
            results = measured(built, [low, torch.rand(1, 3, side, side)], arguments.rounds)
            for name, (seconds, most) in results.items():
                ratios = [ours / theirs for ours, theirs in zip(seconds, results["glp-hs"][0], strict=True)]
                figures = f"{statistics.median(seconds):.3f} | {statistics.median(ratios):.2f} | {most / MIB:.0f}"
                print(f"| {side}×{side}×{arguments.bands} | {name} | {figures} |", flush=True)


if __name__ == "__main__":
    main()

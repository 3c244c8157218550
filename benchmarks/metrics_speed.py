"""Time of the metrics of a fused picture and its sources against their usual form, alternated in one process.

Run: ``python benchmarks/metrics_speed.py`` or ``python benchmarks/metrics_speed.py --threads 1 --rounds 9``.

The peer is what evaluators of fusion papers do: NumPy with ``scipy.signal.convolve2d`` and full windows for VIF, VIFF,
Q^AB/F, N^AB/F and ISSIM, scikit-learn's ``mutual_info_score`` and scikit-image's ``structural_similarity``, each metric
by itself. Both get the same 8-bit pictures in memory and must agree to 1e-6 (checked first). All of ours together share
their work, which one alone cannot: the last line is ``evaluate`` with all metrics against the sum of the peers.

Needs ``scipy``, ``scikit-image`` and ``scikit-learn`` (extra ``dev``).
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from usual_metrics import USUAL

from imfuse.metrics import METRICS, evaluate

Array = NDArray[np.float64]


def pictures(height: int, width: int) -> list[NDArray[np.uint8]]:
    """A fused picture and two sources of smooth structure, edges and noise: fused, infrared-like, visible-like."""
    random = np.random.default_rng(0)
    rough = [cv2.GaussianBlur(random.normal(size=(height, width)), (0, 0), sigma) for sigma in (2.0, 6.0, 24.0)]
    thermal, texture, light = (values / values.std() for values in (rough[2] + 0.05 * rough[1], rough[0], rough[2]))
    hot = (cv2.GaussianBlur(random.normal(size=(height, width)), (0, 0), 12.0) > 0.02) * 60.0
    first = 90.0 + 30.0 * thermal + hot + random.normal(size=(height, width)) * 2.0
    second = 120.0 + 25.0 * light + 20.0 * texture + random.normal(size=(height, width)) * 3.0
    mixed = 0.5 * first + 0.6 * second - 10.0
    fused = 1.6 * mixed - 0.6 * cv2.GaussianBlur(mixed, (0, 0), 2.0)  # sharper than both, as many networks have it
    return [np.clip(np.rint(values), 0, 255).astype(np.uint8) for values in (fused, first, second)]


def read(folder: Path) -> list[NDArray[np.uint8]]:
    """The pictures `fused.png`, `a.png` and `b.png` of a folder, in gray."""
    return [cv2.imread(str(folder / f"{name}.png"), cv2.IMREAD_GRAYSCALE) for name in ("fused", "a", "b")]


def timed(run: Callable[[], object]) -> float:
    """Milliseconds of one run."""
    started = time.perf_counter()
    run()
    return 1e3 * (time.perf_counter() - started)


def alternated(ours: Callable[[], object], usual: Callable[[], object], rounds: int) -> tuple[float, float]:
    """Median milliseconds of both, taken in turn after one run that does not count."""
    times = [(timed(ours), timed(usual)) for _ in range(rounds + 1)][1:]
    return statistics.median(pair[0] for pair in times), statistics.median(pair[1] for pair in times)


def main() -> None:
    """Check, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--height", type=int, default=480)
    parser.add_argument("--width", type=int, default=640)
    parser.add_argument("--folder", type=Path, help="with fused.png, a.png and b.png, instead of made pictures")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    cv2.setNumThreads(arguments.threads)
    arrays = read(arguments.folder) if arguments.folder else pictures(arguments.height, arguments.width)
    fused, *sources = (torch.from_numpy(array)[None, None] for array in arrays)
    literal = [array.astype(np.float64) for array in arrays]
    allocator = {name: os.environ.get(name, "default") for name in ("LD_PRELOAD", "MALLOC_MMAP_THRESHOLD_")}
    print(f"torch {torch.__version__}, {arguments.threads} threads, allocator {allocator}, pictures {arrays[0].shape}")
    print(f"{'metric':14s} {'value':>12s} {'difference':>10s} {'ours ms':>9s} {'usual ms':>9s} {'ratio':>7s}")
    total = 0.0
    for key, usual in USUAL.items():
        value, expected = evaluate(fused, sources, [key])[key].item(), usual(*literal)
        difference = abs(value - expected) / abs(expected)
        if difference > 1e-6:
            raise SystemExit(f"{METRICS[key].name}: ours {value:.12g}, the usual form {expected:.12g}")
        ours, peer = alternated(
            lambda key=key: evaluate(fused, sources, [key]), lambda usual=usual: usual(*literal), arguments.rounds
        )
        total += peer
        print(f"{key:14s} {value:12.6f} {difference:10.1e} {ours:9.2f} {peer:9.1f} {peer / ours:7.1f}")
    together, peers = alternated(
        lambda: evaluate(fused, sources, list(USUAL)),
        lambda: [usual(*literal) for usual in USUAL.values()],
        arguments.rounds,
    )
    print(f"{'all together':14s} {'':12s} {'':10s} {together:9.2f} {peers:9.1f} {peers / together:7.1f}")


if __name__ == "__main__":
    main()

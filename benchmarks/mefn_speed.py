"""Time and memory of CSC-MEFN against OpenCV's exposure fusion, alternated in one process.

Run: ``python benchmarks/mefn_speed.py`` and ``python benchmarks/mefn_speed.py --memory``; ``--weights FILE`` for other
weights than the built-in ones.

Both get the same bracket as 8-bit arrays in memory and give a picture; of CSC-MEFN all that the Fuser does is counted:
lumas, weights, chroma, stretch, rounding. Exposure fusion is ``cv2.createMergeMertens(1, 1, 1)``. Allocator settings
are the process's own, the same for all; the first line names them. With ``--memory`` nothing is timed: nine exposures
of 24 megapixels are written to files and fused.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from memory import MIB, peak, reset_peak, resident
from numpy.typing import NDArray
from speed import alternated

import imfuse
from imfuse.data.samples import exposure_stack
from imfuse.fuser import Fuser
from imfuse.io import save_image
from imfuse.tiles import parse_memory

Pixels = NDArray[np.uint8]

STOPS = {3: (-3, 0, 3), 6: (-4, -2, -1, 1, 2, 4), 9: tuple(range(-4, 5))}
SIDES = ((576, 432), (1024, 768), (2048, 1536))


def bracket(count: int, width: int, height: int) -> list[Pixels]:
    """The built-in table at so many exposures."""
    return exposure_stack("table", STOPS[count], height, width).pictures


def against_opencv(fusers: dict[str, Fuser], rounds: int) -> None:
    """The bracket of three that the times are promised for."""
    pictures = bracket(3, 1024, 768)
    merge: Any = cv2.createMergeMertens(1, 1, 1)
    forms: dict[str, Callable[[], object]] = {"Mertens (OpenCV)": lambda: merge.process(pictures)}
    forms |= {name: partial(fuser.fuse, pictures) for name, fuser in fusers.items()}
    times = alternated(forms, rounds)
    print("3 exposures of 1024×768")
    reference = times["Mertens (OpenCV)"]
    for name, values in times.items():
        ratios = [ours / theirs for ours, theirs in zip(values, reference, strict=True)]
        print(
            f"  {name:18s} median {statistics.median(values):7.1f} ms   least {min(values):7.1f} ms   ratio: median "
            f"{statistics.median(ratios):.2f}, {min(ratios):.2f} to {max(ratios):.2f}"
        )


def growth(fusers: dict[str, Fuser], rounds: int) -> None:
    """Milliseconds per exposure and megapixel, alternated over numbers and sizes."""
    cases = [(count, *SIDES[1]) for count in STOPS] + [(3, *side) for side in SIDES if side != SIDES[1]]
    pictures = {case: bracket(*case) for case in cases}
    for name, fuser in fusers.items():
        forms = {str(case): partial(fuser.fuse, given) for case, given in pictures.items()}
        print(f"{name}: ms per exposure and megapixel")
        for (count, width, height), values in zip(cases, alternated(forms, rounds).values(), strict=True):
            share = statistics.median(values) / (count * width * height / 1e6)
            print(f"  {count} exposures of {width:4d}×{height:<4d}  {share:6.1f}")


def memory(fuser: Fuser, budget: str) -> None:
    """Peak beyond the result and two pictures, of nine files of 24 megapixels."""
    height, width = 4000, 6000
    rows = np.linspace(0.2, 1, height, dtype=np.float32)[:, None, None]
    scene = rows * np.random.default_rng(0).random((1, width, 3), np.float32)
    with tempfile.TemporaryDirectory() as name:
        paths = [Path(name) / f"{stop}.tif" for stop in STOPS[9]]
        for path, stop in zip(paths, STOPS[9], strict=True):
            save_image(path, (255 * np.clip(scene * 2.0**stop, 0, 1)).astype(np.uint8))
        fuser.fuse([np.zeros((64, 64, 3), np.uint8)] * 3)
        del scene
        reset_peak()
        before = resident()
        result = fuser.fuse(list(paths), memory=budget)
        above = peak() - before
    pictures = 3 * 3 * height * width
    print(
        f"9 exposures of {width}×{height}: {result.report.tiles} windows, {result.report.seconds:.1f} s, peak "
        f"{above / MIB:.0f} MiB; less the result and two pictures ({pictures / MIB:.0f} MiB): "
        f"{(above - pictures) / MIB:.0f} MiB of {parse_memory(budget) / MIB:.0f} MiB allowed"
    )
    if above - pictures > parse_memory(budget):
        raise SystemExit("over the budget")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", default="csc-mefn")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--memory", action="store_true", help="measure memory instead of time")
    parser.add_argument("--budget", default="1GiB")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    cv2.setNumThreads(arguments.threads)
    settings = {
        name: os.environ.get(name, "default")
        for name in ("LD_PRELOAD", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_")
    }
    print(f"torch {torch.__version__}, OpenCV {cv2.__version__}, {arguments.threads} threads, allocator {settings}")
    load = partial(imfuse.load, arguments.weights, task="exposure")
    fusers = {"csc-mefn": load(), "csc-mefn, fast": load(fast=True)}
    if arguments.memory:
        for name, fuser in fusers.items():
            print(name)
            memory(fuser, arguments.budget)
        return
    against_opencv(fusers, arguments.rounds)
    growth(fusers, max(2, arguments.rounds // 3))


if __name__ == "__main__":
    main()

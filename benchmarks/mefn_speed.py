"""Time and memory of CSC-MEFN against OpenCV's exposure fusion, alternated in one process.

Run: ``python benchmarks/mefn_speed.py`` and ``python benchmarks/mefn_speed.py --memory``; ``--weights FILE`` for other
weights than the built-in ones.

Both get the same bracket as 8-bit arrays in memory and give a picture; of CSC-MEFN all that the Fuser does is counted:
lumas, weights, chroma, stretch, rounding. Exposure fusion is ``cv2.createMergeMertens(1, 1, 1)``. Allocator settings
are the process's own, the same for all; the first line names them. Then the time per exposure and megapixel, for other
numbers and sizes: it is the same where time grows in proportion.

With ``--memory`` nothing is compared: nine exposures of 24 megapixels are written to JPEG files (``--ending .tif``) and
fused by the library and by the command line, in both modes. What counts is the largest resident memory less that of a
fusion of tiny pictures and less the result and two pictures, which the budget does not count.
"""

from __future__ import annotations

import argparse
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
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
        shares = []
        for (count, width, height), values in zip(cases, alternated(forms, rounds).values(), strict=True):
            shares.append(statistics.median(values) / (count * width * height / 1e6))
            print(f"  {count} exposures of {width:4d}×{height:<4d}  {shares[-1]:6.1f}")
        print(f"  largest over smallest {max(shares) / min(shares):.2f}")


def write_bracket(folder: Path, width: int, height: int, ending: str) -> list[Path]:
    """Nine exposures of the built-in table as files, rendered at a quarter of the size."""
    paths = []
    for stop, small in zip(STOPS[9], bracket(9, width // 4, height // 4), strict=True):
        paths.append(folder / f"{width}x{height}{stop:+d}{ending}")
        save_image(paths[-1], cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC))
    return paths


def told(name: str, above: int, pictures: int, budget: str, seconds: float) -> bool:
    """Say what a fusion took; whether that is within the budget."""
    beside, allowed = above - pictures, parse_memory(budget)
    print(
        f"  {name:34s} {seconds:6.1f} s, peak {above / MIB:5.0f} MiB; less the result and two pictures "
        f"{beside / MIB:5.0f} MiB of {allowed / MIB:.0f} MiB allowed",
        flush=True,
    )
    return beside <= allowed


def in_process(weights: str, fast: bool, paths: list[Path], budget: str) -> tuple[int, float]:
    """Bytes beyond what is resident before, and seconds, of fusing files in this process."""
    fuser = imfuse.load(weights, task="exposure", fast=fast)
    fuser.fuse([np.zeros((64, 64, 3), np.uint8)] * 3)
    reset_peak()
    before = resident()
    result = fuser.fuse(list(paths), memory=budget)
    return peak() - before, result.report.seconds


def by_command(weights: str, fast: bool, paths: list[Path], budget: str) -> tuple[int, float]:
    """The same of ``imfuse fuse`` as a process of its own, saving included; bytes of the whole process."""
    out = paths[0].parent / "fused.png"
    words = ["fuse", *map(str, paths), "-o", str(out), "--overwrite", "--task", "exposure", "--model", weights]
    words += ["--memory", budget, "-q", *(["--fast"] if fast else [])]
    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "imfuse", *words])
    largest = 0
    # Not by the resource usage of a child, which counts what this process had when it forked.
    while process.poll() is None:
        largest = max(largest, peak(process.pid))
        time.sleep(0.02)
    if process.returncode:
        raise SystemExit(f"imfuse {shlex.join(words)} ended with {process.returncode}")
    return largest, time.perf_counter() - started


def memory(weights: str, budget: str, ending: str, size: tuple[int, int]) -> None:
    """Peak beyond the result and two pictures, of nine files, by the library and by the command line."""
    width, height = size
    print(f"9 exposures of {width}×{height}, {ending}")
    pictures = 3 * 3 * height * width
    within = True
    with tempfile.TemporaryDirectory() as name:
        tiny = write_bracket(Path(name), 64, 64, ending)
        paths = write_bracket(Path(name), width, height, ending)
        for fast in (False, True):
            mode = "fast" if fast else "full"
            above, seconds = in_process(weights, fast, paths, budget)
            within &= told(f"{mode}, imfuse.load().fuse", above, pictures, budget, seconds)
            empty, _ = by_command(weights, fast, tiny, budget)
            whole, seconds = by_command(weights, fast, paths, budget)
            within &= told(f"{mode}, imfuse fuse, with saving", whole - empty, pictures, budget, seconds)
    if not within:
        raise SystemExit("over the budget")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", default="csc-mefn")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--memory", action="store_true", help="measure memory instead of time")
    parser.add_argument("--budget", default="1GiB")
    parser.add_argument("--ending", default=".jpg", help="of the files of --memory")
    parser.add_argument("--size", nargs=2, type=int, default=(6000, 4000), metavar=("WIDTH", "HEIGHT"))
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    cv2.setNumThreads(arguments.threads)
    settings = {
        name: os.environ.get(name, "default")
        for name in ("LD_PRELOAD", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_")
    }
    print(f"torch {torch.__version__}, OpenCV {cv2.__version__}, {arguments.threads} threads, allocator {settings}")
    if arguments.memory:
        memory(arguments.weights, arguments.budget, arguments.ending, tuple(arguments.size))
        return
    load = partial(imfuse.load, arguments.weights, task="exposure")
    fusers = {"csc-mefn": load(), "csc-mefn, fast": load(fast=True)}
    against_opencv(fusers, arguments.rounds)
    growth(fusers, max(2, arguments.rounds // 3))


if __name__ == "__main__":
    main()

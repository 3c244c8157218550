"""Peak memory of fusing a large pair.

Run: ``python benchmarks/memory.py`` or ``python benchmarks/memory.py --model csc-ivfn --height 1024 --width 1280``.

Writes a pair of 16-bit PNG files, measures the resident memory after import and loading, fuses and saves, and prints
the peak above that, with and without the pictures themselves at their own depth (sources and result).
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np

import imfuse
from imfuse.io import save_image
from imfuse.tiles import parse_memory

MIB = 2**20


def resident() -> int:
    """Bytes of memory that this process has now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


def reset_peak() -> None:
    """Make the kernel forget the peak so far."""
    Path("/proc/self/clear_refs").write_text("5")


def peak(process: int | str = "self") -> int:
    """Largest resident memory of a process, of this one since :func:`reset_peak`, in bytes; 0 once it has ended."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return 1024 * next((int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0)


def write_pair(folder: Path, height: int, width: int) -> tuple[Path, Path]:
    """A thermal pair of smooth counts and a colour picture, 16 bits each."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    counts = (7800 + 300 * np.sin(x / 90) * np.cos(y / 130)).astype(np.uint16)
    rng = np.random.default_rng(0)
    row = rng.integers(0, 65536, (1, width, 3)).astype(np.float32)
    colour = (row * (0.3 + 0.7 * (y / height))[..., None]).astype(np.uint16)
    paths = folder / "thermal.png", folder / "visible.png"
    save_image(paths[0], counts)
    save_image(paths[1], colour)
    return paths


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="auif")
    parser.add_argument("--height", type=int, default=4000)
    parser.add_argument("--width", type=int, default=6000)
    parser.add_argument("--memory", default="1GiB")
    parser.add_argument("--ending", default=".png")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        paths = write_pair(Path(name), arguments.height, arguments.width)
        fuser = imfuse.load(arguments.model)
        small = np.zeros((64, 64), np.uint8)
        fuser.fuse([small, small]).save(Path(name) / f"warm{arguments.ending}")
        reset_peak()
        before = resident()
        result = fuser.fuse(list(paths), memory=arguments.memory)
        fused = peak()
        result.save(Path(name) / f"fused{arguments.ending}")
        saved = peak()
    pictures = 2 * arguments.height * arguments.width * (1 + 3 + 3)
    budget = parse_memory(arguments.memory)
    size = f"{arguments.width}×{arguments.height}"
    print(f"pair of {size}, 16 bits, {result.report.tiles} tiles, {result.report.seconds:.1f} s")
    print(f"resident after import, loading and a small pair: {before / MIB:.0f} MiB")
    for title, value in (("fusing", fused), ("fusing and saving", saved)):
        above = value - before
        print(
            f"peak of {title}: {above / MIB:.0f} MiB above that; less the pictures ({pictures / MIB:.0f} MiB): "
            f"{(above - pictures) / MIB:.0f} MiB of {budget / MIB:.0f} MiB allowed"
        )
    if saved - before - pictures > budget:
        raise SystemExit("over the budget")


if __name__ == "__main__":
    main()

"""Time of AUIF against its literal form, alternated in one process.

Run: ``python benchmarks/speed_auif.py``.

Both share their parameters and give the same picture (checked first). The literal form is timed in both memory
layouts of PyTorch, and the better one counts. Allocator settings are the process's own, the same for all; the first
line names them.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable

import torch
from literal import LiteralAUIF

import imfuse
from imfuse.losses.reconstruction import reconstruction_loss
from imfuse.networks.auif import AUIF


def alternated(forms: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Milliseconds of every form, taken in turn ``rounds`` times after one run that does not count."""
    times: dict[str, list[float]] = {name: [] for name in forms}
    for count in range(rounds + 1):
        for name, run in forms.items():
            started = time.perf_counter()
            run()
            if count:
                times[name].append(1e3 * (time.perf_counter() - started))
    return times


def show(title: str, times: dict[str, list[float]]) -> None:
    """Medians, and the ratio of the best literal form to ours, round by round."""
    print(title)
    for name, values in times.items():
        print(f"  {name:26s} median {statistics.median(values):8.1f} ms   least {min(values):8.1f} ms")
    literal = [min(pair) for pair in zip(*(times[n] for n in times if n != "imfuse"), strict=True)]
    ratios = [a / b for a, b in zip(literal, times["imfuse"], strict=True)]
    print(f"  literal / imfuse: median {statistics.median(ratios):.1f}, {min(ratios):.1f} to {max(ratios):.1f}")


def fusion(network: AUIF, height: int, width: int, rounds: int) -> None:
    """One pair of pictures."""
    torch.manual_seed(0)
    sources = list(torch.rand(2, 1, 1, height, width))
    plain, last = LiteralAUIF(network, False).eval(), LiteralAUIF(network, True).eval()
    with torch.inference_mode():
        difference = (network.fuse(sources) - plain.fuse(sources)).abs().max()
        print(f"largest difference of the fused pictures: {difference:.1e}")
        if difference > 1e-4:
            raise SystemExit("the two forms do not compute the same picture")
        forms = {
            "imfuse": lambda: network.fuse(sources),
            "literal": lambda: plain.fuse(sources),
            "literal, channels last": lambda: last.fuse(sources),
        }
        show(f"fusing a pair of {width}×{height}", alternated(forms, rounds))


def training(network: AUIF, rounds: int) -> None:
    """One step of the paper's recipe: 32 crops of 128×128, forward, backward and Adam."""
    torch.manual_seed(0)
    batch = torch.rand(32, 1, 128, 128)
    optimiser = torch.optim.Adam(network.parameters(), 1e-5)

    def step(model: torch.nn.Module) -> Callable[[], object]:
        def run() -> None:
            optimiser.zero_grad()
            reconstruction_loss(model(batch), batch).backward()
            optimiser.step()

        return run

    forms = {
        "imfuse": step(network.train()),
        "literal": step(LiteralAUIF(network, False).train()),
        "literal, channels last": step(LiteralAUIF(network, True).train()),
    }
    show("training step, 32 crops of 128×128", alternated(forms, rounds))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--height", type=int, default=480)
    parser.add_argument("--width", type=int, default=640)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    settings = {
        name: os.environ.get(name, "default")
        for name in ("LD_PRELOAD", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_")
    }
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, allocator {settings}")
    network = imfuse.load("auif").network
    if not isinstance(network, AUIF):
        raise SystemExit("the model auif is not an AUIF network")
    fusion(network, arguments.height, arguments.width, arguments.rounds)
    training(AUIF(), max(2, arguments.rounds // 2))


if __name__ == "__main__":
    main()

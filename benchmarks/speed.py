"""Time of a network against its literal form, alternated in one process.

Run: ``python benchmarks/speed.py auif`` or ``python benchmarks/speed.py csc-ivfn``.

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
from literal_auif import LiteralAUIF
from literal_csc_ivfn import LiteralCSCIVFN

import imfuse
from imfuse.losses.reconstruction import reconstruction_loss
from imfuse.networks.two_scale import TwoScaleNetwork
from imfuse.train.auif import AUIFConfig
from imfuse.train.csc_ivfn import CSCIVFNConfig

LITERAL = {"auif": LiteralAUIF, "csc-ivfn": LiteralCSCIVFN}
RECIPES = {"auif": AUIFConfig(), "csc-ivfn": CSCIVFNConfig()}


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


def fusion(model: str, network: TwoScaleNetwork, height: int, width: int, rounds: int) -> None:
    """One pair of pictures."""
    torch.manual_seed(0)
    sources = list(torch.rand(2, 1, 1, height, width))
    literal = LITERAL[model]
    plain, last = literal(network, False).eval(), literal(network, True).eval()
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


def training(model: str, rounds: int) -> None:
    """One step of the recipe: forward, backward and Adam on a batch of crops."""
    recipe, literal = RECIPES[model], LITERAL[model]
    network = recipe.build().train()
    torch.manual_seed(0)
    batch = torch.rand(recipe.batch, 1, recipe.crop, recipe.crop)
    optimiser = torch.optim.Adam(network.parameters(), 1e-5)

    def step(form: torch.nn.Module) -> Callable[[], object]:
        def run() -> None:
            optimiser.zero_grad()
            reconstruction_loss(form(batch), batch).backward()
            optimiser.step()

        return run

    forms = {
        "imfuse": step(network),
        "literal": step(literal(network, False).train()),
        "literal, channels last": step(literal(network, True).train()),
    }
    show(f"training step, {recipe.batch} crops of {recipe.crop}×{recipe.crop}", alternated(forms, rounds))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", choices=LITERAL, nargs="?", default="auif")
    parser.add_argument("--weights", help="another model than the built-in one")
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
    network = imfuse.load(arguments.weights or arguments.model).network
    if not isinstance(network, TwoScaleNetwork):
        raise SystemExit(f"the model {arguments.model} has no literal form here")
    fusion(arguments.model, network, arguments.height, arguments.width, arguments.rounds)
    training(arguments.model, max(2, arguments.rounds // 2))


if __name__ == "__main__":
    main()

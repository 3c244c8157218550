"""Time of FNet against its literal form, and of both in ONNX Runtime, alternated in one process.

Run: ``python benchmarks/fnet_speed.py``; with ``--training`` one step of either stage instead.

All forms share their parameters and give the same picture, which the first run of each checks. The literal form has a
convolution for each of the paper's; both memory layouts of PyTorch are tried in that run, and the faster one is timed.
Allocator settings are the process's own, the same for all; the first line names them. ONNX Runtime gets the graph with
merged convolutions, with ``--printed`` the literal one too; it has an allocator of its own. A run of three rounds takes
18 forward passes.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from speed import alternated
from torch import Tensor, nn

from imfuse.losses.fnet import fusion_loss, inverse_fusion_loss
from imfuse.networks.ifnet import InvertibleFNet
from imfuse.registry import find_card, load_network


class Form(nn.Module):
    """The network, literal or as it is, as a module of two pictures."""

    def __init__(self, network: InvertibleFNet, literal: bool) -> None:
        super().__init__()
        self.network, self.literal = network, literal

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """The fused picture (B, 1, H, W)."""
        return self.network.literal(first, second) if self.literal else self.network(first, second)


def session(form: Form, sources: list[Tensor], threads: int) -> Callable[[], Tensor]:
    """A form exported for this size and run by ONNX Runtime."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        path = Path(folder) / "fnet.onnx"
        torch.onnx.export(form.eval(), tuple(sources), dynamo=True, verbose=False).save(path)
        runner = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    inputs = {given.name: source.numpy() for given, source in zip(runner.get_inputs(), sources, strict=True)}
    return lambda: torch.from_numpy(runner.run(None, inputs)[0])


def show(title: str, times: dict[str, list[float]]) -> None:
    """Medians, and how many times the literal form in plain torch takes what each of the others takes."""
    print(title)
    literal = next(values for name, values in times.items() if name.startswith("literal"))
    for name, values in times.items():
        ratios = [a / b for a, b in zip(literal, values, strict=True)]
        spread = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
        print(f"  {name:26s} median {statistics.median(values):8.1f} ms   literal / this: {spread}")


def faster(forms: dict[str, Callable[[], Tensor]], names: tuple[str, str]) -> None:
    """Leave out the slower one of two forms that have run before."""
    taken = {}
    for name in names:
        started = time.perf_counter()
        forms[name]()
        taken[name] = time.perf_counter() - started
    slower = max(names, key=lambda name: taken[name])
    print(f"{slower}: left out, {taken[slower] / min(taken.values()):.2f} times as slow as the other layout")
    del forms[slower]


def fusion(network: InvertibleFNet, side: int, rounds: int, threads: int, printed: bool) -> None:
    """One pair of pictures."""
    torch.manual_seed(0)
    sources = list(torch.rand(2, 1, 1, side, side))
    last = [source.contiguous(memory_format=torch.channels_last) for source in sources]
    literal = Form(network, literal=True)
    forms: dict[str, Callable[[], Tensor]] = {
        "imfuse": lambda: network.fuse(sources),
        "literal": lambda: literal(*sources),
        "literal, channels last": lambda: literal.to(memory_format=torch.channels_last)(*last),
    }
    graphs = {"merged": Form(network, literal=False)} | ({"printed": literal} if printed else {})
    for name, form in graphs.items():
        print(f"exporting the {name} form for ONNX Runtime", flush=True)
        try:
            forms[f"ONNX Runtime, {name}"] = session(form, sources, threads)
        except ImportError as error:
            print(f"without ONNX Runtime: {error}")
            break
    with torch.inference_mode():
        expected = forms["literal"]()
        for name, run in forms.items():
            difference = (expected if name == "literal" else run()).sub(expected).abs()
            words = f"{name}: differs by {difference.max():.1e} at most, {difference.mean():.1e} in the mean"
            print(words, flush=True)
            if difference.mean() > 1e-5:
                raise SystemExit("the forms do not compute the same picture")
        faster(forms, ("literal", "literal, channels last"))
        show(f"fusing a pair of {side}×{side}", alternated(forms, rounds))


def training(network: InvertibleFNet, batch: int, crop: int, rounds: int) -> None:
    """One step of either stage: forward, backward and Adam."""
    torch.manual_seed(0)
    first, second = torch.rand(2, batch, 1, crop, crop)
    optimiser = torch.optim.Adam(network.parameters(), 1e-8)

    def step(loss: Callable[[], Tensor]) -> Callable[[], object]:
        def run() -> None:
            optimiser.zero_grad()
            loss().backward()
            optimiser.step()

        return run

    forms = {
        "stage II": step(lambda: fusion_loss(network(first, second), (first, second))),
        "stage I": step(lambda: inverse_fusion_loss(network.round_trip(first, second), (first, second))),
        "literal stage II": step(lambda: fusion_loss(network.literal(first, second), (first, second))),
    }
    show(f"training step, {batch} pairs of crops of {crop}×{crop}", alternated(forms, rounds))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", help="a trained network with its inverse; otherwise a fresh one")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--side", type=int, default=320)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--printed", action="store_true", help="the literal form in ONNX Runtime, too")
    parser.add_argument("--training", action="store_true")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--crop", type=int, default=64)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    settings = {
        name: os.environ.get(name, "default")
        for name in ("LD_PRELOAD", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_")
    }
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, allocator {settings}")
    torch.manual_seed(0)
    network = InvertibleFNet() if arguments.weights is None else load_network(find_card(arguments.weights))
    if not isinstance(network, InvertibleFNet):
        raise SystemExit("give the weights of a network with its inverse")
    if arguments.training:
        training(network.requires_grad_(), arguments.batch, arguments.crop, arguments.rounds)
    else:
        network.eval().requires_grad_(False)
        fusion(network, arguments.side, arguments.rounds, arguments.threads, arguments.printed)


if __name__ == "__main__":
    main()

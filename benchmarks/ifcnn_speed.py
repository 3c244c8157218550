"""Time and peak memory of IFCNN against its literal form, with onnxruntime beside both.

Run: ``python benchmarks/ifcnn_speed.py`` or ``python benchmarks/ifcnn_speed.py --weights ifcnn-max.safetensors``.

All fuse the same gray pair and the same colour pair in memory and give the same pictures (checked first). They take
turns in one process under one setting of the allocator, which this program sets by running itself again: with glibc's
own, the literal form asks the system for every feature map anew, and the ratios are larger. The literal form is timed
in both memory layouts of PyTorch, the published one and channels-last, and the better of each round counts; so does
onnxruntime, which runs the exported graph of our network and of the literal one. On a busy machine take one thread and
``--clock cpu``: the time that the process computes, and not that in which others do.

Memory is the peak of resident memory above that before, each form in a process of its own with fresh memory.

Needs ``onnx``, ``onnxscript`` and ``onnxruntime``, or ``--no-onnx``.
"""

from __future__ import annotations

import argparse
import ctypes
import io
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import torch
from literal_ifcnn import LiteralIFCNN
from memory import MIB, peak, reset_peak, resident
from torch import Tensor, nn
from torch.export import Dim

import imfuse
from imfuse.networks.ifcnn import IFCNN

ALLOCATOR = {"MALLOC_MMAP_THRESHOLD_": str(2**32), "MALLOC_TRIM_THRESHOLD_": str(2**33)}
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}
KINDS = {"gray": 1, "colour": 3}
Form = Callable[[], Tensor]


class FusePair(nn.Module):
    """A form of the network with two arguments, for the export."""

    def __init__(self, form: nn.Module) -> None:
        super().__init__()
        self.form = form

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Fuse them."""
        fused: Tensor = self.form.fuse([first, second])
        return fused


def network(weights: str | None) -> IFCNN:
    """The network of these weights, or one with random ones: time and memory do not depend on them."""
    if weights is not None:
        loaded = imfuse.load(weights).network
        if not isinstance(loaded, IFCNN):
            raise SystemExit(f"{weights} is not an IFCNN")
        loaded.use_rule("maximum")
        return loaded
    torch.manual_seed(0)
    return IFCNN().eval().requires_grad_(False)


def onnx_form(form: nn.Module, sources: list[Tensor], threads: int) -> Form:
    """The form's graph, height and width left open, in onnxruntime."""
    import onnxruntime

    sides = {2: Dim("height", min=16, max=16384), 3: Dim("width", min=16, max=16384)}
    small = tuple(torch.rand(1, source.shape[1], 48, 40) for source in sources)
    exported = torch.export.export(FusePair(form), small, dynamic_shapes=(sides, sides))
    program = torch.onnx.export(exported, dynamo=True, input_names=["first", "second"], verbose=False)
    stream = io.BytesIO()
    program.save(stream)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(stream.getvalue(), options, providers=["CPUExecutionProvider"])
    arrays = {name: source.numpy() for name, source in zip(("first", "second"), sources, strict=True)}
    return lambda: torch.from_numpy(session.run(None, arrays)[0])


def forms(net: IFCNN, kind: str, arguments: argparse.Namespace) -> dict[str, Form]:
    """What is compared, each fusing the same pair."""
    torch.manual_seed(1)
    sources = list(torch.rand(2, 1, KINDS[kind], arguments.height, arguments.width))
    literal, last = LiteralIFCNN(net, False).eval(), LiteralIFCNN(net, True).eval()
    made: dict[str, Form] = {
        "imfuse": lambda: net.fuse(sources),
        "literal": lambda: literal.fuse(sources),
        "literal, channels last": lambda: last.fuse(sources),
    }
    if not arguments.no_onnx:
        made["imfuse, onnxruntime"] = onnx_form(net, sources, arguments.threads)
        made["literal, onnxruntime"] = onnx_form(literal, sources, arguments.threads)
    return made


def check(made: dict[str, Form]) -> None:
    """All forms give the picture of the literal one.

    Raises:
        SystemExit: they do not.
    """
    expected = made["literal"]()
    for name, run in made.items():
        difference = float((run() - expected).abs().max())
        if difference > 1e-5:
            raise SystemExit(f"{name} gives another picture: {difference:.1e}")


def show_times(kind: str, made: dict[str, Form], arguments: argparse.Namespace) -> None:
    """Medians of every form, taken in turn, and how many times faster than the literal ones ours is."""
    clock, times = CLOCKS[arguments.clock], {name: list[float]() for name in made}
    for _ in range(arguments.rounds):
        for name, run in made.items():
            started = clock()
            run()
            times[name].append(1e3 * (clock() - started))
    print(f"{kind} pair of {arguments.width}×{arguments.height}, {arguments.clock} time, {arguments.rounds} rounds")
    better = list(map(min, zip(times["literal"], times["literal, channels last"], strict=True)))
    for name, values in (*times.items(), ("the better literal", better)):
        ratios = [value / ours for value, ours in zip(values, times["imfuse"], strict=True)]
        print(
            f"  {name:24s} median {statistics.median(values):7.0f} ms; to imfuse {statistics.median(ratios):.2f} "
            f"({min(ratios):.2f} to {max(ratios):.2f})"
        )


def show_memory(kind: str, arguments: argparse.Namespace) -> None:
    """Peaks of our form and of the literal one in processes of their own."""
    names = ["imfuse", "literal", "literal, channels last"]
    names += [] if arguments.no_onnx else ["imfuse, onnxruntime", "literal, onnxruntime"]
    peaks = {}
    for name in names:
        command = [sys.executable, __file__, *sys.argv[1:], "--peak", f"{kind}:{name}"]
        # Fresh memory, as the system gives it: blocks that are kept for later would count as used.
        fresh = {key: value for key, value in os.environ.items() if key not in ALLOCATOR}
        done = subprocess.run(command, check=True, capture_output=True, text=True, env=fresh)
        peaks[name] = int(done.stdout.split()[-1])
    print(f"{kind} pair, peak memory of fusing it:")
    for name, value in peaks.items():
        print(f"  {name:24s} {value / MIB:6.0f} MiB, {value / peaks['imfuse']:.2f} times imfuse's")


def one_peak(net: IFCNN, asked: str, arguments: argparse.Namespace) -> None:
    """Print the peak of one form, in bytes above what was there."""
    kind, _, name = asked.partition(":")
    arguments.no_onnx = arguments.no_onnx or "onnx" not in name
    run = forms(net, kind, arguments)[name]
    small = argparse.Namespace(**{**vars(arguments), "height": 64, "width": 64})
    forms(net, kind, small)[name]()  # what a process loads once
    ctypes.CDLL(None).malloc_trim(0)  # what the export left would count as free
    reset_peak()
    before = resident()
    run()
    print(peak() - before)


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", help="of an IFCNN; by default random ones")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--height", type=int, default=480)
    parser.add_argument("--width", type=int, default=640)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--clock", choices=CLOCKS, default="wall")
    parser.add_argument("--kind", choices=KINDS, nargs="*", default=list(KINDS))
    parser.add_argument("--no-onnx", action="store_true", help="without onnxruntime")
    parser.add_argument("--peak", help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    """Measure and print."""
    arguments = parsed()
    torch.set_num_threads(arguments.threads)
    net = network(arguments.weights)
    with torch.no_grad():
        if arguments.peak:
            one_peak(net, arguments.peak, arguments)
            return
        if any(os.environ.get(name) != value for name, value in ALLOCATOR.items()):
            os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **ALLOCATOR})
        print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, allocator {ALLOCATOR}")
        for kind in arguments.kind:
            made = forms(net, kind, arguments)
            check(made)
            show_times(kind, made, arguments)
            show_memory(kind, arguments)


if __name__ == "__main__":
    main()

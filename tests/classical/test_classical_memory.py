"""The memory that methods declare is what they take."""

import subprocess
import sys
from pathlib import Path

import pytest

MEASURE = """
import ctypes, sys, torch
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from imfuse.io.window import Window
from imfuse.registry import CLASSICAL, build_network
from windows import Windows

def status(key):
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(key))

def peak(work):
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
    before = status("VmRSS")
    work()
    return (status("VmHWM") - before) / SIDE**2

SIDE, COUNT = 800, 3
torch.set_num_threads(1)
place, core = Window(0, 0, SIDE, SIDE), (slice(0, SIDE), slice(0, SIDE))
with torch.inference_mode():
    pictures = list(torch.rand(COUNT, 1, 3, SIDE, SIDE))
    small = Windows([picture[..., :64, :64].clone() for picture in pictures], Window(0, 0, 64, 64))
    for card in CLASSICAL:
        if "spectral" in card.tasks:
            continue
        network = build_network(card.network, card.arguments).eval()
        network.fuse(small)
        whole = Windows(pictures, place)
        whole.__class__ = type("Whole", (Windows,), {"__iter__": lambda self: iter(self.pictures)})
        measured = [peak(lambda: network.fuse(whole))]
        if network.surveyed:
            measured.append(peak(lambda: network.survey(whole, core)))
        declared = network.bytes_per_pixel + COUNT * getattr(network, "bytes_per_pixel_per_source", 0)
        print(card.name, declared, *measured)
"""


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs Linux's peak of resident memory")
def test_methods_take_no_more_than_they_declare() -> None:
    """Of colour pictures, which take the most; these themselves are not counted."""
    command = [sys.executable, "-c", MEASURE, str(Path(__file__).parents[1])]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    for line in done.stdout.splitlines():
        name, declared, *measured = line.split()
        assert max(map(float, measured)) <= float(declared), name
        assert max(map(float, measured)) > float(declared) / 3, name

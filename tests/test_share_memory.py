"""The memory that shares and parts are said to take is what they take."""

import subprocess
import sys
from pathlib import Path

import pytest

MEASURE = """
import ctypes, torch
from pathlib import Path
from imfuse.plan import working_bytes
from imfuse.registry import build_network

def status(key):
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(key))

def peak(work):
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
    before = status("VmRSS")
    work()
    return (status("VmHWM") - before) / SIDE**2

COUNT = 2
torch.set_num_threads(1)
with torch.inference_mode():
    for name, SIDE in (("ifcnn", 360), ("guided_filter", 450), ("exposure_fusion", 450), ("maximum", 600)):
        network = build_network(name, {}).eval()
        sources = list(torch.rand(COUNT, 1, 3, SIDE, SIDE))
        network.source_shares([source[..., :64, :64] for source in sources])
        names = [str(number) for number in range(COUNT)]
        for work, doing in (
            ("shares", lambda: network.source_shares(sources)),
            ("explain", lambda: network.explain(sources, names)),
        ):
            print(name, work, working_bytes(network, COUNT, work), peak(doing))
"""


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs Linux's peak of resident memory")
def test_shares_and_parts_take_no_more_than_is_declared() -> None:
    """Of colour pictures, which take the most; these themselves are not counted."""
    done = subprocess.run([sys.executable, "-c", MEASURE], check=True, capture_output=True, text=True)
    lines = done.stdout.splitlines()
    assert len(lines) == 8
    for line in lines:
        declared, measured = line.split()[2:]
        assert float(declared) / 8 < float(measured) <= float(declared), line

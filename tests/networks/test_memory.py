"""The memory that networks declare is what they take."""

import subprocess
import sys
from pathlib import Path

import pytest

MEASURE = """
import sys, torch
from pathlib import Path
from imfuse.networks.auif import AUIF

def status(key):
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(key))

torch.set_num_threads(1)
network = AUIF(layers=2, filters=4, rule_name=sys.argv[1]).eval()
side = 1800
with torch.inference_mode():
    network.fuse(list(torch.rand(2, 1, 1, 64, 64)))
    sources = list(torch.rand(2, 1, 1, side, side))
    Path("/proc/self/clear_refs").write_text("5")
    before = status("VmRSS")
    network.fuse(sources)
print((status("VmHWM") - before) / side**2, network.bytes_per_pixel)
"""


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs Linux's peak of resident memory")
@pytest.mark.parametrize("rule", ["addition", "average", "l1_norm"])
def test_auif_takes_no_more_than_it_declares(rule: str) -> None:
    done = subprocess.run([sys.executable, "-c", MEASURE, rule], check=True, capture_output=True, text=True)
    measured, declared = map(float, done.stdout.split())
    assert measured <= declared
    assert measured > declared / 4

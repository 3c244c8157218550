"""The memory that spectral methods declare, per pixel of the guide and band, is what they take."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

MEASURE = """
import json, torch
from importlib import import_module
from pathlib import Path
from imfuse.classical.spectral.cards import SPECTRAL_NETWORKS

def status(key):
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(key))

torch.set_num_threads(1)
torch.manual_seed(0)
taken = {}
for name, place in SPECTRAL_NETWORKS.items():
    module, _, kind = place.partition(":")
    arguments = {"rounds": 1, "first_updates": 2, "updates": 2} if name == "cnmf" else {}
    method = getattr(import_module(module), kind)(**arguments)
    method.fuse([torch.rand(1, 8, 16, 16), torch.rand(1, 3, 64, 64)])
    for bands, side in ((8, 800), (31, 500)):
        sources = [torch.rand(1, bands, side // 4, side // 4), torch.rand(1, 3, side, side)]
        Path("/proc/self/clear_refs").write_text("5")
        before = status("VmRSS")
        method.fuse(sources)
        taken[f"{name}, {bands} bands"] = (status("VmHWM") - before) / side**2 / bands, method.bytes_per_pixel
print(json.dumps(taken))
"""


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs Linux's peak of resident memory")
def test_methods_take_no_more_than_they_declare() -> None:
    # Freed blocks go back at once, so that no method finds those of the one before it.
    allocator = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}
    command = [sys.executable, "-c", MEASURE]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, **allocator})
    for name, (measured, declared) in json.loads(done.stdout).items():
        assert declared / 4 < measured <= declared, name

"""The memory that networks declare is what they take."""

import subprocess
import sys
from pathlib import Path

import pytest

MEASURE = """
import sys, torch
from pathlib import Path
from imfuse.networks.auif import AUIF
from imfuse.networks.csc_ivfn import CSCIVFN
from imfuse.networks.csc_mefn import CSCMEFN
from imfuse.networks.fnet import FNet
from imfuse.networks.ifcnn import IFCNN
from imfuse.networks.ifnet import InvertibleFNet

def fnet_with_inverse():
    network = FNet(modules=2)
    network.take_inverse(InvertibleFNet(modules=2))
    return network

def status(key):
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(key))

torch.set_num_threads(1)
networks = {
    "auif": lambda: AUIF(layers=2, filters=4),
    "auif, tied": lambda: AUIF(layers=2, filters=4, tied=True),
    "csc-ivfn": lambda: CSCIVFN(units=2),
    "csc-mefn": CSCMEFN,
    "ifcnn": IFCNN,
    "fnet": lambda: FNet(modules=2),
    "fnet-inverse": lambda: InvertibleFNet(modules=2),
    "fnet with it": fnet_with_inverse,
}
network = networks[sys.argv[1]]().eval()
if sys.argv[1] == "ifcnn":
    network.use_rule(sys.argv[2])
elif sys.argv[2]:
    network.use_rule(base=sys.argv[2], detail=sys.argv[3])
network.use_fast(sys.argv[5] == "fast")
channels = 3 if sys.argv[1] == "ifcnn" else 1
side = int(sys.argv[4])
with torch.inference_mode():
    network.fuse(list(torch.rand(2, 1, channels, 64, 64)))
    sources = list(torch.rand(2, 1, channels, side, side))
    Path("/proc/self/clear_refs").write_text("5")
    before = status("VmRSS")
    if sys.argv[5] == "explain":
        parts = network.explain(sources, ["infrared", "visible"])
    elif sys.argv[5] == "survey":
        network.survey(sources, (slice(None), slice(None)))
    else:
        network.fuse(sources)
declared = network.explain_bytes_per_pixel if sys.argv[5] == "explain" else network.bytes_per_pixel
print((status("VmHWM") - before) / side**2, declared)
"""


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs Linux's peak of resident memory")
@pytest.mark.parametrize(
    ("name", "base", "detail", "side", "what"),
    [
        ("auif", "addition", "addition", 1800, "fuse"),
        ("auif", "average", "average", 1800, "fuse"),
        ("auif", "l1_norm", "l1_norm", 1800, "fuse"),
        ("auif", "l1_norm", "l1_norm", 1800, "explain"),
        ("auif, tied", "addition", "addition", 1800, "fuse"),
        ("auif, tied", "l1_norm", "l1_norm", 1800, "explain"),
        ("csc-ivfn", "saliency_weighted", "l1_norm", 700, "fuse"),
        ("csc-ivfn", "l1_norm", "saliency_weighted", 700, "fuse"),
        ("csc-ivfn", "average", "addition", 700, "fuse"),
        ("csc-ivfn", "saliency_weighted", "saliency_weighted", 700, "survey"),
        ("csc-ivfn", "saliency_weighted", "l1_norm", 700, "explain"),
        ("csc-ivfn", "l1_norm", "saliency_weighted", 700, "explain"),
        ("csc-mefn", "", "", 1800, "fuse"),
        ("csc-mefn", "", "", 1800, "fast"),
        ("ifcnn", "maximum", "", 181, "fuse"),
        ("ifcnn", "maximum", "", 700, "fuse"),
        ("ifcnn", "average", "", 700, "fuse"),
        ("fnet", "", "", 400, "fuse"),
        ("fnet", "", "", 400, "explain"),
        ("fnet-inverse", "", "", 400, "explain"),
        ("fnet with it", "", "", 400, "explain"),
    ],
)
def test_a_network_takes_no_more_than_it_declares(name: str, base: str, detail: str, side: int, what: str) -> None:
    command = [sys.executable, "-c", MEASURE, name, base, detail, str(side), what]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    measured, declared = map(float, done.stdout.split())
    assert measured <= declared
    assert measured > declared / 4

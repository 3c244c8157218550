"""The memory that networks declare is what they take."""

from collections.abc import Callable

import pytest
import torch

from imfuse.networks.auif import AUIF
from imfuse.networks.csc_ivfn import CSCIVFN
from imfuse.networks.csc_mefn import CSCMEFN
from imfuse.networks.fnet import FNet
from imfuse.networks.ifcnn import IFCNN
from imfuse.networks.ifnet import InvertibleFNet
from imfuse.networks.protocol import FusionNetwork
from peak_memory import in_new_processes, needs_linux, peak_bytes


def fnet_with_inverse() -> FNet:
    network = FNet(modules=2)
    network.take_inverse(InvertibleFNet(modules=2))
    return network


NETWORKS: dict[str, Callable[[], FusionNetwork]] = {
    "auif": lambda: AUIF(layers=2, filters=4),
    "auif, tied": lambda: AUIF(layers=2, filters=4, tied=True),
    "csc-ivfn": lambda: CSCIVFN(units=2),
    "csc-mefn": CSCMEFN,
    "ifcnn": IFCNN,
    "fnet": lambda: FNet(modules=2),
    "fnet-inverse": lambda: InvertibleFNet(modules=2),
    "fnet with it": fnet_with_inverse,
}

CASES = [
    ("auif", "addition", "addition", 1100, "fuse"),
    ("auif", "average", "average", 1100, "fuse"),
    ("auif", "l1_norm", "l1_norm", 1100, "fuse"),
    ("auif", "l1_norm", "l1_norm", 1100, "explain"),
    ("auif, tied", "addition", "addition", 1100, "fuse"),
    ("auif, tied", "l1_norm", "l1_norm", 1100, "explain"),
    ("csc-ivfn", "saliency_weighted", "l1_norm", 450, "fuse"),
    ("csc-ivfn", "l1_norm", "saliency_weighted", 450, "fuse"),
    ("csc-ivfn", "average", "addition", 450, "fuse"),
    ("csc-ivfn", "saliency_weighted", "saliency_weighted", 450, "survey"),
    ("csc-ivfn", "saliency_weighted", "l1_norm", 450, "explain"),
    ("csc-ivfn", "l1_norm", "saliency_weighted", 450, "explain"),
    ("csc-mefn", "", "", 1100, "fuse"),
    ("csc-mefn", "", "", 1100, "fast"),
    ("ifcnn", "maximum", "", 181, "fuse"),
    ("ifcnn", "maximum", "", 450, "fuse"),
    ("ifcnn", "average", "", 450, "fuse"),
    ("fnet", "", "", 400, "fuse"),
    ("fnet", "", "", 400, "explain"),
    ("fnet-inverse", "", "", 400, "explain"),
    ("fnet with it", "", "", 400, "explain"),
]


def taken(name: str, base: str, detail: str, side: int, what: str) -> tuple[float, float]:
    """Bytes per pixel that work on two square pictures takes, and those that are declared."""
    network = NETWORKS[name]().eval()
    if detail:
        network.use_rule(base=base, detail=detail)
    elif base:
        network.use_rule(base)
    network.use_fast(what == "fast")
    channels = 3 if name == "ifcnn" else 1
    network.fuse(list(torch.rand(2, 1, channels, 64, 64)))
    sources = list(torch.rand(2, 1, channels, side, side))
    work: dict[str, Callable[[], object]] = {
        "explain": lambda: network.explain(sources, ["infrared", "visible"]),
        "survey": lambda: network.survey(sources, (slice(None), slice(None))),
    }
    peak = peak_bytes(work.get(what, lambda: network.fuse(sources)))
    declared = network.explain_bytes_per_pixel if what == "explain" else network.bytes_per_pixel
    return peak / side**2, declared


@pytest.fixture(scope="module")
def found() -> dict[tuple[object, ...], tuple[float, float]]:
    return dict(zip(CASES, in_new_processes(taken, CASES), strict=True))


@needs_linux
@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(map(str, case)))
def test_a_network_takes_no_more_than_it_declares(
    found: dict[tuple[object, ...], tuple[float, float]], case: tuple[object, ...]
) -> None:
    measured, declared = found[case]
    assert measured <= declared
    assert measured > declared / 4

"""The memory that shares and parts are said to take is what they take."""

import torch

from imfuse.plan import working_bytes
from imfuse.registry import build_network
from peak_memory import in_new_processes, needs_linux, peak_bytes

COUNT = 2
SIDES = {"ifcnn": 360, "guided_filter": 450, "exposure_fusion": 450, "maximum": 600}


def taken() -> dict[str, tuple[float, float]]:
    """Bytes per pixel of colour pictures, which take the most, beside these: declared and measured."""
    found = {}
    for name, side in SIDES.items():
        network = build_network(name, {}).eval()
        sources = list(torch.rand(COUNT, 1, 3, side, side))
        network.source_shares([source[..., :64, :64] for source in sources])
        work = {
            "shares": lambda: network.source_shares(sources),  # noqa: B023 - called at once
            "explain": lambda: network.explain(sources, ["first", "second"]),  # noqa: B023
        }
        for what, doing in work.items():
            found[f"{name}, {what}"] = working_bytes(network, COUNT, what), peak_bytes(doing) / side**2
    return found


@needs_linux
def test_shares_and_parts_take_no_more_than_is_declared() -> None:
    (found,) = in_new_processes(taken, [()])
    assert len(found) == 2 * len(SIDES)
    for what, (declared, measured) in found.items():
        assert declared / 8 < measured <= declared, what

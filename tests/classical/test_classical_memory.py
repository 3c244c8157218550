"""The memory that methods declare is what they take."""

from collections.abc import Iterator

import pytest
import torch

from imfuse.io.window import Window
from imfuse.registry import CLASSICAL, build_network
from peak_memory import in_new_processes, needs_linux, peak_bytes
from windows import Windows

SIDE, COUNT = 800, 3
METHODS = {card.name: card for card in CLASSICAL if "spectral" not in card.tasks}


class Whole(Windows):
    """The pictures themselves, not copied."""

    def __iter__(self) -> Iterator[torch.Tensor]:
        return iter(self.pictures)


def taken() -> dict[str, tuple[float, list[float]]]:
    """Bytes per pixel that each method declares for colour pictures, and those that its passes take beside them."""
    pictures = list(torch.rand(COUNT, 1, 3, SIDE, SIDE))
    small = Windows([picture[..., :64, :64].clone() for picture in pictures], Window(0, 0, 64, 64))
    whole, core = Whole(pictures, Window(0, 0, SIDE, SIDE)), (slice(0, SIDE), slice(0, SIDE))
    found = {}
    for name, card in METHODS.items():
        network = build_network(card.network, card.arguments).eval()
        network.fuse(small)
        passes = [peak_bytes(lambda: network.fuse(whole))]  # noqa: B023 - called at once
        if network.surveyed:
            passes.append(peak_bytes(lambda: network.survey(whole, core)))  # noqa: B023
        declared = network.bytes_per_pixel + COUNT * getattr(network, "bytes_per_pixel_per_source", 0)
        found[name] = declared, [one / SIDE**2 for one in passes]
    return found


@pytest.fixture(scope="module")
def found() -> dict[str, tuple[float, list[float]]]:
    return in_new_processes(taken, [()])[0]


@needs_linux
@pytest.mark.parametrize("name", METHODS)
def test_a_method_takes_no_more_than_it_declares(found: dict[str, tuple[float, list[float]]], name: str) -> None:
    """Of colour pictures, which take the most."""
    declared, measured = found[name]
    assert declared / 3 < max(measured) <= declared

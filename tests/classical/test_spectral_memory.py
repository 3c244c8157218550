"""The memory that spectral methods declare, per pixel of the guide and band, is what they take."""

from importlib import import_module

import pytest
import torch

from imfuse.classical.spectral.cards import SPECTRAL_NETWORKS
from peak_memory import in_new_processes, needs_linux, peak_bytes

SIZES = [(8, 800), (31, 500)]
"""Bands and side of the guide."""

# Freed blocks go back at once, so that no method finds those of the one before it.
ALLOCATOR = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}


def taken() -> dict[str, list[tuple[float, float]]]:
    """Of every method and size the bytes that it takes, and those that it declares."""
    torch.manual_seed(0)
    found = {}
    for name, place in SPECTRAL_NETWORKS.items():
        module, _, kind = place.partition(":")
        arguments = {"rounds": 1, "first_updates": 2, "updates": 2} if name == "cnmf" else {}
        method = getattr(import_module(module), kind)(**arguments)
        method.fuse([torch.rand(1, 8, 16, 16), torch.rand(1, 3, 64, 64)])
        found[name] = []
        for bands, side in SIZES:
            sources = [torch.rand(1, bands, side // 4, side // 4), torch.rand(1, 3, side, side)]
            peak = peak_bytes(lambda: method.fuse(sources))  # noqa: B023 - called at once
            found[name].append((peak / side**2 / bands, method.bytes_per_pixel))
    return found


@pytest.fixture(scope="module")
def found() -> dict[str, list[tuple[float, float]]]:
    return in_new_processes(taken, [()], **ALLOCATOR)[0]


@needs_linux
@pytest.mark.parametrize("name", SPECTRAL_NETWORKS)
def test_a_method_takes_no_more_than_it_declares(found: dict[str, list[tuple[float, float]]], name: str) -> None:
    for measured, declared in found[name]:
        assert declared / 4 < measured <= declared

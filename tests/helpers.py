"""Makers that several tests share."""

import torch

from imfuse.networks.auif import AUIF


def settled_auif(seed: int = 0, **arguments: object) -> AUIF:
    """A small AUIF whose normalisations have seen data: random, but of sane range. Not a trained network."""
    torch.manual_seed(seed)
    network = AUIF(**{"layers": 3, "filters": 8, **arguments}).train()
    with torch.no_grad():
        for _ in range(40):
            network(torch.rand(4, 1, 48, 48))
    return network.eval().requires_grad_(False)

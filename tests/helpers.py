"""Makers that several tests share."""

from typing import TypeVar

import torch

from imfuse.networks.auif import AUIF
from imfuse.networks.csc_ivfn import CSCIVFN
from imfuse.networks.ifcnn import IFCNN
from imfuse.networks.two_scale import TwoScaleNetwork

Network = TypeVar("Network", bound=TwoScaleNetwork)


def settled_auif(seed: int = 0, **arguments: object) -> AUIF:
    """A small AUIF whose normalisations have seen data: random, but of sane range. Not a trained network."""
    torch.manual_seed(seed)
    return _settled(AUIF(**{"layers": 3, "filters": 8, **arguments}))


def settled_csc_ivfn(seed: int = 0, **arguments: object) -> CSCIVFN:
    """A small CSC-IVFN whose normalisations and levels have seen data. Not a trained network."""
    torch.manual_seed(seed)
    network = CSCIVFN(**{"units": 3, "filters": 6, **arguments})
    with torch.no_grad():
        for encoder in (network.base_encoder, network.detail_encoder):
            for unit in encoder.units():
                # Values of either sign and far from those of a fresh network, so that nothing is linear by chance.
                unit.norm.weight.uniform_(0.5, 1.5).mul_(torch.randn(len(unit.norm.weight)).sign())
                unit.norm.bias.normal_(std=0.3)
                for parameter in unit.activation.parameters():
                    parameter.uniform_(0.1, 0.9)
    _settled(network)
    network.calibrate(list(torch.rand(3, 1, 1, 40, 40)))
    return network


def settled_ifcnn(seed: int = 0, **arguments: object) -> IFCNN:
    """A small IFCNN whose normalisations have seen data. Not a trained network."""
    torch.manual_seed(seed)
    network = IFCNN(**{"filters": 6, **arguments})
    with torch.no_grad():
        for block in (network.conv2, network.conv3):
            block.bn.weight.uniform_(0.5, 1.5)
            block.bn.bias.normal_(std=0.3)
        for _ in range(40):
            network(*torch.rand(2, 2, 3, 40, 40))
    return network.eval().requires_grad_(False)


def _settled(network: Network) -> Network:
    network.train()
    with torch.no_grad():
        for _ in range(40):
            network(torch.rand(4, 1, 48, 48))
    return network.eval().requires_grad_(False)

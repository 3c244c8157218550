"""Makers that several tests share."""

from collections.abc import Iterable
from typing import TypeVar

import numpy as np
import torch

from imfuse.blocks.dcu_stack import DictionaryStack
from imfuse.networks.auif import AUIF
from imfuse.networks.csc_ivfn import CSCIVFN
from imfuse.networks.csc_mefn import CSCMEFN
from imfuse.networks.fnet import FNet
from imfuse.networks.ifcnn import IFCNN
from imfuse.networks.protocol import FusionNetwork
from imfuse.networks.two_scale import TwoScaleNetwork
from imfuse.ops.filters import box_mean

Network = TypeVar("Network", bound=TwoScaleNetwork)


def settled_auif(seed: int = 0, **arguments: object) -> AUIF:
    """A small AUIF whose normalisations have seen data: random, but of sane range. Not a trained network."""
    torch.manual_seed(seed)
    return _settled(AUIF(**{"layers": 3, "filters": 8, **arguments}))


def settled_csc_ivfn(seed: int = 0, **arguments: object) -> CSCIVFN:
    """A small CSC-IVFN whose normalisations and levels have seen data. Not a trained network."""
    torch.manual_seed(seed)
    network = CSCIVFN(**{"units": 3, "filters": 6, **arguments})
    for encoder in (network.base_encoder, network.detail_encoder):
        _stir(encoder)
    _settled(network)
    network.calibrate(list(torch.rand(3, 1, 1, 40, 40)))
    return network


def settled_csc_mefn(seed: int = 0, **arguments: object) -> CSCMEFN:
    """A small CSC-MEFN whose normalisations have seen data. Not a trained network."""
    torch.manual_seed(seed)
    network = CSCMEFN(**{"filters": 6, "spacings": (1, 3, 9), **arguments})
    _stir(network.encoder)
    with torch.no_grad():
        for _ in range(40):
            network.encoder(torch.rand(4, 1, 48, 48))
        network.head.weight.mul_(3)  # so that weights are far from equal
        if network.whole is not None:
            network.whole.copy_(torch.tensor([0.3, -0.4]))
    return network.eval().requires_grad_(False)


def _stir(encoder: DictionaryStack) -> None:
    """Values of either sign and far from those of a fresh network, so that nothing is linear by chance."""
    with torch.no_grad():
        for unit in encoder.units():
            unit.norm.weight.uniform_(0.5, 1.5).mul_(torch.randn(len(unit.norm.weight)).sign())
            unit.norm.bias.normal_(std=0.3)
            for parameter in unit.activation.parameters():
                parameter.uniform_(0.1, 0.9)


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


def small_fnet(seed: int = 0, kind: type[FNet] = FNet, **arguments: object) -> FNet:
    """A small FNet whose thresholds let features pass in every block. Not a trained network."""
    torch.manual_seed(seed)
    network = kind(**{"features": 5, "size": 3, "modules": 2, **arguments})
    return network.eval().requires_grad_(False)


def _settled(network: Network) -> Network:
    network.train()
    with torch.no_grad():
        for _ in range(40):
            network(torch.rand(4, 1, 48, 48))
    return network.eval().requires_grad_(False)


class Average(FusionNetwork):
    """The mean of all sources, folded; it holds one sum and no source."""

    bytes_per_pixel = 24
    halo = 0

    def fuse(self, sources: Iterable[torch.Tensor], survey: object = None) -> torch.Tensor:
        total, count = None, 0
        for source in sources:
            total = source.clone() if total is None else total.add_(source)
            count += 1
            del source  # the next one is read before the name is bound anew
        assert total is not None
        return total / count


class SharpestWins(FusionNetwork):
    """Every pixel is that of the source with the largest activity there, box-averaged; one choice for all channels.

    With ``power`` the sources are weighted by that power of their activity instead, in two passes over them.
    """

    bytes_per_pixel = 120
    reach = 3
    halo = 2 * reach

    def __init__(self, power: int = 0) -> None:
        super().__init__()
        self.power = power

    def activity(self, source: torch.Tensor) -> torch.Tensor:
        """Box mean of the distance of a source's mean channel from its own box mean, (B, 1, H, W)."""
        gray, size = source.mean(1, keepdim=True), 2 * self.reach + 1
        return box_mean((gray - box_mean(gray, size)).abs(), size) + 1e-3

    def fuse(self, sources: Iterable[torch.Tensor], survey: object = None) -> torch.Tensor:
        if self.power:
            total = sum(self.activity(source) ** self.power for source in sources)
            return sum(self.activity(source) ** self.power / total * source for source in sources)
        best, chosen = torch.zeros(()), torch.zeros(())
        for source in sources:
            activity = self.activity(source)
            chosen = torch.where(activity > best, source, chosen)
            best = torch.maximum(activity, best)
        return chosen


class ColourAverage(Average):
    """An average that wants exposures in RGB."""

    takes_colour = True


def noise(height: int, width: int, channels: int = 3, seed: int = 0, dtype: type = np.uint8) -> np.ndarray:
    """A picture (H, W) or (H, W, C) of random integers over the whole range."""
    shape = (height, width) if channels == 1 else (height, width, channels)
    return np.random.default_rng(seed).integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)

"""IFCNN as its authors run it, module by module: the peer that the speed is measured against."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from imfuse.networks.ifcnn import IFCNN
from imfuse.ops.colour import luma


class LiteralIFCNN(nn.Module):
    """7×7 and 3×3 convolutions, batch normalisation and ReLU one after the other, with the parameters of a network.

    Gray pictures are given three times, as published; the result is the luma of the three channels.

    Args:
        network: in evaluation mode, with the rule ``maximum``.
        channels_last: whether features lie in that layout, instead of PyTorch's default.
    """

    def __init__(self, network: IFCNN, channels_last: bool) -> None:
        super().__init__()
        self.network = network
        self.layout = torch.channels_last if channels_last else torch.contiguous_format

    def encode(self, source: Tensor) -> Tensor:
        """Features of a source (B, 3, H, W) in [0, 1]."""
        net = self.network
        x = ((source - net.mean) / net.deviation).contiguous(memory_format=self.layout)
        x = net.conv1(F.pad(x, (3, 3, 3, 3), mode="replicate"))
        x = net.conv2.conv(F.pad(x, (1, 1, 1, 1), mode="replicate"))
        return F.relu(net.conv2.bn(x), inplace=True)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Fuse two sources, each (B, 3, H, W)."""
        net = self.network
        x = torch.max(self.encode(first), self.encode(second))
        x = net.conv3.conv(F.pad(x, (1, 1, 1, 1), mode="replicate"))
        x = net.conv4(F.relu(net.conv3.bn(x), inplace=True))
        return x * net.deviation + net.mean

    def fuse(self, sources: list[Tensor]) -> Tensor:
        """Fuse two gray or two colour pictures."""
        first, second = (source.expand(-1, 3, -1, -1) for source in sources)
        fused = self(first, second)
        return luma(fused) if sources[0].shape[1] == 1 else fused

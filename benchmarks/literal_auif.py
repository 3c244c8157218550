"""AUIF as its equations are printed, module by module: the peer that the speed is measured against."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from imfuse.blocks.decomposition import DecompositionLayer
from imfuse.networks.auif import AUIF


class LiteralLayer(nn.Module):
    """Eq. 5 with its two convolutions of 64 filters one after the other, then normalisation and PReLU."""

    def __init__(self, layer: DecompositionLayer, channels_last: bool) -> None:
        super().__init__()
        self.conv1, self.conv2, self.eta, self.theta = layer.conv1, layer.conv2, layer.eta, layer.theta
        self.norm, self.activation = layer.norm, layer.activation
        self.channels_last = channels_last

    def forward(self, x: Tensor, source: Tensor) -> Tensor:
        """One layer; all (B, 1, H, W)."""
        padded = F.pad(x, (2, 2, 2, 2), mode="reflect")
        if self.channels_last:
            padded = padded.to(memory_format=torch.channels_last)
        filtered = self.conv2(self.conv1(padded))
        result: Tensor = self.activation(self.norm(x - self.eta * (filtered - self.theta * (source - x))))
        return result


class LiteralAUIF(nn.Module):
    """AUIF with literal layers that share the parameters of a given network; addition."""

    def __init__(self, network: AUIF, channels_last: bool) -> None:
        super().__init__()
        self.network = network
        self.base = nn.ModuleList(LiteralLayer(layer, channels_last) for layer in network.base_encoder)
        self.detail = nn.ModuleList(LiteralLayer(layer, channels_last) for layer in network.detail_encoder)

    def encode(self, source: Tensor) -> Tensor:
        """Sum of base and detail map of a picture (B, 1, H, W), each as deviation from its mean."""
        base, detail = self.network.start("base", source), self.network.start("detail", source)
        for layer in self.base:
            base = layer(base, source)
        for layer in self.detail:
            detail = layer(detail, source)
        return (base - self.network.base_mean) + (detail - self.network.detail_mean)

    def decode(self, features: Tensor) -> Tensor:
        """Decoder of summed maps (B, 1, H, W)."""
        padded = F.pad(features, (1, 1, 1, 1), mode="reflect")
        return torch.sigmoid(self.network.decoder_norm(self.network.decoder_conv(padded)))

    def forward(self, source: Tensor) -> Tensor:
        """Reproduce a picture."""
        return self.decode(self.encode(source))

    def fuse(self, sources: list[Tensor]) -> Tensor:
        """Fuse by addition."""
        return self.decode(sum(self.encode(source) for source in sources))  # type: ignore[arg-type]

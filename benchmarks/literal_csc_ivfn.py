"""CSC-IVFN as its equations are printed, module by module: the peer that the speed is measured against."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from imfuse.blocks.dcu_stack import DictionaryStack
from imfuse.networks.csc_ivfn import CSCIVFN
from imfuse.rules.saliency import SaliencyWeighted


def mean_filter(x: Tensor, size: int) -> Tensor:
    """Mean over ``size × size`` pixels with reflection."""
    pad = size // 2
    return F.avg_pool2d(F.pad(x, (pad, pad, pad, pad), mode="reflect"), size, stride=1)


def guided(x: Tensor, guide: Tensor, radius: int, epsilon: float) -> Tensor:
    """The guided filter on whole maps."""
    size = 2 * radius + 1
    mean_x, mean_guide = mean_filter(x, size), mean_filter(guide, size)
    variance = (mean_filter(guide * guide, size) - mean_guide**2).clamp_min(0)
    slope = (mean_filter(x * guide, size) - mean_x * mean_guide) / (variance + epsilon)
    return mean_filter(slope, size) * guide + mean_filter(mean_x - slope * mean_guide, size)


class LiteralCSCIVFN(nn.Module):
    """Convolutions, normalisations and activations one after the other; shares the parameters of a given network."""

    def __init__(self, network: CSCIVFN, channels_last: bool) -> None:
        super().__init__()
        self.network = network
        self.channels_last = channels_last

    def laid_out(self, x: Tensor) -> Tensor:
        """The map in the memory layout of this form."""
        return x.to(memory_format=torch.channels_last) if self.channels_last else x

    def code(self, encoder: DictionaryStack, picture: Tensor) -> Tensor:
        """Eq. 3, unit by unit."""
        code = None
        for unit in encoder.units():
            residual = picture
            if code is not None and unit.conv0 is not None:
                residual = picture - unit.conv0(F.pad(code, (1, 1, 1, 1), mode="reflect"))
            update = unit.conv1(self.laid_out(F.pad(residual, (1, 1, 1, 1), mode="reflect")))
            code = unit.activation(unit.norm(update if code is None else code + update))
        return code - encoder.origin.reshape(1, -1, 1, 1)

    def codes(self, source: Tensor) -> tuple[Tensor, Tensor]:
        """Base and detail code of a picture (B, 1, H, W)."""
        base = mean_filter(source, self.network.blur_size)
        return self.code(self.network.base_encoder, base), self.code(self.network.detail_encoder, source - base)

    def decode(self, base: Tensor, detail: Tensor) -> Tensor:
        """Two convolutions, their sum, the sigmoid."""
        images = self.network.base_decoder(F.pad(base, (1, 1, 1, 1), mode="reflect"))
        images = images + self.network.detail_decoder(F.pad(detail, (1, 1, 1, 1), mode="reflect"))
        return torch.sigmoid(images + self.network.bias)

    def forward(self, source: Tensor) -> Tensor:
        """Reproduce a picture."""
        return self.decode(*self.codes(source))

    def saliency(self, unit: Tensor) -> Tensor:
        """Σ H(i) |v − i| over the 256 levels of every channel."""
        channels = unit.shape[1]
        rounded = unit.mul(255).round().clamp(0, 255).to(torch.int64).reshape(channels, -1)
        histogram = torch.stack([torch.bincount(row, minlength=256) for row in rounded]).double()
        levels = torch.arange(-1, 257, dtype=torch.float64)
        table = (histogram / histogram.sum(1, keepdim=True)) @ (levels[1:-1, None] - levels[None]).abs()
        place = unit.reshape(channels, -1) * 255 + 1
        left = place.floor().clamp(0, 256).to(torch.int64)
        values = table.float()
        first, second = values.gather(1, left), values.gather(1, left + 1)
        return (first + (second - first) * (place - left)).reshape(unit.shape)

    def merge_base(self, first: Tensor, second: Tensor) -> Tensor:
        """Saliency-weighted (Eq. 7)."""
        low, high = (bound.reshape(1, -1, 1, 1) for bound in self.network.base_levels)
        units = [(code - low) / (high - low) for code in (first, second)]
        saliencies = [self.saliency(unit) for unit in units]
        share = saliencies[0] / (saliencies[0] + saliencies[1])
        radius, epsilon = SaliencyWeighted.radius, SaliencyWeighted.epsilon
        smooth = [
            guided(s, unit, radius, epsilon).clamp_min(0) for s, unit in zip((share, 1 - share), units, strict=True)
        ]
        weight = smooth[0] / (smooth[0] + smooth[1])
        return weight * first + (1 - weight) * second

    def merge_detail(self, first: Tensor, second: Tensor) -> Tensor:
        """l1-norm (Eq. 6)."""
        activities = [mean_filter(code.abs().sum(1, keepdim=True), 3) for code in (first, second)]
        weight = activities[0] / (activities[0] + activities[1])
        return weight * first + (1 - weight) * second

    def fuse(self, sources: list[Tensor]) -> Tensor:
        """Fuse two pictures by the paper's rules."""
        (base_1, detail_1), (base_2, detail_2) = map(self.codes, sources)
        return self.decode(self.merge_base(base_1, base_2), self.merge_detail(detail_1, detail_2))

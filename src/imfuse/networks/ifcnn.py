"""IFCNN: a general framework for any number of sources and any kind of fusion."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from imfuse.blocks.normalisation import scale_and_shift
from imfuse.errors import UsageError
from imfuse.networks.ifcnn_bands import Encoder, Merged
from imfuse.networks.protocol import FusionNetwork
from imfuse.ops.colour import LUMA_WEIGHTS
from imfuse.ops.padding import replicate_pad
from imfuse.rules import ADDITION, AVERAGE, MAXIMUM, rule
from imfuse.rules.fold import nothing_to_fuse

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_DEVIATION = (0.229, 0.224, 0.225)


class ConvolutionBlock(nn.Module):
    """3×3 convolution without bias, batch normalisation and ReLU (IFCNN, §2.2.4); the border is replicated."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, bias=False)
        self.bn = nn.BatchNorm2d(channels)

    def folded(self) -> tuple[Tensor, Tensor]:
        """Kernel and bias of the convolution with the normalisation of inference in it."""
        scale, shift = scale_and_shift(self.bn)
        return self.conv.weight * scale.reshape(-1, 1, 1, 1), shift

    def forward(self, x: Tensor) -> Tensor:
        """The block's features (B, C, H, W)."""
        return F.relu(self.bn(self.conv(replicate_pad(x, 1))))


class IFCNN(FusionNetwork):
    """Zhang et al., "IFCNN: A general image fusion framework based on convolutional neural network", Fig. 1.

    CONV1 (7×7, 64 kernels) and CONV2 (3×3) extract features of each source, an elementwise rule merges them (Eq. 1),
    CONV3 (3×3) and CONV4 (1×1) make the picture of them. Any number of sources: they are taken one after the other.

    Silent in the paper and taken from its authors' code: the border is replicated before every convolution; sources are
    normalised with ImageNet's mean and deviation, and the result is brought back. Here that lies inside the network.

    In inference CONV1 and CONV2, between which there is no nonlinearity, run as one 9×9 convolution with the
    normalisations of the sources and of the batch folded in; for gray sources, which the paper gives three times, its
    three kernels are one, and the result is the luma of the three output channels (Eq. 2).

    Args:
        filters: kernels of CONV1 to CONV3.
        rule_name: how features are merged: ``maximum`` (the paper's choice but for exposures), ``average`` (for
            exposures) or ``addition``.
    """

    rules = (MAXIMUM, AVERAGE, ADDITION)
    bytes_per_pixel = 900
    mean: Tensor
    deviation: Tensor

    def __init__(self, filters: int = 64, rule_name: str = MAXIMUM.name) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, filters, 7, bias=False)
        self.conv2 = ConvolutionBlock(filters)
        self.conv3 = ConvolutionBlock(filters)
        self.conv4 = nn.Conv2d(filters, 3, 1)
        self.rule = rule(rule_name, self.rules)
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).reshape(1, 3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(IMAGENET_DEVIATION).reshape(1, 3, 1, 1), persistent=False)

    @property
    def halo(self) -> int:
        """Pixels around a window on which its result depends: 3 + 1 + 1."""
        return 5

    @property
    def rule_name(self) -> str | None:
        """Name of the fusion rule in use."""
        return self.rule.name

    def use_rule(self, name: str | None = None, *, base: str | None = None, detail: str | None = None) -> None:
        """Merge by the rule of this name from now on.

        Raises:
            UsageError: the network takes no rule of this name, or rules for base and detail were asked for.
        """
        if base is not None or detail is not None:
            raise UsageError("IFCNN has no base and detail: choose one --rule")
        if name is not None:
            self.rule = rule(name, self.rules)

    def forward(self, *sources: Tensor) -> Tensor:
        """The literal network, which training optimises: sources (B, 3, H, W) in [0, 1] → (B, 3, H, W)."""
        features = [self.conv2(self._conv1((source - self.mean) / self.deviation)) for source in sources]
        result: Tensor = self.conv4(self.conv3(self.rule(features)))
        return result * self.deviation + self.mean

    def _conv1(self, x: Tensor) -> Tensor:
        result: Tensor = self.conv1(replicate_pad(x, 3))
        return result

    def fuse(self, sources: Iterable[Tensor], survey: None = None) -> Tensor:
        """Fuse sources, each (B, 1, H, W) or each (B, 3, H, W) in [0, 1]; the result may leave [0, 1] a little.

        Raises:
            UsageError: sources of different channels.
        """
        encoder: Encoder | None = None
        merged: Merged | None = None
        for source in sources:
            if encoder is None or merged is None:
                encoder = self._encoder(source)
                merged = Merged(self.rule, encoder, source)
            if source.shape[1] != encoder.channels:
                raise UsageError("IFCNN fuses gray pictures or colour pictures, not both at once")
            merged.add(encoder, source)
        if encoder is None or merged is None:
            raise nothing_to_fuse()
        return self._decode(merged, encoder.channels)

    def _encoder(self, source: Tensor) -> Encoder:
        """CONV1, CONV2 and the normalisations before and after, for sources like this one."""
        second, shift = self.conv2.folded()
        first = self.conv1.weight / self.deviation
        # What the mean takes away is the same at every pixel, since the border is replicated.
        constant = (first * self.mean).sum((1, 2, 3))
        bias = shift - (second.sum((2, 3)) @ constant)
        if source.shape[1] == 1:
            first = first.sum(1, keepdim=True)
        return Encoder(first, second, bias, *source.shape[-2:])

    def _decode(self, merged: Merged, channels: int) -> Tensor:
        """CONV3 and CONV4 of the merged features."""
        kernel, bias = self.conv3.folded()
        kernel = kernel.contiguous(memory_format=torch.channels_last)
        scale = self.deviation.reshape(3, 1)
        weight = self.conv4.weight[:, :, 0, 0] * scale
        offset = cast(Tensor, self.conv4.bias) * scale[:, 0] + self.mean.reshape(3)
        if channels == 1:
            shares = weight.new_tensor(LUMA_WEIGHTS)
            weight, offset = shares[None] @ weight, (shares @ offset)[None]
        bands = []
        for band in merged.padded_bands():
            features = F.conv2d(band, kernel, bias).relu_()
            # In this layout the channels of a pixel lie side by side, and CONV4 is one product of matrices.
            bands.append(F.linear(features.permute(0, 2, 3, 1), weight, offset).permute(0, 3, 1, 2))
        return torch.cat(bands, -2).contiguous()

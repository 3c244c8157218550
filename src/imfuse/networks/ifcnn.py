"""IFCNN: a general framework for any number of sources and any kind of fusion."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from imfuse.blocks.normalisation import scale_and_shift
from imfuse.errors import UsageError
from imfuse.networks.feature_parts import SHOWN, Spread, feature_keys, feature_parts, feature_shares
from imfuse.networks.ifcnn_bands import Encoder, Merged
from imfuse.networks.protocol import Core, FusionNetwork, Part
from imfuse.ops.colour import LUMA_WEIGHTS
from imfuse.ops.padding import replicate_pad
from imfuse.rules import ADDITION, AVERAGE, MAXIMUM, rule
from imfuse.rules.fold import nothing_to_fuse
from imfuse.rules.passes import repeatable
from imfuse.rules.shares import all_alike

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
    shares_bytes_per_pixel = 2400
    explain_bytes_per_pixel = 2600
    explain_bytes_per_pixel_per_source = 16 + 4 * SHOWN
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

    def check_shares(self) -> None:
        """Refuse to show shares where no source wins.

        Raises:
            UsageError: the rule is not the maximum.
        """
        if self.rule is not MAXIMUM:
            raise all_alike(self.rule.name)

    def source_shares(self, sources: Iterable[Tensor], survey: object = None) -> Tensor:
        """The share of each source in what the maximum takes beyond the mean, (B, N, H, W).

        The paper has no such map; see :func:`imfuse.networks.feature_parts.feature_shares`.

        Raises:
            UsageError: the rule is not the maximum; or as for :meth:`fuse`.
        """
        self.check_shares()
        with torch.no_grad():
            return feature_shares(self._encoding(), repeatable(sources))

    @property
    def explain_surveyed(self) -> bool:
        """Yes: which features vary the most is a matter of the whole picture."""
        return True

    def survey(self, sources: Iterable[Tensor], core: Core) -> Spread:
        """How far the merged features vary over the core of these windows; :meth:`explain` alone asks."""
        with torch.no_grad():
            return Spread.of(self.rule(map(self._encoding(), sources)), core)

    def explain(
        self, sources: Iterable[Tensor], names: Sequence[str], survey: Spread | None = None
    ) -> Mapping[str, Part]:
        """Every source, its share where the rule is the maximum, and the features that vary the most when merged.

        Args:
            sources: as for :meth:`fuse`.
            names: of the sources, for the names of the parts.
            survey: of the whole pictures; without it, the sources are taken for whole.

        Returns:
            The parts that :meth:`part_names` names.
        """
        pictures = repeatable(sources)
        parts = self.share_parts(pictures, names)
        spread = survey or self.survey(pictures, (slice(None), slice(None)))
        chosen = spread.widest(self.shown_features)
        with torch.no_grad():
            encode, fold = self._encoding(), self.rule.start()
            for name, picture in zip(names, pictures, strict=True):
                features = encode(picture)
                fold.add(features)
                parts |= feature_parts(features, chosen, name)
                del features  # the next ones are made before the name is bound anew
            parts |= feature_parts(fold.result(), chosen, "fused")
        return {name: parts[name] for name in self.part_names(names)}

    @property
    def shown_features(self) -> int:
        """How many features :meth:`explain` shows."""
        return min(SHOWN, self.conv1.out_channels)

    def part_names(self, names: Sequence[str]) -> list[str]:
        """Names of the parts that :meth:`explain` gives: those of :meth:`share_part_names`, then the features.

        For every source NAME ``NAME_feature-1`` … ``NAME_feature-8``, which are the same ones for all, and
        ``fused_feature-1`` … of the merge.
        """
        keys = feature_keys(self.shown_features)
        return self.share_part_names(names) + [f"{name}_{key}" for name in (*names, "fused") for key in keys]

    def _encoding(self) -> Callable[[Tensor], Tensor]:
        """What gives the features (B, C, H, W) of one source after the other, in inference."""
        encoders: dict[int, Encoder] = {}

        def encode(source: Tensor) -> Tensor:
            channels, height = source.shape[1:3]
            if encoders.keys() - {channels}:
                raise UsageError("IFCNN fuses gray pictures or colour pictures, not both at once")
            if not encoders:
                encoders[channels] = self._encoder(source)
            (features,) = encoders[channels].features(source, [(0, height)])
            return features.relu_()

        return encode

    @torch.no_grad()
    def level(self) -> None:
        """Give CONV4 the gain and offset with which two black pictures fuse to black and two white ones to white.

        Not in the paper: a short training leaves an error of a level or two where there is nothing to see, which the
        features cannot tell from a picture's own level. It has no setting; where the training has run to its end, it
        changes nothing.
        """
        black, white = (self.fuse([torch.full((1, 3, 16, 16), value)] * 2)[0, :, 8, 8] for value in (0.0, 1.0))
        mean, deviation = self.mean.flatten(), self.deviation.flatten()
        gain = 1 / (white - black)
        self.conv4.weight.mul_(gain.reshape(3, 1, 1, 1))
        bias = cast(Tensor, self.conv4.bias)
        bias.mul_(gain).add_(((mean - black) * gain - mean) / deviation)

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

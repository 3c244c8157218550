"""AUIF: infrared and visible image fusion by an unrolled two-scale decomposition."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

import torch
from torch import Tensor, nn

from imfuse.blocks.activations import ActivationName
from imfuse.blocks.decomposition import DecompositionLayer
from imfuse.blocks.normalisation import scale_and_shift
from imfuse.blocks.tied_decomposition import TiedDecompositionLayer
from imfuse.errors import UsageError
from imfuse.networks.two_scale import Branch, TwoScale, TwoScaleNetwork
from imfuse.ops.filters import box_laplacian, box_mean, correlate
from imfuse.rules import ADDITION, AVERAGE, L1_NORM


class AUIF(TwoScaleNetwork):
    """Zhao et al., "Efficient and Interpretable Infrared and Visible Image Fusion via Algorithm Unrolling".

    Two encoders of N layers each, the unrolled gradient descents for the base image (Eq. 1) and the detail image
    (Eq. 2), and a decoder: 3×3 convolution, batch normalisation, sigmoid. Trained to reproduce single pictures; a
    rule merges base maps and detail maps of several (Eq. 8).

    Silent in the paper and taken from its authors' code: B⁰ is the 11×11 box mean and D⁰ the 19×19 normalised
    Laplacian of the picture; the decoder's convolution is reflection-padded and has no bias.

    Silent in the paper and decided here: a constant in B^N and D^N is free. The decoder's normalisation takes it away
    again, so the loss does not see it, but under addition it is counted once per source and makes every fused picture
    brighter or darker, by chance of the seed. :meth:`centre` fixes it after training: the maps are taken as deviations
    from their means over the training pictures, which changes no reconstruction, and sums of maps then have the mean
    that the decoder knows.

    Args:
        layers: N, the number of BCLs and of DCLs.
        filters: C, the number of kernels in the first convolution of a layer.
        activation_name: of the layers.
        rule_name: how base maps and how detail maps are merged: ``addition`` (the paper's choice), ``average`` or
            ``l1_norm``.
        theta_base: first value of θ in the base encoder.
        theta_detail: first value of θ in the detail encoder.
        tied: whether the layers are those of the authors' released code and weights instead of the paper's
            (:class:`TiedDecompositionLayer`).
    """

    rules = (ADDITION, AVERAGE, L1_NORM)
    bytes_per_pixel = 72
    explain_bytes_per_pixel = 120
    blur_size = 11
    laplacian_size = 19

    def __init__(
        self,
        layers: int = 10,
        filters: int = 64,
        activation_name: ActivationName = "prelu",
        rule_name: str = ADDITION.name,
        theta_base: float = 1e-3,
        theta_detail: float = 1.0,
        tied: bool = False,
    ) -> None:
        super().__init__(rule_name, rule_name)
        layer = TiedDecompositionLayer if tied else DecompositionLayer
        self.base_encoder = nn.ModuleList(layer(filters, theta_base, activation_name) for _ in range(layers))
        self.detail_encoder = nn.ModuleList(layer(filters, theta_detail, activation_name) for _ in range(layers))
        self.decoder_conv = nn.Conv2d(1, 1, 3, bias=False)
        self.decoder_norm = nn.BatchNorm2d(1)
        self.base_mean: Tensor
        self.detail_mean: Tensor
        self.register_buffer("base_mean", torch.zeros(()))
        self.register_buffer("detail_mean", torch.zeros(()))

    @property
    def halo(self) -> int:
        """Pixels around a window on which its result depends: start, layers, rule and decoder."""
        start = max(self.blur_size, self.laplacian_size) // 2
        return start + len(self.base_encoder) * DecompositionLayer.halo + self.rule_halo + 1

    def start(self, branch: Branch, source: Tensor) -> Tensor:
        """B⁰ or D⁰ of a picture (B, 1, H, W)."""
        return box_mean(source, self.blur_size) if branch == "base" else box_laplacian(source, self.laplacian_size)

    def code(self, branch: Branch, source: Tensor) -> Tensor:
        """B^N or D^N of a picture, as deviation from its mean over the training pictures (:meth:`centre`)."""
        encoder, mean = (
            (self.base_encoder, self.base_mean) if branch == "base" else (self.detail_encoder, self.detail_mean)
        )
        code = self.start(branch, source)
        for layer in encoder:
            code = layer(code, source)
        return code - mean

    @torch.no_grad()
    def centre(self, pictures: Iterable[Tensor]) -> None:
        """Take the maps as deviations from their means over ``pictures`` from now on; no reconstruction changes.

        To be called once, after training.

        Args:
            pictures: the training pictures, each (B, 1, H, W) in [0, 1]; pixels count alike.

        Raises:
            UsageError: there are none.
        """
        self.eval()
        sums, count = torch.zeros(2, dtype=torch.float64), 0
        for picture in pictures:
            sums += torch.stack([feature.sum(dtype=torch.float64).cpu() for feature in self.encode(picture)])
            count += picture.numel()
        if not count:
            raise UsageError("no pictures to take the means over")
        base, detail = (sums / count).to(self.base_mean)
        self.base_mean += base
        self.detail_mean += detail
        cast(Tensor, self.decoder_norm.running_mean).sub_((base + detail) * self.decoder_conv.weight.sum())

    def image(self, branch: Branch, code: Tensor) -> Tensor:
        """The map itself: it has one channel."""
        return code

    def compose(self, images: TwoScale) -> Tensor:
        """The decoder: convolution, normalisation and sigmoid of the sum."""
        x = images.base + images.detail
        kernel = self.decoder_conv.weight[0, 0]
        if self.training:
            return torch.sigmoid(self.decoder_norm(correlate(x, kernel)))
        (scale,), (shift,) = scale_and_shift(self.decoder_norm)
        return torch.sigmoid(correlate(x, kernel * scale, shift))

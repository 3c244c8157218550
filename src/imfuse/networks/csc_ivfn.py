"""CSC-IVFN: infrared and visible image fusion by deep convolutional sparse coding."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from imfuse.blocks.activations import ActivationName
from imfuse.blocks.dcu_stack import DictionaryStack
from imfuse.errors import UsageError
from imfuse.networks.two_scale import TwoScale, TwoScaleNetwork
from imfuse.ops.dictionary import synthesise
from imfuse.ops.filters import box_mean
from imfuse.rules import ADDITION, AVERAGE, L1_NORM, SALIENCY_WEIGHTED
from imfuse.rules.histograms import Scale


class CSCIVFN(TwoScaleNetwork):
    """Xu et al., "Deep Convolutional Sparse Coding Networks for Image Fusion", Section III-A.

    A picture is split into its box mean (base) and the rest (detail); N dictionary convolutional units code each, and a
    convolution per branch decodes it. Trained to reproduce single pictures; a rule each merges the base codes and the
    detail codes of several (Eq. 5).

    Silent in the paper and taken from the sister paper (AUIF): 64 filters of 3×3, a box of 11×11, reflection at the
    borders. Silent and decided here: z⁽⁰⁾ = 0; the two decoded images are added before the sigmoid; the decoder is one
    convolution per branch, x̂ = d ∗ z as in the model that is unrolled, with one bias for both and no normalisation.

    Args:
        units: N, the number of DCUs in the base and in the detail encoder.
        filters: q, the number of channels of a code.
        base_activation: of the base encoder.
        detail_activation: of the detail encoder.
        base_rule: how base codes are merged: ``saliency_weighted`` (the paper's choice), ``l1_norm``, ``average`` or
            ``addition``.
        detail_rule: likewise for detail codes; ``l1_norm`` is the paper's choice.
    """

    rules = (AVERAGE, L1_NORM, SALIENCY_WEIGHTED, ADDITION)
    bytes_per_pixel = 4000
    blur_size = 11

    def __init__(
        self,
        units: int = 7,
        filters: int = 64,
        base_activation: ActivationName = "prelu",
        detail_activation: ActivationName = "sst",
        base_rule: str = SALIENCY_WEIGHTED.name,
        detail_rule: str = L1_NORM.name,
    ) -> None:
        super().__init__(base_rule, detail_rule)
        self.base_encoder = DictionaryStack(units, filters, base_activation)
        self.detail_encoder = DictionaryStack(units, filters, detail_activation)
        self.base_decoder = nn.Conv2d(filters, 1, 3, bias=False)
        self.detail_decoder = nn.Conv2d(filters, 1, 3, bias=False)
        self.bias = nn.Parameter(torch.zeros(()))
        self.base_levels: Tensor
        self.detail_levels: Tensor
        self.register_buffer("base_levels", torch.tensor([[-1.0], [1.0]]).repeat(1, filters))
        self.register_buffer("detail_levels", torch.tensor([[-1.0], [1.0]]).repeat(1, filters))

    @property
    def halo(self) -> int:
        """Pixels around a window on which its result depends: box, units, rule and decoder."""
        return self.blur_size // 2 + self.base_encoder.halo + self.rule_halo + 1

    def start(self, source: Tensor) -> TwoScale:
        """x^B and x^D of a picture (B, 1, H, W)."""
        base = box_mean(source, self.blur_size)
        return TwoScale(base, source - base)

    def encode(self, source: Tensor) -> TwoScale:
        """z^B and z^D, each (B, q, H, W), of a picture (B, 1, H, W) in [0, 1]."""
        base, detail = self.start(source)
        return TwoScale(self.base_encoder(base), self.detail_encoder(detail))

    def images(self, features: TwoScale) -> TwoScale:
        """What the decoder makes of each code, before sum, bias and sigmoid."""
        base = synthesise(features.base, self.base_decoder.weight)
        return TwoScale(base, synthesise(features.detail, self.detail_decoder.weight))

    def decode(self, features: TwoScale) -> Tensor:
        """The picture (B, 1, H, W) in (0, 1) of base and detail codes."""
        base, detail = self.images(features)
        return torch.sigmoid(base + detail + self.bias)

    def scales(self) -> tuple[Scale, Scale]:
        """The values of each channel that count as 0 and 255, found by :meth:`calibrate`."""
        return Scale(*self.base_levels), Scale(*self.detail_levels)

    @torch.no_grad()
    def calibrate(self, pictures: Iterable[Tensor]) -> None:
        """Take each channel's smallest and largest value over ``pictures`` for levels 0 and 255 of its histograms.

        To be called once, after training. One scale for all pictures, as 8-bit pixels have: the paper's saliency
        compares sources on it.

        Args:
            pictures: the training pictures, each (B, 1, H, W) in [0, 1].

        Raises:
            UsageError: there are none.
        """
        self.eval()
        bounds: list[Tensor] | None = None
        for picture in pictures:
            found = []
            for code in self.encode(picture):
                found += [code.amin((0, 2, 3)), -code.amax((0, 2, 3))]
            bounds = found if bounds is None else [torch.minimum(a, b) for a, b in zip(bounds, found, strict=True)]
        if bounds is None:
            raise UsageError("no pictures to take the levels from")
        base_low, base_high, detail_low, detail_high = bounds
        for levels, low, high in (
            (self.base_levels, base_low, -base_high),
            (self.detail_levels, detail_low, -detail_high),
        ):
            # A channel that is always the same has one level; any other width serves as well.
            levels.copy_(torch.stack([low, torch.where(high > low, high, low + 1)]))

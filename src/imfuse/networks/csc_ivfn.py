"""CSC-IVFN: infrared and visible image fusion by deep convolutional sparse coding."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from imfuse.blocks.activations import ActivationName
from imfuse.blocks.dcu_stack import DictionaryStack
from imfuse.errors import UsageError
from imfuse.networks.two_scale import Branch, TwoScale, TwoScaleNetwork
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
    bytes_per_pixel = 1200
    explain_bytes_per_pixel = 1500
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

    def start(self, branch: Branch, source: Tensor) -> Tensor:
        """x^B or x^D of a picture (B, 1, H, W)."""
        base = box_mean(source, self.blur_size)
        return base if branch == "base" else source - base

    def code(self, branch: Branch, source: Tensor) -> Tensor:
        """z^B or z^D, (B, q, H, W), of a picture (B, 1, H, W) in [0, 1]."""
        encoder = self.base_encoder if branch == "base" else self.detail_encoder
        result: Tensor = encoder(self.start(branch, source))
        return result

    def image(self, branch: Branch, code: Tensor) -> Tensor:
        """What the decoder makes of a code, before sum, bias and sigmoid."""
        return synthesise(code, (self.base_decoder if branch == "base" else self.detail_decoder).weight)

    def compose(self, images: TwoScale) -> Tensor:
        """The sigmoid of the two decoded images' sum."""
        return torch.sigmoid(images.base + images.detail + self.bias)

    def scale(self, branch: Branch) -> Scale:
        """The values of each channel that count as 0 and 255, found by :meth:`calibrate`."""
        return Scale(*(self.base_levels if branch == "base" else self.detail_levels))

    @torch.no_grad()
    def calibrate(self, pictures: Iterable[Tensor]) -> None:
        """Fix what the rules compare codes by, and the reconstruction does not see.

        To be called once, after training. No reconstruction changes.

        The origin of the detail codes becomes the code of a picture without detail, so that the ℓ1-norm of a flat place
        is zero; the shifts of the normalisations make it anything else, the same for both sources, and weights near ½
        wherever there is little detail. The origin of the base codes becomes their mean over the pictures, as in
        :meth:`imfuse.networks.auif.AUIF.centre`. Each channel's smallest and largest value over the pictures become the
        levels 0 and 255 of its histograms: one scale for all pictures, as 8-bit pixels have, since the saliency
        compares sources on it.

        Args:
            pictures: the training pictures, each (B, 1, H, W) in [0, 1]; pixels count alike.

        Raises:
            UsageError: there are none.
        """
        self.eval()
        base, detail = _Spread(), _Spread()
        for picture in pictures:
            codes = self.encode(picture)
            base.add(codes.base)
            detail.add(codes.detail)
        if not base.pixels:
            raise UsageError("no pictures to calibrate with")
        flat = self.bias.new_zeros(1, 1, 1, 1)
        rest = self.detail_encoder(flat).flatten()
        self._move(self.base_encoder, self.base_decoder, self.base_levels, base, base.mean)
        self._move(self.detail_encoder, self.detail_decoder, self.detail_levels, detail, rest)

    def _move(self, encoder: DictionaryStack, decoder: nn.Conv2d, levels: Tensor, spread: _Spread, by: Tensor) -> None:
        """Move a branch's origin by a code (q,), and set its levels."""
        encoder.origin.add_(by)
        self.bias.add_((decoder.weight.sum((0, 2, 3)) * by).sum())
        levels.copy_(spread.bounds() - by)


class _Spread:
    """Smallest, largest and mean value of every channel over codes."""

    def __init__(self) -> None:
        self.pixels = 0
        self.low, self.high, self.total = (torch.zeros(()) for _ in range(3))

    def add(self, code: Tensor) -> None:
        """Take a code (B, q, H, W)."""
        low, high, total = code.amin((0, 2, 3)), code.amax((0, 2, 3)), code.sum((0, 2, 3), dtype=torch.float64)
        self.low = torch.minimum(self.low, low) if self.pixels else low
        self.high = torch.maximum(self.high, high) if self.pixels else high
        self.total = self.total + total
        self.pixels += code.numel() // code.shape[1]

    @property
    def mean(self) -> Tensor:
        """Of every channel (q,)."""
        return (self.total / self.pixels).to(self.low)

    def bounds(self) -> Tensor:
        """Smallest and largest values (2, q); of a channel that is always the same, some that differ."""
        return torch.stack([self.low, torch.where(self.high > self.low, self.high, self.low + 1)])

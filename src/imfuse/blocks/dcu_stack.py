"""A stack of dictionary convolutional units: the unrolled ISTA from z = 0 to the final code."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from imfuse.blocks.activations import ActivationName, SoftThreshold
from imfuse.blocks.dcu import DictionaryUnit
from imfuse.blocks.normalisation import scale_and_shift
from imfuse.ops.padding import reflect_pad

log = logging.getLogger(__name__)

_CHUNK = 4096
"""Pixels whose codes stay in the processor's cache from one operation to the next: 1 MB of 64 channels."""
_LARGEST_GAIN = 1e30
"""Codes are held divided by the gains: what must not happen is that they leave the range of the numbers."""


class Folded(NamedTuple):
    """One unit in inference, on codes divided by the gains of the normalisations so far.

    y ← y + analysis · [patch of the residual, 1], then y ← y + factor · clamp(y, low, high).

    Attributes:
        spacing: pixels from one tap of the filters to the next.
        synthesis: Conv₀ as (c·s², q); None in the first unit.
        analysis: Conv₁ and the normalisation's shift as (c·s² + 1, q).
        low, high, factor: the activation, each (q,).
    """

    spacing: int
    synthesis: Tensor | None
    analysis: Tensor
    low: Tensor
    high: Tensor
    factor: Tensor


class DictionaryStack(nn.ModuleList):
    """N DCUs (Deep CSC, Fig. 1), all of which see the same picture.

    In inference the normalisations disappear. Their scale a cannot be folded into the filters, since z enters the next
    unit beside them; but the soft threshold and PReLU are positively homogeneous, so the code can be kept divided by
    the product A of the scales so far: with z = A y, the unit f(a (z + W p) + b) is A' f'(y + W p / A + b / A') with
    A' = a A and f' = f with its threshold over A'. What is left per unit is a matrix product that adds in place, and a
    clamp.

    Codes are given as deviations from ``origin`` (q,), which is zero until the network sets it.

    Args:
        units: N.
        filters: q.
        activation_name: f of all units.
        channels: c, of the picture.
        size: s, of the filters.
        spacings: of every unit the pixels from one tap of its filters to the next; by default 1.
    """

    origin: Tensor

    def __init__(
        self,
        units: int,
        filters: int,
        activation_name: ActivationName,
        channels: int = 1,
        size: int = 3,
        spacings: Sequence[int] | None = None,
    ) -> None:
        super().__init__(
            DictionaryUnit(channels, filters, size, activation_name, first=index == 0, spacing=spacing)
            for index, spacing in enumerate(spacings or [1] * units)
        )
        self.register_buffer("origin", torch.zeros(filters))

    @property
    def halo(self) -> int:
        """Pixels around a pixel on which its code depends."""
        return sum(unit.halo for unit in self.units())

    def units(self) -> list[DictionaryUnit]:
        """The units in their order."""
        return [unit for unit in self if isinstance(unit, DictionaryUnit)]

    def forward(self, picture: Tensor) -> Tensor:
        """The code (B, q, H, W) of a picture (B, c, H, W), as deviation from the origin."""
        if not (self.training or torch.is_grad_enabled() or _traced()):
            folded, gain = self.fold()
            if folded:
                codes = [_encode(one[None], folded, gain, self.origin) for one in picture]
                return codes[0] if len(codes) == 1 else torch.cat(codes)
        code: Tensor | None = None
        for unit in self.units():
            code = unit(code, picture)
        return self._from_origin(code)

    def literal(self, picture: Tensor) -> Tensor:
        """:meth:`forward` as it is printed: two convolutions, normalisation and activation per unit."""
        code: Tensor | None = None
        for unit in self.units():
            code = unit.activation(unit.norm(unit.literal_step(code, picture)))
        return self._from_origin(code)

    def _from_origin(self, code: Tensor | None) -> Tensor:
        if code is None:
            raise RuntimeError("a stack has at least one unit")
        return code - self.origin.reshape(1, -1, 1, 1)

    def fold(self) -> tuple[list[Folded], Tensor]:
        """The units without their normalisations, and the gains (q,) that the final code is to be multiplied by.

        No units where a gain would leave the range of the numbers, as that of a channel whose scale is zero does.
        """
        gain = torch.ones_like(self.units()[0].norm.weight)
        folded = []
        for unit in self.units():
            scale, shift = scale_and_shift(unit.norm)
            synthesis = None
            if unit.conv0 is not None:
                synthesis = unit.conv0.weight.permute(0, 2, 3, 1).flatten(0, 2) * gain
            analysis = unit.conv1.weight.flatten(1).T / gain
            gain = gain * scale
            if not _moderate(gain):
                log.debug("a channel's gain leaves the range of the numbers: the units run one by one")
                return [], gain
            analysis = torch.cat([analysis, (shift / gain)[None]])
            folded.append(Folded(unit.spacing, synthesis, analysis, *_clamp(unit.activation, gain)))
        return folded, gain


def _clamp(activation: nn.Module, gain: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Low, high and factor of an activation of gain · y."""
    zero, infinity = torch.zeros_like(gain), torch.full_like(gain, torch.inf)
    if isinstance(activation, SoftThreshold):
        threshold = (activation.threshold / gain).abs()
        return -threshold, threshold, -torch.ones_like(gain)
    slope = activation.weight if isinstance(activation, nn.PReLU) else zero
    # Where the gain is negative, what PReLU sees as negative is positive here.
    return torch.where(gain > 0, -infinity, zero), torch.where(gain > 0, zero, infinity), slope - 1


def _traced() -> bool:
    return torch.compiler.is_exporting() or torch.compiler.is_compiling()


def _moderate(gain: Tensor) -> bool:
    magnitude = gain.detach().abs()
    return bool((magnitude.min() > 1 / _LARGEST_GAIN) & (magnitude.max() < _LARGEST_GAIN))


def _encode(picture: Tensor, folded: list[Folded], gain: Tensor, origin: Tensor) -> Tensor:
    """The code of one picture (1, c, H, W), unit by unit and chunk by chunk in place.

    Channels lie last in memory while the units work, for their matrix products, and first in the result, for the rules.
    """
    _, channels, height, width = picture.shape
    pixels = height * width
    code = picture.new_zeros(pixels, len(gain))
    taps = picture.new_empty(folded[0].analysis.shape[0] - 1, pixels)
    seen = picture.new_ones(folded[0].analysis.shape[0], pixels)
    chunk = min(_CHUNK if picture.device.type == "cpu" else pixels, pixels)
    scratch = picture.new_empty(chunk, len(gain))
    planes = picture.new_empty(len(gain), pixels)
    residual = picture
    for index, unit in enumerate(folded):
        if index:
            residual = picture - shifted_sum(taps, channels, height, width, unit.spacing)
        neighbourhoods(residual, seen, unit.spacing)
        following = folded[index + 1].synthesis if index + 1 < len(folded) else None
        for start in range(0, pixels, chunk):
            part = code[start : start + chunk]
            part.addmm_(seen[:, start : start + chunk].T, unit.analysis)
            clamped = torch.clamp(part, unit.low, unit.high, out=scratch[: len(part)])
            part.addcmul_(clamped, unit.factor)
            if following is None:
                torch.addcmul(-origin[:, None], part.T, gain[:, None], out=planes[:, start : start + chunk])
            else:
                torch.mm(following, part.T, out=taps[:, start : start + chunk])
    return planes.view(1, -1, height, width)


def neighbourhoods(picture: Tensor, out: Tensor, spacing: int) -> None:
    """Write the neighbourhoods of every pixel of (1, c, H, W) into the rows of ``out`` but the last."""
    _, channels, height, width = picture.shape
    size = round(((out.shape[0] - 1) / channels) ** 0.5)
    padded = reflect_pad(picture, size // 2 * spacing)[0]
    planes = out[:-1].view(channels, size, size, height, width)
    for down in range(size):
        for right in range(size):
            top, left = down * spacing, right * spacing
            planes[:, down, right] = padded[:, top : top + height, left : left + width]


def shifted_sum(taps: Tensor, channels: int, height: int, width: int, spacing: int) -> Tensor:
    """The picture (1, c, H, W) whose pixels gave ``taps`` (c·s², pixels) to their neighbours."""
    size = round((taps.shape[0] / channels) ** 0.5)
    padded = reflect_pad(taps.view(1, -1, height, width), size // 2 * spacing)
    padded = padded.view(channels, size, size, *padded.shape[-2:])
    picture = taps.new_zeros(1, channels, height, width)
    for down in range(size):
        for right in range(size):
            top, left = down * spacing, right * spacing
            picture[0] += padded[:, down, right, top : top + height, left : left + width]
    return picture

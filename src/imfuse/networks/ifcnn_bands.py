"""IFCNN in inference: features of one band of rows after the other.

Of the whole picture only the merged features are held, in one tensor that already has the border that CONV3 needs.
Where something is recorded, a gradient or an export, there is one band.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from imfuse.blocks.activations import recorded
from imfuse.blocks.wide_convolution import border, composed_kernels, with_border
from imfuse.ops.padding import replicate_pad
from imfuse.rules import Rule

BAND = 2**16
"""Pixels of a band: smaller ones take less memory, and more turns of all threads."""

Band = tuple[int, int]
"""First row of a band, and first row after it."""


class Encoder:
    """Two convolutions as one, for sources of one size and kind.

    Args:
        first: kernels of the first, (C, I, m, m).
        second: of the second, (O, C, 3, 3).
        bias: of the second, (O,).
        height: rows of the sources.
        width: columns.
    """

    def __init__(self, first: Tensor, second: Tensor, bias: Tensor, height: int, width: int) -> None:
        self.channels = first.shape[1]
        self.bias = bias
        self.kernels = composed_kernels(first, second, "replicate", height, width)
        self.inside = _channels_last(self.kernels[1, 1])

    def features(self, source: Tensor, bands: Iterable[Band]) -> Iterator[Tensor]:
        """Features (B, O, rows, W) of every band of a source (B, I, H, W), before the ReLU."""
        size = self.inside.shape[-1]
        picture = _channels_last(replicate_pad(source, size // 2))
        edge = border(picture, self.kernels, self.bias)
        for top, bottom in bands:
            inside = F.conv2d(picture[..., top : bottom + size - 1, :], self.inside, self.bias)
            yield with_border(inside, edge, top)


class Merged:
    """The features of several sources, merged by a rule as they come.

    Args:
        rule: the rule.
        encoder: of the sources.
        source: the first of them; they are all of one size.
    """

    def __init__(self, rule: Rule, encoder: Encoder, source: Tensor) -> None:
        batch, _, height, width = source.shape
        self.canvas: Tensor | None = None
        if recorded():
            self.bands = [(0, height)]
        else:
            shape = batch, height + 2, width + 2, len(encoder.bias)
            self.canvas = source.new_empty(shape).permute(0, 3, 1, 2)
            rows = max(1, BAND // (batch * width))
            self.bands = [(top, min(top + rows, height)) for top in range(0, height, rows)]
        self.folds = [rule.start() for _ in self.bands]
        for fold in self.folds:
            fold.in_place = self.canvas is not None
        self.empty = True

    def add(self, encoder: Encoder, source: Tensor) -> None:
        """Take the next source (B, I, H, W)."""
        features_of_bands = encoder.features(source, self.bands)
        for band, fold, features in zip(self.bands, self.folds, features_of_bands, strict=True):
            if self.empty and self.canvas is not None:
                fold.add(torch.clamp_min(features, 0, out=self._inside(self.canvas, band)))
            else:
                fold.add(features.relu_())
        self.empty = False

    def padded_bands(self) -> Iterator[Tensor]:
        """The merged features of every band, (B, C, rows + 2, W + 2): with the rows around it, and its border twice."""
        if self.canvas is None:
            yield replicate_pad(self.folds[0].result(), 1)
            return
        for band, fold in zip(self.bands, self.folds, strict=True):
            inside, merged = self._inside(self.canvas, band), fold.result()
            if merged.data_ptr() != inside.data_ptr():  # a rule that does not keep its state in its first map
                inside.copy_(merged)
        rows, columns = self.canvas[..., 1:-1], self.canvas
        rows[..., 0, :], rows[..., -1, :] = rows[..., 1, :], rows[..., -2, :]
        columns[..., 0], columns[..., -1] = columns[..., 1], columns[..., -2]
        for top, bottom in self.bands:
            yield self.canvas[..., top : bottom + 2, :]

    @staticmethod
    def _inside(canvas: Tensor, band: Band) -> Tensor:
        return canvas[..., 1 + band[0] : 1 + band[1], 1:-1]


def _channels_last(x: Tensor) -> Tensor:
    """``x`` in the channels-last layout, said so by its strides where it has one channel, too.

    With one channel both layouts are the same memory, and a convolution takes such a tensor for the other one.
    """
    x = x.contiguous(memory_format=torch.channels_last)
    _, channels, height, width = x.shape
    # A graph knows no strides, and needs none.
    return x if channels > 1 or recorded() else x.as_strided(x.shape, (height * width, 1, width, 1))

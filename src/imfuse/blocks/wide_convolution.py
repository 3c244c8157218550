"""Two convolutions without a nonlinearity between them as one, exactly, up to the border of the picture.

IFCNN's CONV1 and CONV2 are such a pair, and so are the two of a layer of AUIF as its authors released it. Both pad
before each convolution, the second time the features. So at the border of one pixel the second convolution sees
features that are copies of others inside, and not those of a picture that goes on; within, it sees the picture's own.
Where a feature is a copy, its tap belongs to the one that it is a copy of: with the taps of the second kernel moved
there, the border's pixels too are one composed convolution each, of kernels of their own.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from imfuse.blocks.activations import recorded
from imfuse.ops.padding import reflect_pad, replicate_pad

Padding = Literal["replicate", "reflect"]
"""What lies beyond the border: copies of its pixels, or the reflected picture without them."""


def padded(x: Tensor, pad: int, padding: Padding) -> Tensor:
    """``x`` (B, C, H, W) with ``pad`` more rows and columns on every side."""
    return replicate_pad(x, pad) if padding == "replicate" else reflect_pad(x, pad)


def literal_pair(x: Tensor, first: Tensor, second: Tensor, bias: Tensor | None, padding: Padding) -> Tensor:
    """Pad and correlate with ``first``, then pad and correlate with ``second`` and add ``bias``.

    Args:
        x: (B, I, H, W).
        first: (C, I, m, m), m odd.
        second: (O, C, n, n), n odd.
        bias: (O,), or None.
        padding: of both.

    Returns:
        (B, O, H, W).
    """
    features = F.conv2d(padded(x, first.shape[-1] // 2, padding), first)
    return F.conv2d(padded(features, second.shape[-1] // 2, padding), second, bias)


def composed_kernel(first: Tensor, second: Tensor) -> Tensor:
    """The kernel whose correlation equals that with ``first`` and then with ``second``.

    Args:
        first: (C, I, m, m).
        second: (O, C, n, n).

    Returns:
        (O, I, m + n − 1, m + n − 1).
    """
    size = second.shape[-1]
    # Correlation after correlation is the full convolution of the kernels.
    return F.conv2d(first.transpose(0, 1), second.flip(-2, -1), padding=size - 1).transpose(0, 1)


def composed_kernels(first: Tensor, second: Tensor, padding: Padding, height: int, width: int) -> Tensor:
    """The composed kernels of the inside of a picture and of its borders.

    Args:
        first: (C, I, m, m), m odd.
        second: (O, C, 3, 3).
        padding: of both convolutions.
        height: rows of the picture, from 1 up.
        width: columns.

    Returns:
        (3, 3, O, I, m + 2, m + 2): by row (first of the picture, inside, last) and by column (likewise).
    """
    moved = [
        _moved(_moved(second, row, height, padding, -2), column, width, padding, -1)
        for row in range(3)
        for column in range(3)
    ]
    kernels = composed_kernel(first, torch.cat(moved))
    return kernels.reshape(3, 3, len(second), *kernels.shape[1:])


def _moved(second: Tensor, place: int, length: int, padding: Padding, axis: int) -> Tensor:
    """``second`` with the taps along ``axis`` that meet features beyond the border moved to those they are copies of.

    Args:
        second: (O, C, 3, 3).
        place: 0 for the first row or column of a picture, 1 for one inside, 2 for the last.
        length: rows or columns of the picture: the only one is the first and the last.
        padding: what the features beyond the border are copies of.
        axis: −2 for rows, −1 for columns.
    """
    before, centre, after = second.unbind(axis)
    if length == 1:
        return _taps(axis, centre=before + centre + after)
    if place == 1:
        return second
    beyond, inner = (before, after) if place == 0 else (after, before)
    if padding == "replicate":
        centre = centre + beyond
    else:
        inner = inner + beyond
    return _taps(axis, centre, after=inner) if place == 0 else _taps(axis, centre, before=inner)


def _taps(axis: int, centre: Tensor, before: Tensor | None = None, after: Tensor | None = None) -> Tensor:
    none = torch.zeros_like(centre)
    return torch.stack([none if before is None else before, centre, none if after is None else after], axis)


class Border(NamedTuple):
    """The outermost pixels of a picture (B, O, H, W); the first and last row end with the corners."""

    left: Tensor
    right: Tensor
    top: Tensor
    bottom: Tensor


def border(picture: Tensor, kernels: Tensor, bias: Tensor | None) -> Border:
    """What both convolutions give at the border.

    Args:
        picture: (B, I, H + m + 1, W + m + 1), padded.
        kernels: of :func:`composed_kernels`.
        bias: (O,), or None.
    """
    size = kernels.shape[-1]
    return Border(
        F.conv2d(picture[..., :size], kernels[1, 0], bias),
        F.conv2d(picture[..., -size:], kernels[1, 2], bias),
        _border_row(picture[..., :size, :], kernels[0], bias),
        _border_row(picture[..., -size:, :], kernels[2], bias),
    )


def _border_row(strip: Tensor, kernels: Tensor, bias: Tensor | None) -> Tensor:
    """The first or last row of a picture (B, O, 1, W) from the rows that it depends on."""
    size = kernels.shape[-1]
    row = F.conv2d(strip, kernels[1], bias)
    row[..., :1] = F.conv2d(strip[..., :size], kernels[0], bias)
    row[..., -1:] = F.conv2d(strip[..., -size:], kernels[2], bias)
    return row


def with_border(inside: Tensor, edge: Border, first: int = 0) -> Tensor:
    """The correlation of a picture, or of some of its rows, with the kernel of its inside, with the border's values.

    Args:
        inside: (B, O, rows, W); written into, unless that is recorded.
        edge: of the whole picture.
        first: which row of the picture is the first of ``inside``.

    Returns:
        (B, O, rows, W).
    """
    height, width = inside.shape[-2:]
    last = first + height
    left, right = edge.left[..., first:last, :], edge.right[..., first:last, :]
    top = [edge.top] if first == 0 else []
    only_row = first == 0 and height == 1  # written once
    bottom = [edge.bottom] if last == edge.left.shape[-2] and not only_row else []
    if recorded():  # in a graph, to write into a large tensor is to copy it with every place that is written
        body = torch.cat([left, inside[..., 1:-1], right], -1) if width > 1 else left
        body = body[..., len(top) : max(height - len(bottom), len(top)), :]
        return torch.cat([*top, body, *bottom], -2)
    inside[..., :1], inside[..., -1:] = left, right
    for row in top:
        inside[..., :1, :] = row
    for row in bottom:
        inside[..., -1:, :] = row
    return inside

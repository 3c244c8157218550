"""Two convolutions without a nonlinearity between them, as one: IFCNN's CONV1 and CONV2."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from imfuse.ops.padding import replicate_pad

_RING = 8
"""Pictures with a side below this are computed literally: they are little more than border."""


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


def literal_pair(x: Tensor, first: Tensor, second: Tensor, bias: Tensor) -> Tensor:
    """Correlate with ``first``, then with ``second`` and add ``bias``; the border pixels are replicated before each.

    Args:
        x: (B, I, H, W).
        first: (C, I, m, m), m odd.
        second: (O, C, n, n), n odd.
        bias: (O,).

    Returns:
        (B, O, H, W).
    """
    features = F.conv2d(replicate_pad(x, first.shape[-1] // 2), first)
    return F.conv2d(replicate_pad(features, second.shape[-1] // 2), second, bias)


def composed_pair(x: Tensor, kernel: Tensor, first: Tensor, second: Tensor, bias: Tensor) -> Tensor:
    """:func:`literal_pair` for a 3×3 ``second`` in one convolution with their :func:`composed_kernel`, exactly.

    At the border of one pixel the two differ: there ``second`` sees copies of the border's features and not the
    features of a picture that goes on. That ring is computed literally, from strips along the border.

    Args:
        x: (B, I, H, W).
        kernel: (O, I, m + 2, m + 2).
        first: (C, I, m, m).
        second: (O, C, 3, 3).
        bias: (O,).
    """
    height, width = x.shape[-2:]
    if min(height, width) < _RING:
        return literal_pair(x, first, second, bias)
    layout = torch.channels_last
    padded = replicate_pad(x, kernel.shape[-1] // 2).contiguous(memory_format=layout)
    result = F.conv2d(padded, kernel.contiguous(memory_format=layout), bias)
    reach = first.shape[-1] // 2 + 2  # what two rows of features see
    result[..., 0, :] = literal_pair(x[..., :reach, :], first, second, bias)[..., 0, :]
    result[..., -1, :] = literal_pair(x[..., -reach:, :], first, second, bias)[..., -1, :]
    result[..., 0] = literal_pair(x[..., :reach], first, second, bias)[..., 0]
    result[..., -1] = literal_pair(x[..., -reach:], first, second, bias)[..., -1]
    return result

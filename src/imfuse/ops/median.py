"""The median of a pixel's neighbourhood."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from torch import Tensor

from imfuse.ops.filters import opencv_serves
from imfuse.ops.padding import reflect_pad


def median3(x: Tensor) -> Tensor:
    """Median over 3×3 pixels around each one (B, C, H, W), channel by channel; reflection at the borders.

    Where every column of a neighbourhood is sorted, its median is that of three numbers: the largest of the smallest,
    the median of the middle and the smallest of the largest. The columns' orders serve three neighbourhoods each.
    OpenCV has the same in fewer passes, where it serves.
    """
    padded = reflect_pad(x, 1)
    if opencv_serves(x) and x.dtype == torch.float32:
        result = torch.empty_like(x, memory_format=torch.contiguous_format)
        planes, medians = padded.detach().contiguous().numpy(), result.numpy()
        for index in np.ndindex(*medians.shape[:-2]):
            medians[index] = cv2.medianBlur(planes[index], 3)[1:-1, 1:-1]
        return result
    top, middle, bottom = padded[..., :-2, :], padded[..., 1:-1, :], padded[..., 2:, :]
    low, high = torch.minimum(top, middle), torch.maximum(top, middle)
    largest = torch.maximum(high, bottom)
    high = torch.minimum(high, bottom)
    smallest, middle = torch.minimum(low, high), torch.maximum(low, high)
    return _median(
        torch.maximum(torch.maximum(*_pair(smallest)), smallest[..., 2:]),
        _median(*_pair(middle), middle[..., 2:]),
        torch.minimum(torch.minimum(*_pair(largest)), largest[..., 2:]),
    )


def _pair(x: Tensor) -> tuple[Tensor, Tensor]:
    return x[..., :-2], x[..., 1:-1]


def _median(a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    return torch.maximum(torch.minimum(a, b), torch.minimum(torch.maximum(a, b), c))

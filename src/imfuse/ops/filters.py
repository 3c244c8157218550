"""Linear filters of one-channel maps, with reflection at the borders."""

from __future__ import annotations

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from imfuse.ops.padding import reflect_pad
from imfuse.ops.windows import filter_valid, gaussian_taps


def opencv_serves(x: Tensor, *parameters: Tensor) -> bool:
    """Whether OpenCV can do what is asked of these: plain tensors on the CPU, and no gradient or graph is recorded."""
    if torch.compiler.is_compiling() or torch.compiler.is_exporting() or type(x) is not Tensor:
        return False
    recorded = torch.is_grad_enabled() and any(t.requires_grad for t in (x, *parameters))
    return not recorded and x.device.type == "cpu" and x.dtype in (torch.float32, torch.float64)


def correlate(x: Tensor, kernel: Tensor, bias: Tensor | None = None) -> Tensor:
    """Correlate every map of ``x`` with one odd, square ``kernel`` and add ``bias``; reflection at the borders.

    On the CPU, where no gradient is recorded, OpenCV's ``filter2D`` does it: for one channel it is many times faster
    than a convolution layer. Where gradients are recorded it is ``conv2d`` in the channels-last layout, the faster one
    for a single channel.

    Args:
        x: (B, C, H, W), any size from 1×1 up; every channel is filtered by itself.
        kernel: (k, k), k odd.
        bias: a scalar tensor.

    Returns:
        (B, C, H, W).
    """
    if opencv_serves(x, kernel, *(() if bias is None else (bias,))):
        return _correlate_opencv(x, kernel, 0.0 if bias is None else float(bias))
    batch, channels, height, width = x.shape
    maps = reflect_pad(x.reshape(batch * channels, 1, height, width), kernel.shape[-1] // 2)
    weight = kernel[None, None]
    filtered = F.conv2d(
        maps.to(memory_format=torch.channels_last),
        weight.to(memory_format=torch.channels_last),
        None if bias is None else bias.reshape(1),
    )
    return filtered.reshape(batch, channels, height, width)


def _correlate_opencv(x: Tensor, kernel: Tensor, bias: float) -> Tensor:
    maps = x.detach().contiguous()
    result = torch.empty_like(maps)
    source, target = maps.numpy(), result.numpy()
    taps = np.ascontiguousarray(kernel.detach().to("cpu", x.dtype).numpy())
    for index in np.ndindex(*source.shape[:-2]):
        cv2.filter2D(source[index], -1, taps, dst=target[index], delta=bias, borderType=cv2.BORDER_REFLECT_101)
    return result


def box_mean(x: Tensor, size: int) -> Tensor:
    """Mean over ``size × size`` pixels around each one (B, C, H, W); ``size`` odd; reflection at the borders."""
    if opencv_serves(x):
        maps = x.detach().contiguous()
        result = torch.empty_like(maps)
        source, target = maps.numpy(), result.numpy()
        for index in np.ndindex(*source.shape[:-2]):
            cv2.blur(source[index], (size, size), dst=target[index], borderType=cv2.BORDER_REFLECT_101)
        return result
    pad = size // 2
    # Along rows and then along columns: 2·size instead of size² additions per pixel.
    padded = reflect_pad(x, pad)
    return F.avg_pool2d(F.avg_pool2d(padded, (1, size), stride=1), (size, 1), stride=1)


def box_laplacian(x: Tensor, size: int) -> Tensor:
    """Laplacian of ``size × size`` taps whose absolute values sum to one; reflection at the borders.

    All taps are 1 but the centre, which is 1 − size²; divided by 2 (size² − 1). That is a high-pass: the difference of
    the box mean and the picture, ``size² / (2 (size² − 1)) · (mean − x)``. It is kornia's ``normalized`` Laplacian,
    with which AUIF's authors start their detail encoder.
    """
    area = size * size
    return (box_mean(x, size) - x).mul(area / (2 * (area - 1)))


def laplacian(x: Tensor) -> Tensor:
    """Sum of the four neighbours of each pixel less four times itself (B, C, H, W); reflection at the borders.

    By additions alone: it is exactly zero where a picture is flat, wherever that lies.
    """
    padded = reflect_pad(x, 1)
    vertical = padded[..., :-2, 1:-1] + padded[..., 2:, 1:-1]
    horizontal = padded[..., 1:-1, :-2] + padded[..., 1:-1, 2:]
    return vertical.add_(horizontal).sub_(x * 4)


def gaussian_blur(x: Tensor, size: int, sigma: float) -> Tensor:
    """Correlate every map with ``size × size`` samples of a Gaussian that sum to one; reflection at the borders.

    Args:
        x: (B, C, H, W).
        size: odd.
        sigma: deviation in pixels.
    """
    return filter_valid(reflect_pad(x, size // 2), gaussian_taps(size, sigma))

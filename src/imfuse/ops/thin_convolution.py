"""Convolutions between many channels and very few, padded with zeros to the same size: the dictionaries of FNet.

A processor computes 8 or 16 output channels at once. So a convolution of 64 channels into one or two costs as much as
one into 16, and so does, in training, the gradient of one from two channels into 64. Two rearrangements, exact up to
rounding, avoid that: the rows of the kernels become output channels, which are shifted and added afterwards
(:func:`narrow`), and the gradients of either convolution are written as the other one.

Under :func:`torch.autocast` the products of :func:`widen` and :func:`narrow` are of its type; what goes out keeps the
type of ``x``.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.grad import conv2d_weight

_LAYOUT = torch.channels_last


def convolution(x: Tensor, kernel: Tensor) -> Tensor:
    """Correlate (B, I, H, W) with (O, I, k, k), k odd, as PyTorch does it; outside the picture is zero."""
    return F.conv2d(x, kernel, padding=kernel.shape[-1] // 2)


def widen(x: Tensor, kernel: Tensor) -> Tensor:
    """Correlate few channels into many; outside the picture is zero.

    Args:
        x: (B, I, H, W), I small.
        kernel: (O, I, k, k), k odd.

    Returns:
        (B, O, H, W).
    """
    if _traced():
        return convolution(x, kernel)
    if _recorded(x, kernel):
        result: Tensor = _Widen.apply(x, kernel)  # type: ignore[no-untyped-call]
        return result
    return _widen(x, kernel, _type_of_products(x))


def narrow(x: Tensor, kernel: Tensor) -> Tensor:
    """Correlate many channels into few; outside the picture is zero.

    Args:
        x: (B, I, H, W).
        kernel: (O, I, k, k), k odd, O small.

    Returns:
        (B, O, H, W).
    """
    if _traced():
        return convolution(x, kernel)
    if _recorded(x, kernel):
        result: Tensor = _Narrow.apply(x, kernel)  # type: ignore[no-untyped-call]
        return result
    return _narrow(x, kernel, _type_of_products(x))


def row_kernel(kernel: Tensor) -> Tensor:
    """The rows of ``kernel`` (O, I, k, k) as kernels of one row each, (k · O, I, 1, k), for :func:`row_maps`."""
    rows = kernel.permute(2, 0, 1, 3).flatten(0, 1).unsqueeze(2)
    return rows.contiguous(memory_format=_LAYOUT)


def row_maps(x: Tensor, rows: Tensor) -> Tensor:
    """What every row of the kernels gives at every pixel, (B, k · O, H, W); a row of it needs that row of ``x`` alone.

    Args:
        x: (B, I, H, W).
        rows: of :func:`row_kernel`.
    """
    return F.conv2d(x.contiguous(memory_format=_LAYOUT), rows, padding=(0, rows.shape[-1] // 2))


def added_rows(maps: Tensor, outputs: int) -> Tensor:
    """The maps of :func:`row_maps` (B, k · O, H, W), each shifted to where its row belongs, as one sum (B, O, H, W)."""
    height = maps.shape[2]
    size = maps.shape[1] // outputs
    padded = F.pad(maps, (0, 0, size // 2, size // 2))
    # (B, k, O, offset, W, H): of the row with index i of a kernel, what lies i rows further down is taken.
    windows = padded.unfold(2, height, 1)
    shifted = windows.reshape(len(maps), size, outputs, *windows.shape[2:])
    return shifted.diagonal(dim1=1, dim2=3).sum(-1).transpose(-1, -2)


def _type_of_products(x: Tensor) -> torch.dtype:
    device = x.device.type
    known = torch.amp.is_autocast_available(device)
    return torch.get_autocast_dtype(device) if known and torch.is_autocast_enabled(device) else x.dtype


def _as(maps: Tensor, dtype: torch.dtype) -> Tensor:
    return maps.to(dtype).contiguous(memory_format=_LAYOUT)


def _widen(x: Tensor, kernel: Tensor, dtype: torch.dtype) -> Tensor:
    return convolution(_as(x, dtype), _as(kernel, dtype)).to(x.dtype)


def _narrow(x: Tensor, kernel: Tensor, dtype: torch.dtype) -> Tensor:
    maps = row_maps(_as(x, dtype), row_kernel(_as(kernel, dtype)))
    return added_rows(maps.to(x.dtype), kernel.shape[0])


def _mirrored(kernel: Tensor) -> Tensor:
    """The kernel of the adjoint: inputs and outputs exchanged, rows and columns reversed."""
    return kernel.transpose(0, 1).flip(-2, -1)


def _kernel_gradient(few: Tensor, many: Tensor, size: int, dtype: torch.dtype) -> Tensor:
    """Gradient (O, I, k, k) of the kernel that widens ``few`` (B, I, H, W), where ``many`` (B, O, H, W) comes back."""
    shape = (many.shape[1], few.shape[1], size, size)
    gradient: Tensor = conv2d_weight(  # type: ignore[no-untyped-call]
        _as(few, dtype), shape, _as(many, dtype), padding=size // 2
    )
    return gradient.to(few.dtype)


def _recorded(*tensors: Tensor) -> bool:
    return torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors)


def _traced() -> bool:
    return torch.compiler.is_exporting() or torch.compiler.is_compiling()


class _Widen(torch.autograd.Function):
    """:func:`widen` with gradients by :func:`narrow`."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, kernel: Tensor) -> Tensor:
        ctx.save_for_backward(x, kernel)
        ctx.dtype = _type_of_products(x)
        return _widen(x, kernel, ctx.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None]:
        x, kernel = ctx.saved_tensors
        wanted = ctx.needs_input_grad
        return (
            _narrow(gradient, _mirrored(kernel), ctx.dtype) if wanted[0] else None,
            _kernel_gradient(x, gradient, kernel.shape[-1], ctx.dtype) if wanted[1] else None,
        )


class _Narrow(torch.autograd.Function):
    """:func:`narrow` with gradients by :func:`widen`."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, kernel: Tensor) -> Tensor:
        ctx.save_for_backward(x, kernel)
        ctx.dtype = _type_of_products(x)
        return _narrow(x, kernel, ctx.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None]:
        x, kernel = ctx.saved_tensors
        wanted = ctx.needs_input_grad
        return (
            _widen(gradient, _mirrored(kernel), ctx.dtype) if wanted[0] else None,
            _mirrored(_kernel_gradient(gradient, x, kernel.shape[-1], ctx.dtype)) if wanted[1] else None,
        )

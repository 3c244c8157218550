"""The unrolled two-scale decomposition of AUIF: one gradient step per layer."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from imfuse.blocks.activations import ActivationName, activated, activation, recorded
from imfuse.blocks.normalisation import scale_and_shift
from imfuse.ops.filters import correlate
from imfuse.ops.padding import reflect_pad


class Affine(NamedTuple):
    """A layer in inference before its activation: correlate with ``kernel``, add ``bias`` and ``gain`` × source."""

    kernel: Tensor
    gain: Tensor
    bias: Tensor


class DecompositionLayer(nn.Module):
    """Base or detail convolutional layer, BCL or DCL (AUIF, Eqs. 5 and 6).

    X_out = PReLU(BN(X_in − η [Conv₂(Conv₁(X_in)) − θ (I − X_in)])), the gradient step (Eq. 4) of
    θ/2 ‖I − X‖² + ½ Σ_j ‖g_j ∗ X‖² with every filter, the step size η and the weight θ learned. (Eqs. 1 and 2 lack the
    ½, so that their gradient would be twice the second term of Eq. 3; learned filters absorb the factor.)

    Conv₁ has ``filters`` kernels 3×3 and Conv₂ brings them back to one channel; X_in is reflection-padded once, by 2.
    Nothing stands between the two, so their product is exactly one 5×5 correlation of one channel. It is composed
    anew at every call (:meth:`composed_kernel`), in training and inference alike: 25 multiplications per pixel
    instead of 1,152, with the same parameters and gradients. :meth:`literal_step` computes Eq. 5 as it is printed.

    The paper is silent on the first values of the kernels: PyTorch's default for convolutions, with which a layer
    starts close to the identity. Neither convolution has a bias, which the batch normalisation would take away again.

    Args:
        filters: C, 64 in the paper.
        theta: first value of θ, 10⁻³ (base) or 1 (detail) in the paper.
        activation_name: ``prelu`` in the paper.
    """

    halo = 2

    def __init__(self, filters: int = 64, theta: float = 1.0, activation_name: ActivationName = "prelu") -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, filters, 3, bias=False)
        self.conv2 = nn.Conv2d(filters, 1, 3, bias=False)
        self.eta = nn.Parameter(torch.randn(()) * 0.03 + 0.1)
        self.theta = nn.Parameter(torch.tensor(float(theta)))
        self.norm = nn.BatchNorm2d(1)
        self.activation = activation(activation_name)

    def composed_kernel(self) -> Tensor:
        """The 5×5 kernel whose correlation equals Conv₂(Conv₁(·))."""
        first = F.pad(self.conv1.weight.transpose(0, 1), (2, 2, 2, 2))
        kernel: Tensor = F.conv2d(first, self.conv2.weight.flip(-1, -2))[0, 0]
        return kernel

    def step(self, x: Tensor, source: Tensor) -> Tensor:
        """The gradient step in brackets, before normalisation and activation; all (B, 1, H, W)."""
        return x - self.eta * (correlate(x, self.composed_kernel()) - self.theta * (source - x))

    def literal_step(self, x: Tensor, source: Tensor) -> Tensor:
        """:meth:`step` with the two convolutions one after the other, as printed."""
        filtered: Tensor = self.conv2(self.conv1(reflect_pad(x, 2)))
        return x - self.eta * (filtered - self.theta * (source - x))

    def collapse(self) -> Affine:
        """Step and batch normalisation as one affine map; exact outside training."""
        (scale,), (shift,) = scale_and_shift(self.norm)
        kernel = self.composed_kernel() * (-scale * self.eta)
        centre = torch.zeros_like(kernel)
        centre[2, 2] = 1.0
        kernel = kernel + centre * (scale * (1 - self.eta * self.theta))
        return Affine(kernel, scale * self.eta * self.theta, shift)

    def forward(self, x: Tensor, source: Tensor) -> Tensor:
        """One layer: ``x`` is B_in or D_in, ``source`` is I; all (B, 1, H, W)."""
        if self.training:
            return activated(self.activation, self.norm(self.step(x, source)))
        kernel, gain, bias = self.collapse()
        return activated(self.activation, _add_scaled(correlate(x, kernel, bias), source, gain))


def _add_scaled(x: Tensor, source: Tensor, gain: Tensor) -> Tensor:
    return x + gain * source if recorded() else x.add_(source, alpha=float(gain))

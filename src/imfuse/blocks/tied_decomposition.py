"""The layer of AUIF as its authors released it, which is not the paper's."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from imfuse.blocks.activations import ActivationName, activated, activation, recorded
from imfuse.blocks.normalisation import scale_and_shift
from imfuse.blocks.wide_convolution import border, composed_kernels, literal_pair, padded, with_border
from imfuse.ops.filters import correlate


class TiedDecompositionLayer(nn.Module):
    """Base or detail layer of the code and weights ("TCSVT") that AUIF's authors released.

    X_out = X_in − η [PReLU(BN(Kᵀ K X_in)) − θ (I − X_in)]: beside :class:`DecompositionLayer` (Eqs. 5 and 6) the second
    kernel is the first one turned by 180°, which is its adjoint, normalisation and PReLU act on the filtered branch
    alone, and the picture and its features are reflection-padded by 1 each.

    As nothing stands between the two convolutions, they are one 5×5 correlation of one channel, but for the border of
    one pixel, whose kernels are composed like it (:mod:`imfuse.blocks.wide_convolution`).

    Args:
        filters: C, 64 in the released code; its kernels start at N(0, 1).
        theta: first value of θ.
        activation_name: ``prelu`` in the released code.
    """

    halo = 2

    def __init__(self, filters: int = 64, theta: float = 1e-3, activation_name: ActivationName = "prelu") -> None:
        super().__init__()
        self.kernel = nn.Parameter(torch.randn(filters, 1, 3, 3))
        self.eta = nn.Parameter(torch.randn(()) * 0.03 + 0.1)
        self.theta = nn.Parameter(torch.tensor(float(theta)))
        self.norm = nn.BatchNorm2d(1)
        self.activation = activation(activation_name)

    @property
    def adjoint(self) -> Tensor:
        """Kᵀ, (1, C, 3, 3)."""
        return self.kernel.flip(-2, -1).transpose(0, 1)

    def filtered(self, x: Tensor) -> Tensor:
        """KᵀKx of maps (B, 1, H, W)."""
        return self._correlated(x, self.adjoint, None)

    def literal_filtered(self, x: Tensor) -> Tensor:
        """:meth:`filtered` with the two convolutions one after the other, as released."""
        return literal_pair(x, self.kernel, self.adjoint, None, "reflect")

    def forward(self, x: Tensor, source: Tensor) -> Tensor:
        """One layer: ``x`` is B_in or D_in, ``source`` is I; all (B, 1, H, W)."""
        if self.training:
            branch = self.norm(self.filtered(x))
        else:
            scale, shift = scale_and_shift(self.norm)
            branch = self._correlated(x, self.adjoint * scale, shift)
        return self._descend(x, source, activated(self.activation, branch))

    def _descend(self, x: Tensor, source: Tensor, branch: Tensor) -> Tensor:
        """X − η [branch − θ (I − x)]."""
        if recorded():
            return x - self.eta * (branch - self.theta * (source - x))
        eta, theta = float(self.eta), float(self.theta)
        return branch.mul_(-eta).add_(x, alpha=1 - eta * theta).add_(source, alpha=eta * theta)

    def _correlated(self, x: Tensor, second: Tensor, bias: Tensor | None) -> Tensor:
        kernels = composed_kernels(self.kernel, second, "reflect", *x.shape[-2:])
        inside = correlate(x, kernels[1, 1, 0, 0], None if bias is None else bias[0])
        return with_border(inside, border(padded(x, self.halo, "reflect"), kernels, bias))

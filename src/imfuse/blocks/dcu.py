"""The dictionary convolutional unit: one iteration of ISTA for convolutional sparse coding, learned."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from imfuse.blocks.activations import ActivationName, activation
from imfuse.ops.dictionary import analyse, analyse_literally, synthesise, synthesise_literally


def transposed(filters: Tensor) -> Tensor:
    """The filters (c, q, s, s) of the transpose of a convolution layer with filters (q, c, s, s)."""
    return filters.transpose(0, 1).flip(-1, -2)


def largest_gain(filters: Tensor, grid: int = 64) -> Tensor:
    """Largest eigenvalue of "analyse with ``filters`` (q, c, s, s), then with their transpose", on a wide picture.

    A convolution is diagonal in frequency: it is the largest squared singular value of the filters' transfer matrices,
    here on a ``grid × grid`` of frequencies, between which 3×3 filters hardly rise.
    """
    transfer = torch.fft.fft2(filters, s=(grid, grid)).permute(2, 3, 0, 1)
    gain: Tensor = torch.linalg.matrix_norm(transfer, ord=2).square().max()
    return gain


class DictionaryUnit(nn.Module):
    """A DCU (Deep CSC, Eq. 3): z⁽ᵏ⁺¹⁾ = f(BN(z⁽ᵏ⁾ + Conv₁(x − Conv₀(z⁽ᵏ⁾)))).

    It unrolls the ISTA step (Eq. 2) of ½‖x − d ∗ z‖² + λ g(z): Conv₀ stands for the dictionary d, Conv₁ for dᵀ/ρ, the
    activation f for the proximal operator of λ/ρ · g. With Conv₁ the transpose of Conv₀ over ρ, the normalisation
    replaced by the identity, and f the soft threshold λ/ρ, a unit is exactly that step; a test proves it.

    (Away from the borders: with reflection there, Conv₁ is no longer the transpose.)

    The paper does not say where z⁽⁰⁾ comes from: it is 0, so the first unit is f(BN(Conv₁(x))) and has no Conv₀.
    Neither does it name the first values. Conv₁ starts as PyTorch's convolutions do, and Conv₀ as its transpose over
    the largest eigenvalue of Conv₁ᵀ Conv₁, so that the untrained unit is an ISTA step of the classical size 1 / ‖d‖².
    Neither convolution has a bias: the normalisation would take Conv₁'s away, and Conv₀'s would only pass
    through Conv₁ as another constant.

    Args:
        channels: c, of the picture.
        filters: q, of the code.
        size: s, side of the filters; odd.
        activation_name: f.
        first: whether this unit starts from z = 0.
        spacing: pixels from one tap of a filter to the next; with more than one, the atoms of the dictionary are wider
            and no more expensive ("à trous").
    """

    def __init__(
        self,
        channels: int = 1,
        filters: int = 64,
        size: int = 3,
        activation_name: ActivationName = "sst",
        *,
        first: bool = False,
        spacing: int = 1,
    ) -> None:
        super().__init__()
        self.spacing = spacing
        self.conv1 = nn.Conv2d(channels, filters, size, bias=False)
        self.conv0 = None if first else nn.Conv2d(filters, channels, size, bias=False)
        if self.conv0 is not None:
            with torch.no_grad():
                self.conv0.weight.copy_(transposed(self.conv1.weight) / largest_gain(self.conv1.weight))
        self.norm = nn.BatchNorm2d(filters)
        self.activation = activation(activation_name, filters)

    @property
    def halo(self) -> int:
        """Pixels around a pixel on which its code depends."""
        radius = self.conv1.kernel_size[0] // 2 * self.spacing
        return radius if self.conv0 is None else 2 * radius

    def step(self, code: Tensor | None, picture: Tensor) -> Tensor:
        """The argument of the normalisation: z + Conv₁(x − Conv₀(z)).

        Args:
            code: z, (B, q, H, W); None in the first unit.
            picture: x, (B, c, H, W).
        """
        if self.conv0 is None or code is None:
            return analyse(picture, self.conv1.weight, None, self.spacing)
        residual = picture - synthesise(code, self.conv0.weight, self.spacing)
        return analyse(residual, self.conv1.weight, code, self.spacing)

    def literal_step(self, code: Tensor | None, picture: Tensor) -> Tensor:
        """:meth:`step` by two convolutions of reflection-padded maps, as printed."""
        if self.conv0 is None or code is None:
            return analyse_literally(picture, self.conv1.weight, self.spacing)
        residual = picture - synthesise_literally(code, self.conv0.weight, self.spacing)
        return code + analyse_literally(residual, self.conv1.weight, self.spacing)

    def forward(self, code: Tensor | None, picture: Tensor) -> Tensor:
        """One unit: the next code (B, q, H, W)."""
        result: Tensor = self.activation(self.norm(self.step(code, picture)))
        return result

"""LCSC: the learned ℓ1-regularised sparse coding block, the peer of LZSC in FNet's ablation."""

from __future__ import annotations

import torch
from torch import Tensor

from imfuse.blocks.sparse_coder import Momentum, SparseCoder
from imfuse.ops.thin_convolution import convolution
from imfuse.ops.thresholding import soft_threshold


class LCSC(SparseCoder):
    """Sreter and Giryes, "Learned convolutional sparse coding": the convolutional ISTA, unrolled.

    x^k = S_{θ^k}(x^{k−1} + W_e^k ∗ (I − W_d^k ∗ x^{k−1})), from x⁰ = S_{θ⁰}(W_e⁰ ∗ I).

    FNet's paper leaves its form to a supplement that is not to be had. For an ablation that changes the block alone,
    everything else is LZSC's: as many iterates, kernels of their own in each, one θ^k for all features in the form of
    Eq. 21. With tied kernels, the same in every iterate, it is the convolutional ISTA with a constant step.

    Args:
        channels: C, of the picture.
        features: K.
        size: of the kernels, odd.
        modules: N, the iterates after the start x⁰.
    """

    def __init__(self, channels: int = 1, features: int = 64, size: int = 9, modules: int = 4) -> None:
        super().__init__(channels, features, size, modules)
        self.input_kernels = self.analysis(self.iterations)
        self.synthesis_kernels = self.synthesis(self.iterations - 1)

    def probes(self, index: int) -> Tensor | None:
        """W_d of the next iterate."""
        kernels = [*self.synthesis_kernels[index : index + 1]]
        return kernels[0] if kernels else None

    def drive(self, index: int, picture: Tensor, newer: Tensor | None, older: Tensor | None) -> Tensor:
        """What the features do not explain yet: I − W_d ∗ x^{k−1}."""
        return picture if newer is None else picture - newer

    def spread(self, index: int) -> Tensor:
        """W_e."""
        kernel: Tensor = self.input_kernels[index]
        return kernel

    def momentum(self, index: int) -> Momentum:
        """The iterate before enters as it is."""
        return Momentum(1.0 if index else None, None)

    def activate(self, x: Tensor, threshold: Tensor) -> Tensor:
        """The soft threshold."""
        return soft_threshold(x, threshold)

    def activate_(self, x: Tensor, threshold: float) -> Tensor:
        """The soft threshold in place."""
        return x.sub_(x.clamp(-threshold, threshold))

    def literal(self, picture: Tensor) -> Tensor:
        """The equation as it is printed, every convolution by itself."""
        x: Tensor = self.activate(convolution(picture, self.input_kernels[0]), self.threshold(0))
        for index in range(1, self.iterations):
            residual = picture - convolution(x, self.synthesis_kernels[index - 1])
            x = self.activate(x + convolution(residual, self.input_kernels[index]), self.threshold(index))
        return x

    def silence(self, index: int) -> Tensor:
        """Zero: what does not pass the soft threshold is zero itself."""
        return torch.zeros_like(self.b_theta)

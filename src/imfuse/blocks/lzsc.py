"""LZSC: the learnable ℓ0-regularised sparse coding block of FNet."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from imfuse.blocks.sparse_coder import Momentum, SparseCoder
from imfuse.ops.thin_convolution import convolution
from imfuse.ops.thresholding import sigmoidal_threshold, sigmoidal_threshold_


class LZSC(SparseCoder):
    """Panda et al. (FNet), Eqs. 15–21: iterative hard thresholding with Nesterov's momentum, unrolled.

    x^k = T_{θ^k}((1 + ρ^k)(x^{k−1} − W_u^k ∗ W_d^k ∗ x^{k−1}) − ρ^k (x^{k−2} − V_u^k ∗ V_d^k ∗ x^{k−2}) + W_e^k ∗ I)

    (Eq. 20), with the sigmoidal threshold T of Eq. 6 in place of the hard one. Eqs. 18–20 print the same kernels W for
    x^{k−1} and x^{k−2}; the text says different ones, here V.

    Features before x⁰ are zero (paper, below Eq. 21): so x⁰ = T(W_e⁰ ∗ I), and x¹ has no x^{k−2}. The paper counts as
    iteration modules what follows the start: its four are x¹ … x⁴, and a block of one channel has 19 kernels of 9×9.

    ρ^k = 1 − softplus(b_ρ) / softplus(w_ρ k + b_ρ) (Eq. 21) rises with k and stays in (0, 1) for w_ρ > 0, not for
    w_ρ < 0 as printed; it starts at w_ρ = 0.5 and b_ρ = 0. Like w_θ it is learned without a bound.

    With tied kernels, the same in every iterate, and without momentum, the limit γ → ∞ with α = 0 is iterative hard
    thresholding (Eq. 2) with a constant step.

    Args:
        channels: C, of the picture.
        features: K.
        size: of the kernels, odd.
        modules: N, the iteration modules after the start x⁰.
        alpha: α of the threshold.
        gamma: γ of the threshold.
    """

    def __init__(
        self,
        channels: int = 1,
        features: int = 64,
        size: int = 9,
        modules: int = 4,
        alpha: float = 0.1,
        gamma: float = 100.0,
    ) -> None:
        super().__init__(channels, features, size, modules)
        self.alpha, self.gamma = alpha, gamma
        self.w_rho = nn.Parameter(torch.tensor(0.5))
        self.b_rho = nn.Parameter(torch.tensor(0.0))
        self.input_kernels = self.analysis(self.iterations)
        self.synthesis_kernels = self.synthesis(self.iterations - 1)
        self.analysis_kernels = self.analysis(self.iterations - 1)
        self.earlier_synthesis_kernels = self.synthesis(self.iterations - 2)
        self.earlier_analysis_kernels = self.analysis(self.iterations - 2)

    def rho(self, index: int) -> Tensor:
        """ρ of the iterate of this index, a scalar."""
        return 1 - F.softplus(self.b_rho) / F.softplus(self.w_rho * index + self.b_rho)

    def probes(self, index: int) -> Tensor | None:
        """W_d of the next iterate and V_d of the one after it."""
        kernels = [*self.synthesis_kernels[index : index + 1], *self.earlier_synthesis_kernels[index : index + 1]]
        return torch.cat(kernels) if kernels else None

    def drive(self, index: int, picture: Tensor, newer: Tensor | None, older: Tensor | None) -> Tensor:
        """The picture, −(1 + ρ) W_d ∗ x^{k−1}, and ρ V_d ∗ x^{k−2}."""
        if newer is None:
            return picture
        rho = self.rho(index)
        drives = [picture, -(1 + rho) * newer[:, : self.channels]]
        if older is not None:
            drives.append(rho * older[:, self.channels :])
        return torch.cat(drives, 1)

    def spread(self, index: int) -> Tensor:
        """W_e, W_u and V_u."""
        kernels = [self.input_kernels[index]]
        if index > 0:
            kernels.append(self.analysis_kernels[index - 1])
        if index > 1:
            kernels.append(self.earlier_analysis_kernels[index - 2])
        return torch.cat(kernels, 1)

    def momentum(self, index: int) -> Momentum:
        """1 + ρ and −ρ."""
        rho = self.rho(index)
        return Momentum(1 + rho if index > 0 else None, -rho if index > 1 else None)

    def activate(self, x: Tensor, threshold: Tensor) -> Tensor:
        """The sigmoidal threshold."""
        return sigmoidal_threshold(x, threshold, self.alpha, self.gamma)

    def activate_(self, x: Tensor, threshold: float) -> Tensor:
        """The sigmoidal threshold in place."""
        return sigmoidal_threshold_(x, threshold, self.alpha, self.gamma)

    def literal(self, picture: Tensor) -> Tensor:
        """Eq. 20 as it is printed, every convolution by itself."""
        older, newer = None, self.activate(convolution(picture, self.input_kernels[0]), self.threshold(0))
        for index in range(1, self.iterations):
            rho = self.rho(index)
            down, up = self.synthesis_kernels[index - 1], self.analysis_kernels[index - 1]
            x = (1 + rho) * (newer - convolution(convolution(newer, down), up))
            if older is not None:
                down, up = self.earlier_synthesis_kernels[index - 2], self.earlier_analysis_kernels[index - 2]
                x = x - rho * (older - convolution(convolution(older, down), up))
            x = x + convolution(picture, self.input_kernels[index])
            older, newer = newer, self.activate(x, self.threshold(index))
        return newer

    def silence(self, index: int) -> Tensor:
        """T_θ(θ) = (1 − α) θ / 2, which |T_θ(x)| exceeds where |x| > θ, and only there."""
        return (1 - self.alpha) * self.threshold(index) / 2

"""IFNet: the inverse of a fusion, which gives both sources back from the fused picture."""

from __future__ import annotations

from torch import Tensor, nn

from imfuse.networks.fnet import BlockName, FNet, sparse_coder


class IFNet(nn.Module):
    """Panda et al. (FNet), Fig. 4: a block and a decoder per source, both of which see the fused picture (Eq. 24).

    I₁' = D_x1(x₁) and I₂' = D_x2(x₂), with x₁ and x₂ the features of either source in the fused picture (Eq. 14). In
    the authors' code both use one decoder; here, as printed, each has its own.

    Args:
        features: K, channels of a code.
        size: of the kernels, odd.
        modules: N, iteration modules of a block.
        block: ``lzsc``, or ``lcsc`` for the paper's ablation.
    """

    def __init__(self, features: int = 64, size: int = 9, modules: int = 4, block: BlockName = "lzsc") -> None:
        super().__init__()
        first, second = (sparse_coder(block, 1, features, size, modules) for _ in range(2))
        self.first_coder, self.second_coder = first, second
        self.decoders = first.synthesis(2)

    @property
    def halo(self) -> int:
        """Pixels around a pixel on which the sources there depend: block and decoder."""
        return self.first_coder.halo + self.first_coder.size // 2

    def forward(self, fused: Tensor) -> tuple[Tensor, Tensor]:
        """Both sources, each (B, 1, H, W), of a fused picture (B, 1, H, W)."""
        first = self.first_coder.reconstruct(fused, self.decoders[0])
        return first, self.second_coder.reconstruct(fused, self.decoders[1])


class InvertibleFNet(FNet):
    """FNet with the IFNet that was trained beside it: what stage I of the training leaves (paper, Eq. 25).

    It fuses as FNet does; its fused picture is the one from which both sources can be had back, and not yet the one
    that people want to see. :meth:`explain` shows the sources that IFNet makes of it, too; FNet's own does, where it
    has this network at hand (:meth:`FNet.take_inverse`).

    Args:
        features: K, channels of a code.
        size: of the kernels, odd.
        modules: N, iteration modules of a block.
        block: ``lzsc``, or ``lcsc`` for the paper's ablation.
    """

    def __init__(self, features: int = 64, size: int = 9, modules: int = 4, block: BlockName = "lzsc") -> None:
        super().__init__(features, size, modules, block)
        self.inverse = IFNet(features, size, modules, block)

    @property
    def halo(self) -> int:
        """Pixels around a window on which its result or the sources had back depend."""
        return super().halo + self.inverse.halo

    def round_trip(self, first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
        """I₁ and I₂ after fusion and inverse fusion, each (B, 1, H, W)."""
        first, second = self.inverse(self(first, second))
        return first, second

    @property
    def inverts(self) -> bool:
        """It does."""
        return True

    def _had_back(self, pictures: tuple[Tensor, Tensor], fused: Tensor) -> tuple[Tensor, ...]:
        """Both sources as IFNet makes them of the fused picture."""
        first, second = self.inverse(fused)
        return first, second

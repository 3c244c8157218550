"""What LZSC and LCSC share: an unrolled iteration whose features have many channels and whose pictures have few."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from imfuse.errors import UsageError
from imfuse.ops.thin_convolution import added_rows, narrow, row_kernel, row_maps, widen

_STRIP = 2**18
"""Feature values that stay in the processor's cache from one operation to the next: 1 MB."""


class Iterate(NamedTuple):
    """One iterate: its features (B, K, H, W), and what the kernels made of them that the following ones need."""

    features: Tensor
    probed: Tensor | None


class Momentum(NamedTuple):
    """Shares of x^{k−1} and of x^{k−2} that enter x^k beside what the convolutions give; None where there is none."""

    newer: Tensor | float | None
    older: Tensor | float | None


class SparseCoder(nn.Module, ABC):
    """A picture (B, C, H, W) → sparse features (B, K, H, W), by iterates x⁰ … x^N.

    x^k = T_{θ^k}(shares of x^{k−1} and x^{k−2} + A^k ∗ d^k), where d^k holds few channels: the picture, and what
    kernels (:meth:`probes`) made of the features before. Every convolution of one iterate from few channels into many
    is done in one, and every one of the same features into few: FNet, Eq. 20, has three of the first kind and two of
    the second. The values are the same, and so are the gradients.

    All kernels are of size × size without bias; outside the picture is zero. They start by Xavier's uniform rule, as
    in the released code; the paper is silent.

    θ^k = softplus(w_θ k + b_θ) falls with k for w_θ < 0 (FNet, Eq. 21); it starts at w_θ = −0.5 and b_θ = −2.

    Args:
        channels: C, of the picture.
        features: K.
        size: of the kernels, odd.
        modules: N, the iteration modules after the start x⁰.
    """

    def __init__(self, channels: int = 1, features: int = 64, size: int = 9, modules: int = 4) -> None:
        super().__init__()
        if min(channels, features, modules) < 1 or size < 1 or size % 2 == 0:
            raise UsageError("channels, features and modules must be at least 1, and the size of the kernels odd")
        self.channels, self.features, self.size, self.iterations = channels, features, size, modules + 1
        self.w_theta = nn.Parameter(torch.tensor(-0.5))
        self.b_theta = nn.Parameter(torch.tensor(-2.0))

    def analysis(self, count: int) -> nn.ParameterList:
        """Fresh kernels from the picture's channels to the features'."""
        return _kernels(count, (self.features, self.channels, self.size, self.size))

    def synthesis(self, count: int) -> nn.ParameterList:
        """Fresh kernels from the features' channels to the picture's."""
        return _kernels(count, (self.channels, self.features, self.size, self.size))

    @property
    def halo(self) -> int:
        """Pixels around a pixel on which its features depend."""
        return self.size // 2 * (2 * self.iterations - 1)

    def threshold(self, index: int) -> Tensor:
        """θ of the iterate of this index, a scalar."""
        return F.softplus(self.w_theta * index + self.b_theta)

    @abstractmethod
    def probes(self, index: int) -> Tensor | None:
        """Kernels (P, K, s, s) of which the following iterates need what they make of x^index; None if nothing."""

    @abstractmethod
    def drive(self, index: int, picture: Tensor, newer: Tensor | None, older: Tensor | None) -> Tensor:
        """d^index: the few channels, of the picture and of what the probes made of x^{index−1} and x^{index−2}."""

    @abstractmethod
    def spread(self, index: int) -> Tensor:
        """A^index: the kernels (K, channels of d^index, s, s)."""

    @abstractmethod
    def momentum(self, index: int) -> Momentum:
        """What enters x^index of x^{index−1} and x^{index−2} directly."""

    @abstractmethod
    def activate(self, x: Tensor, threshold: Tensor) -> Tensor:
        """T_θ of any features."""

    @abstractmethod
    def activate_(self, x: Tensor, threshold: float) -> Tensor:
        """T_θ in place, where no gradient is recorded."""

    @abstractmethod
    def silence(self, index: int) -> Tensor:
        """The magnitude up to which a feature of x^index stands for zero: its argument did not pass the threshold."""

    def iterates(self, picture: Tensor) -> Iterator[Iterate]:
        """x⁰ … x^N of a picture (B, C, H, W), one after the other, with gradients where they are recorded."""
        newer: Iterate | None = None
        older: Iterate | None = None
        for index in range(self.iterations):
            drive = self.drive(index, picture, newer and newer.probed, older and older.probed)
            features = self._combined(index, widen(drive, self.spread(index)), newer, older)
            kernels = self.probes(index)
            newer, older = Iterate(features, None if kernels is None else narrow(features, kernels)), newer
            yield newer

    def _combined(self, index: int, x: Tensor, newer: Iterate | None, older: Iterate | None) -> Tensor:
        """x^index of what the convolutions give and the iterates before; in ``x`` where no gradient is recorded."""
        in_place = _unrecorded()
        for share, iterate in zip(self.momentum(index), (newer, older), strict=True):
            if share is not None and iterate is not None:
                x = x.add_(iterate.features, alpha=float(share)) if in_place else x + share * iterate.features
        threshold = self.threshold(index)
        return self.activate_(x, float(threshold)) if in_place else self.activate(x, threshold)

    @abstractmethod
    def literal(self, picture: Tensor) -> Tensor:
        """:meth:`forward` as it is printed, every convolution by itself."""

    def forward(self, picture: Tensor) -> Tensor:
        """The sparse features x^N (B, K, H, W) of a picture (B, C, H, W)."""
        *_, last = self.iterates(picture)
        return last.features

    def reconstruct(self, picture: Tensor, kernels: Tensor) -> Tensor:
        """What ``kernels`` (P, K, s, s) make of the features of a picture (B, C, H, W): (B, P, H, W).

        Where no gradient is recorded, the features are never all there at once: in strips of rows that stay in the
        cache they are made, thresholded, and taken to what the next iterate needs of them, without autocast.
        """
        if not _unrecorded():
            return narrow(self(picture), kernels)
        with torch.autocast(picture.device.type, enabled=False):
            return _Strips(self, picture).reconstruct(kernels)


class _Strips:
    """The iterates of one picture by strips of rows, where no gradient is recorded."""

    def __init__(self, coder: SparseCoder, picture: Tensor) -> None:
        self.coder, self.picture = coder, picture
        batch, _, height, width = picture.shape
        shape = (batch, coder.features, height, width)
        # x^{k−1}, and x^{k−2}, in whose place x^k is written.
        self.newer, self.older = (
            torch.empty(shape, dtype=picture.dtype, device=picture.device, memory_format=torch.channels_last)
            for _ in range(2)
        )
        rows = max(4, _STRIP // (batch * coder.features * width)) if picture.device.type == "cpu" else height
        self.strips = [slice(top, min(top + rows, height)) for top in range(0, height, rows)]

    def reconstruct(self, kernels: Tensor) -> Tensor:
        """What ``kernels`` make of x^N."""
        coder = self.coder
        newer: Tensor | None = None
        older: Tensor | None = None
        for index in range(coder.iterations):
            last = index + 1 == coder.iterations
            probes = kernels if last else coder.probes(index)
            if probes is None:
                raise RuntimeError("every iterate but the last is probed")
            drive = coder.drive(index, self.picture, newer, older)
            newer, older = self._iterate(index, drive, probes, keep=not last), newer
            self.newer, self.older = self.older, self.newer
        if newer is None:
            raise RuntimeError("there is at least one iterate")
        return newer

    def _iterate(self, index: int, drive: Tensor, probes: Tensor, *, keep: bool) -> Tensor:
        """Write x^index over x^{index−2}; what ``probes`` make of it."""
        coder, pad = self.coder, self.coder.size // 2
        padded = F.pad(drive, (0, 0, pad, pad)).contiguous(memory_format=torch.channels_last)
        spread = coder.spread(index).contiguous(memory_format=torch.channels_last)
        threshold, rows = float(coder.threshold(index)), row_kernel(probes)
        shares = [None if share is None else float(share) for share in coder.momentum(index)]
        maps = []
        for strip in self.strips:
            x = F.conv2d(padded[:, :, strip.start : strip.stop + 2 * pad], spread, padding=(0, pad))
            for share, features in zip(shares, (self.newer, self.older), strict=True):
                if share is not None:
                    x.add_(features[:, :, strip], alpha=share)
            coder.activate_(x, threshold)
            if keep:
                self.older[:, :, strip] = x
            maps.append(row_maps(x, rows))
        return added_rows(torch.cat(maps, 2), probes.shape[0])


def _unrecorded() -> bool:
    """Whether nothing records what is done, neither gradients nor a graph: then it may be done in place."""
    return not (torch.is_grad_enabled() or torch.compiler.is_exporting() or torch.compiler.is_compiling())


def _kernels(count: int, shape: Sequence[int]) -> nn.ParameterList:
    return nn.ParameterList(nn.Parameter(nn.init.xavier_uniform_(torch.empty(*shape))) for _ in range(count))

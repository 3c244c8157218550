"""CSC-MEFN: multi-exposure image fusion by deep convolutional sparse coding."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from imfuse.blocks.coded_map import coded_map
from imfuse.blocks.compiled_map import LOOPS
from imfuse.blocks.dcu_stack import DictionaryStack
from imfuse.errors import UsageError
from imfuse.networks.protocol import Core, FusionNetwork
from imfuse.ops.compiling import loops
from imfuse.ops.fast_guided_filter import block_guided_filter, fast_guided_filter
from imfuse.ops.filters import box_mean
from imfuse.rules.fold import nothing_to_fuse
from imfuse.rules.softmax import SoftmaxBlend

_EIGHT = 8.0
"""The unit of the preference's parameters: so the rate at which filters learn is right for them, too."""
_LOOPS_BYTES = 90
"""Per pixel at full resolution, where the compiled loops serve; the matrix products in their place hold codes."""
_FAST_BYTES = 50
"""Per pixel where codes are made of coarse lumas."""


class Blocks(NamedTuple):
    """What the guided filter takes its means over.

    Attributes:
        side: of a block, in pixels.
        radius: of a window, in blocks: it has 2r + 1 of them a side.
    """

    side: int
    radius: int


@dataclass(frozen=True, slots=True)
class Brightness:
    """How bright the exposures of a bracket are as a whole; mergeable.

    Attributes:
        sums: of the pixels of every exposure, (B, K), float64.
        count: pixels of one of them.
    """

    sums: Tensor
    count: int

    def merged(self, other: Brightness) -> Brightness:
        """Of the pixels of both."""
        return Brightness(self.sums + other.sums, self.count + other.count)

    @property
    def means(self) -> Tensor:
        """(B, K), float32."""
        return (self.sums / self.count).float()


class CSCMEFN(FusionNetwork):
    """Xu et al., "Deep Convolutional Sparse Coding Networks for Image Fusion", Section III-B.

    The lumas of a bracket pass one by one through N dictionary convolutional units, whose activation is the soft
    threshold, and a 1×1 convolution gives the code: one number l per pixel and exposure. The softmax across the
    exposures turns it into weights, and the fused luma is Σ wₖ yₖ. What becomes of the chroma, and the stretch at the
    end, is the Fuser's matter: see :class:`imfuse.colour_policies.WeightedChroma` and :mod:`imfuse.stretch`.

    Silent in the paper and decided here: q = 48 filters of 3×3, whose taps lie 4, 12 and 36 pixels apart in the three
    units; the 1×1 convolution has no bias, since one for all exposures leaves their softmax as it is. Without the gaps
    a weight depends on 11×11 pixels, no more than one window of MEF-SSIM, and pieces from different exposures come to
    lie side by side; with them on 201×201, for the same arithmetic.

    Two things are not the paper's. With ``whole`` the code of an exposure gets a constant more, 8 (a m + b m²) with its
    mean m and two learned numbers a and b: the metric that the network is trained for asks how well an exposure is
    exposed as a whole, which windows cannot see. With ``guided`` the guided filter (windows of 5×5 blocks of 4×4
    pixels, ε = 0.01) smooths every code along the edges of its exposure's luma, as other networks for this task do it
    with the weights: so they neither speckle nor lag behind the edges. Mean MEF-SSIM on the validation scenes (tci24)
    of trainings of about ten minutes to an hour and a half on one core:

    ========================================================================  =====
    taps 1, 1, 1, neither                                                     0.928
    taps 1, 3, 9, neither                                                     0.953
    taps 1, 4, 16, ``whole``                                                  0.961
    taps 4, 12, 36, ``whole``, ``guided``, trained on means over 4×4, q = 16  0.962
    the same with q = 24 and mostly complete brackets                         0.963
    grown out of that, q = 32                                                 0.965
    and q = 48                                                                0.966
    and after twice as many steps, without the halo loss                      0.968
    ========================================================================  =====

    The code can be made of a coarse luma, of means over 4×4 pixels, with taps a quarter as far apart, and the fast
    guided filter brings it up again: that is the form that is trained, at a sixteenth of the time. It is the codes that
    are brought up and not the weights: then one pass over the exposures does, and the softmax at full resolution makes
    weights that are positive and sum to one without further ado. The *fast mode* does the same with means over 5×5
    pixels, the taps being 1, 2 and 7 of them apart: 0.9718 on twelve validation scenes where means over 4×4 have
    0.9725, with the halo loss. Over 8×8 it was 0.9709, with rims beside dark frames.

    Args:
        units: N.
        filters: q.
        size: s, side of the filters in taps.
        spacings: of every unit, from the first on, the pixels from one tap of its filters to the next.
        whole: whether the mean of an exposure as a whole counts.
        guided: whether codes are smoothed along the edges of their exposures; the fast mode needs it.
    """

    stretches = True
    blocks = Blocks(4, 2)
    fast_blocks = Blocks(5, 2)
    epsilon = 1e-2
    mean_size = 3
    """At full resolution, guided codes are those of means over so many pixels a side, since they are trained on means
    over 4×4: 0.9686 on 20 validation scenes where single pixels have 0.9665 and means over 5×5 0.9684, with the halo
    loss; 0.9697, 0.9690 and 0.9693 without."""

    def __init__(
        self,
        units: int = 3,
        filters: int = 48,
        size: int = 3,
        spacings: Sequence[int] | None = (4, 12, 36),
        whole: bool = True,
        guided: bool = True,
    ) -> None:
        super().__init__()
        self.encoder = DictionaryStack(units, filters, "sst", size=size, spacings=spacings)
        self.spacings = tuple(unit.spacing for unit in self.encoder.units())
        self.head = nn.Conv2d(filters, 1, 1, bias=False)
        self.whole = nn.Parameter(torch.zeros(2)) if whole else None
        self.guided = guided
        self.use_coarse(None)

    @property
    def halo(self) -> int:
        """Pixels around a window on which its result depends: those of the units, on the coarse grid if there is one.

        There, the guided filter takes means of means, a pixel is interpolated between coarse ones, and the last coarse
        row and column of a window may hold but a part of their pixels.
        """
        if self.coarse is not None:
            return self.coarse.side * (self.encoder.halo + 2 * self.coarse.radius + 2)
        smoothing = self.blocks.side * (2 * self.blocks.radius + 2) + self.mean_size // 2
        return self.encoder.halo + (smoothing if self.guided else 0)

    @property
    def remarks(self) -> list[str]:
        """The coarse lumas, if they are in use."""
        if self.coarse is None:
            return []
        share = f"1/{self.coarse.side} of the width and height"
        return [f"fast: weights predicted at {share}, and brought up by guided filters"]

    def use_fast(self, fast: bool = True) -> None:
        """Predict the weights at a lower resolution from now on, or no longer: see :meth:`use_coarse`."""
        self.use_coarse(self.fast_blocks if fast else None)

    def use_coarse(self, blocks: Blocks | None) -> None:
        """Make codes of means over such blocks from now on, and bring them up; or of the lumas themselves.

        Raises:
            UsageError: the codes of this network are not guided.
        """
        if blocks is not None and not self.guided:
            raise UsageError("this network was built without guided filters, which its fast mode needs")
        self.coarse = blocks
        full = _LOOPS_BYTES if loops(LOOPS) else 4 * self.head.in_channels + 150
        self.bytes_per_pixel = self.shares_bytes_per_pixel = full if blocks is None else _FAST_BYTES
        for unit, spacing in zip(self.encoder.units(), self.spacings, strict=True):
            unit.spacing = spacing if blocks is None else max((2 * spacing + blocks.side) // (2 * blocks.side), 1)
        self.alignment = (blocks or self.blocks).side if blocks or self.guided else 1

    def code(self, source: Tensor) -> Tensor:
        """The code l of a luma, (B, 1, H, W)."""
        if not (self.training or torch.is_grad_enabled() or _traced()):
            code = coded_map(self.encoder, self.head.weight, source)
            if code is not None:
                return code
        made: Tensor = self.head(self.encoder(source))
        return made

    def guided_code(self, source: Tensor) -> Tensor:
        """The code of a luma (B, 1, H, W), smoothed along the luma's edges."""
        code = self.code(box_mean(source, self.mean_size))
        return block_guided_filter(code, source, *self.blocks, self.epsilon)

    def upsampled_code(self, source: Tensor, blocks: Blocks) -> Tensor:
        """:meth:`guided_code`, made of a coarse copy of the luma."""
        height, width = source.shape[-2:]
        coarse = F.avg_pool2d(source, blocks.side, ceil_mode=True, count_include_pad=False)
        spare = -width % blocks.side, -height % blocks.side
        guide = F.pad(source, (0, spare[0], 0, spare[1])) if any(spare) else source
        code = fast_guided_filter(coarse, self.code(coarse), guide, blocks.radius, self.epsilon)
        return code[..., :height, :width]

    def logit(self, source: Tensor) -> Tensor:
        """The logarithm of a luma's weight (B, 1, H, W) in the mode in use, but for what all exposures share."""
        if self.coarse is not None:
            return self.upsampled_code(source, self.coarse)
        return self.guided_code(source) if self.guided else self.code(source)

    def preference(self, means: Tensor) -> Tensor:
        """What the code of an exposure as a whole gets, of its mean in [0, 1]; any shape."""
        if self.whole is None:
            return torch.zeros_like(means)
        linear, square = self.whole
        preference: Tensor = _EIGHT * (linear * means + square * means.square())
        return preference

    @property
    def surveyed(self) -> bool:
        """The means of whole exposures are needed, if they count."""
        return self.whole is not None

    def survey(self, sources: Iterable[Tensor], core: Core) -> Brightness:
        """The brightness of these windows."""
        sums, count = [], 0
        for source in sources:
            part = source[..., core[0], core[1]]
            sums.append(part.sum((1, 2, 3), dtype=torch.float64))
            count = part.shape[-2] * part.shape[-1]
        if not sums:
            raise nothing_to_fuse()
        return Brightness(torch.stack(sums, 1), count)

    def fuse(self, sources: Iterable[Tensor], survey: Brightness | None = None) -> Tensor:
        """Fuse lumas (B, 1, H, W); one of them and three maps are in memory at a time."""
        blend = SoftmaxBlend()
        for source, preference in self._preferred(sources, survey):
            blend.add(self.logit(source) + preference, source)
        return blend.result()

    def forward(self, bracket: Tensor) -> Tensor:
        """:meth:`fuse` for lumas that lie in one tensor: a graph of it takes brackets of any length.

        Args:
            bracket: the K lumas of one scene, (K, 1, H, W).

        Returns:
            (1, 1, H, W).
        """
        preference = self.preference(bracket.mean((1, 2, 3), keepdim=True))
        weights = (self.logit(bracket) + preference).softmax(0)
        return (weights * bracket).sum(0, keepdim=True)

    def source_shares(self, sources: Iterable[Tensor], survey: Brightness | None = None) -> Tensor:
        """The weight maps (B, N, H, W)."""
        logits = [self.logit(source) + preference for source, preference in self._preferred(sources, survey)]
        if not logits:
            raise nothing_to_fuse()
        return torch.cat(logits, dim=1).softmax(1)

    def _preferred(self, sources: Iterable[Tensor], survey: Brightness | None) -> Iterator[tuple[Tensor, Tensor]]:
        """Every source with what it is preferred by as a whole, (B, 1, 1, 1)."""
        for index, source in enumerate(sources):
            means = source.mean((1, 2, 3)) if survey is None else survey.means[:, index]
            yield source, self.preference(means.to(source.dtype))[:, None, None, None]


def _traced() -> bool:
    return torch.compiler.is_exporting() or torch.compiler.is_compiling()

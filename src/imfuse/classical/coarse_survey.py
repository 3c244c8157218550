"""The coarse scales of a weighted blend, gathered window by window into whole pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from torch import Tensor

from imfuse.networks.protocol import Core
from imfuse.ops.pyramid import blend, collapse

if TYPE_CHECKING:
    from imfuse.io.window import Window


@dataclass(frozen=True, slots=True)
class CoarsePart:
    """What one window tells of one source on the coarse grid.

    Attributes:
        top: first row of the grid that the window tells of.
        left: first column.
        picture: the source, (B, C, h, w).
        share: its weight, (B, 1, h, w).
    """

    top: int
    left: int
    picture: Tensor
    share: Tensor

    @classmethod
    def of(cls, picture: Tensor, share: Tensor, place: Window, core: Core, step: int) -> CoarsePart:
        """The samples of the grid that lie in the window's core.

        Args:
            picture: the source on the coarse grid of the window, (B, C, h, w).
            share: its weight there.
            place: the rows and columns of the picture that the window covers; the first ones are multiples of ``step``.
            core: those of the window that count.
            step: pixels from one sample of the grid to the next.
        """
        rows, columns = (slice(-(-part.start // step), -(-part.stop // step)) for part in core)
        top, left = place.top // step + rows.start, place.left // step + columns.start
        return cls(top, left, picture[..., rows, columns], share[..., rows, columns])


@dataclass(frozen=True, slots=True)
class CoarseSurvey:
    """The sources and their weights on a coarse grid over the whole picture; mergeable.

    Attributes:
        height: rows of the picture as far as windows have told of it.
        width: columns.
        step: pixels from one sample of the grid to the next.
        windows: of every window, a part per source.
    """

    height: int
    width: int
    step: int
    windows: tuple[tuple[CoarsePart, ...], ...]

    def merged(self, other: Self) -> Self:
        """The survey of both sets of windows."""
        height, width = max(self.height, other.height), max(self.width, other.width)
        return type(self)(height, width, self.step, self.windows + other.windows)

    def fused(self, levels: int, place: Window) -> Tensor:
        """The blend of the whole picture on the coarse grid, (B, C, h, w), cut to what a window covers.

        Args:
            levels: how often the grid is halved in turn.
            place: the rows and columns of the picture that the window covers.
        """
        whole = collapse(blend(map(self._source, zip(*self.windows, strict=True)), levels))
        rows, columns = (slice(part.start // self.step, -(-part.stop // self.step)) for part in place.slices)
        return whole[..., rows, columns]

    def _source(self, parts: Sequence[CoarsePart]) -> tuple[Tensor, Tensor]:
        """One source and its weight on the whole grid."""
        return self._mosaic(parts, [part.picture for part in parts]), self._mosaic(
            parts, [part.share for part in parts]
        )

    def _mosaic(self, parts: Sequence[CoarsePart], tensors: Sequence[Tensor]) -> Tensor:
        size = -(-self.height // self.step), -(-self.width // self.step)
        whole = tensors[0].new_zeros((*tensors[0].shape[:2], *size))
        for tensor, part in zip(tensors, parts, strict=True):
            height, width = tensor.shape[-2:]
            whole[..., part.top : part.top + height, part.left : part.left + width] = tensor
        return whole

"""Which source won where: the shares of the sources in a fused picture, gathered window by window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from imfuse.errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor

    from imfuse.io.window import Window
    from imfuse.networks.protocol import FusionNetwork

Shares = Literal["winner", "weights"]
MOST_SOURCES = 256
"""A map tells so many sources apart: the indices that a byte holds."""


@dataclass(frozen=True, slots=True)
class SourceShares:
    """The shares of N sources in a fused picture; see :meth:`imfuse.networks.protocol.FusionNetwork.source_shares`.

    Attributes:
        names: the sources' roles: ``infrared``, ``visible``, ``picture-1`` …
        winner: (H, W) uint8, the index, from 0, of the source of the greatest share; of equal ones the first.
        weights: (N, H, W) uint8, the share of every source in 255ths, rounded; None where they were not asked for.
            :meth:`imfuse.fuser.Fuser.explain` has them unrounded.
    """

    names: tuple[str, ...]
    winner: NDArray[np.uint8]
    weights: NDArray[np.uint8] | None = None

    @classmethod
    def empty(cls, names: tuple[str, ...], height: int, width: int, asked: Shares) -> SourceShares:
        """Shares that are to be written."""
        weights = np.zeros((len(names), height, width), np.uint8) if asked == "weights" else None
        return cls(names, np.zeros((height, width), np.uint8), weights)

    def write(self, window: Window, shares: Tensor) -> None:
        """Take one window, (N, h, w) in [0, 1]."""
        self.winner[window.slices] = shares.argmax(0).cpu().numpy()
        if self.weights is not None:
            for weight, share in zip(self.weights, shares, strict=True):
                weight[window.slices] = (share * 255).round().cpu().numpy()

    def fractions(self) -> NDArray[np.float64]:
        """(N,), the part of the pixels that each source won."""
        return np.bincount(self.winner.ravel(), minlength=len(self.names)) / self.winner.size


def check_shares(network: FusionNetwork, asked: Shares | None, count: int) -> None:
    """Refuse shares that cannot be shown of so many sources.

    Raises:
        UsageError: there is no such kind of them, the network has none, or the sources are too many for a map.
    """
    if asked is None:
        return
    if asked not in get_args(Shares):
        raise UsageError(f"shares {asked!r} is not known: choose winner or weights")
    network.check_shares()
    if count > MOST_SOURCES:
        raise UsageError(f"{count} sources: a map tells {MOST_SOURCES} apart; fuse fewer at once, or without the map")

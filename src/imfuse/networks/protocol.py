"""What every network and every classical method has in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable

from torch import Tensor, nn


class FusionNetwork(nn.Module, ABC):
    """A pure module that fuses the pictures of one scene: no files, no choice of device, no colour conversion."""

    bytes_per_pixel: int
    """Working memory per pixel of a window, in bytes, at the peak of :meth:`fuse`; a test measures it."""

    @property
    @abstractmethod
    def halo(self) -> int:
        """How many pixels around a window its result depends on."""

    @property
    def rule_name(self) -> str | None:
        """Name of the fusion rule in use, or None where there is no choice."""
        return None

    @abstractmethod
    def fuse(self, sources: Iterable[Tensor]) -> Tensor:
        """Fuse sources, each (B, C, H, W) in [0, 1], into (B, C, H, W). They are taken one after the other."""

    def use_rule(self, name: str) -> None:
        """Merge by the rule of this name from now on.

        Raises:
            UsageError: the network's rule cannot be chosen, or there is none of this name.
        """
        from imfuse.errors import UsageError

        raise UsageError(f"{type(self).__name__} has no rule to choose")

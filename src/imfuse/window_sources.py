"""The sources of one window as a network gets them: one after the other, read when it asks for the next."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import torch
from torch import Tensor

from imfuse.colour_policies import ColourFold
from imfuse.io.window import Window
from imfuse.plan import Plan

Seen = Callable[[int, Tensor, Tensor], None]


class WindowSources(Iterable[Tensor]):
    """What the network gets of every source in a window with its halo, each (1, C, h, w) in [0, 1], in its order.

    Nothing is kept: a source is read when it is asked for, and again when the network goes through them again.

    Args:
        plan: how the scene is fused.
        window: the window.
        device: where the tensors are to be.
        fold: prepares the pictures for the network.
        seen: called once with every index, picture, and what the network gets of it.

    Attributes:
        core: rows and columns that are the window's own and not its halo.
    """

    def __init__(
        self, plan: Plan, window: Window, device: torch.device, fold: ColourFold, seen: Seen | None = None
    ) -> None:
        self._plan, self._device, self._fold, self._seen = plan, device, fold, seen
        self._grown = plan.grown(window)
        self._unseen = set(plan.order)
        self.core = window.inside(self._grown).slices
        self.place = self._grown

    def __len__(self) -> int:
        return len(self._plan.sources)

    def __iter__(self) -> Iterator[Tensor]:
        for index in self._plan.order:
            # Not by a name, which would hold the tensor while the next one is read.
            yield self._given(index)

    def see_rest(self) -> None:
        """Show ``seen`` the sources that the network did not ask for."""
        for index in sorted(self._unseen):
            self._given(index)

    def _given(self, index: int) -> Tensor:
        picture = self._plan.read(index, self._grown, self._device)
        prepared = self._fold.prepared(picture)
        if index in self._unseen:
            self._unseen.remove(index)
            if self._seen is not None:
                self._seen(index, picture, prepared)
        return prepared

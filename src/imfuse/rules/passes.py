"""Going through the sources more than once."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor


def repeatable(sources: Iterable[Tensor]) -> Iterable[Tensor]:
    """The sources, so that they can be gone through again: an iterator, which ends, becomes a list.

    What is read anew on each pass stays that, so that one source is in memory at a time.
    """
    return list(sources) if iter(sources) is sources else sources

"""Who won: the shares of the sources in what was made of them."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from imfuse.errors import UsageError
from imfuse.rules.fold import nothing_to_fuse

_LEAST = 1e-12


def greatest(maps: Iterable[Tensor]) -> tuple[Tensor, Tensor]:
    """The greatest value of several maps (B, C, H, W) at each place, and how many of them have it (int16).

    One map is in memory at a time, beside the two results.

    Raises:
        UsageError: there are no maps.
    """
    best: Tensor | None = None
    ties = torch.ones(())
    for found in maps:
        if best is None:
            best, ties = found, torch.ones_like(found, dtype=torch.int16)
        else:
            ties = torch.where(found > best, 1, ties.add_(found == best))
            best = torch.maximum(best, found)
        del found  # the next one is made before the name is bound anew
    if best is None:
        raise nothing_to_fuse()
    return best, ties


def as_shares(weights: Iterable[Tensor]) -> Tensor:
    """Weights of N sources, each (B, 1, H, W), as shares (B, N, H, W) that are not negative and sum to 1.

    What is negative counts as 0; where all are 0, the sources share equally.

    Raises:
        UsageError: there are none.
    """
    parts = list(weights)
    if not parts:
        raise nothing_to_fuse()
    shares = torch.cat(parts, 1).clamp_min_(0).add_(_LEAST)
    return shares.div_(shares.sum(1, keepdim=True))


def all_alike(rule: str) -> UsageError:
    """What is raised where shares are asked for of a rule that takes the same of every source."""
    return UsageError(
        f"{rule} takes the same of every source, so that none has won anywhere: choose another rule or model"
    )

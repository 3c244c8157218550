"""A family of metrics: figures that share their work, computed together for any subset of them."""

from collections.abc import Callable, Collection, Sequence

import torch
from torch import Tensor

from imfuse.metrics.levels import Levels, levels

Family = Callable[[Levels, Collection[str]], dict[str, Tensor]]
"""Maps grey levels of B pictures and the wanted keys to one float64 tensor (B,) per key."""


def measure(
    families: Sequence[tuple[Family, Collection[str]]], fused: Tensor, sources: Sequence[Tensor] = ()
) -> dict[str, Tensor]:
    """Compute the wanted keys of each family.

    Args:
        families: pairs of a family and the keys wanted of it.
        fused: (B, 1, H, W), floating point in [0, 1], or uint8 0…255.
        sources: tensors like `fused`.

    Returns:
        One float64 tensor (B,) per key.

    Raises:
        UsageError: The pictures do not fit the metrics or each other.
    """
    parts: list[dict[str, Tensor]] = []
    for part in levels(fused, sources):
        values: dict[str, Tensor] = {}
        for family, keys in families:
            values |= family(part, keys)
        parts.append(values)
    return {key: torch.cat([values[key] for values in parts]) for key in (parts[0] if parts else {})}

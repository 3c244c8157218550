"""A family of metrics: figures that share their work, computed together for any subset of them."""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, Literal

import torch
from torch import Tensor

from imfuse.metrics.levels import Bands, Levels, bands, levels

Family = Callable[[Levels, Collection[str]], dict[str, Tensor]] | Callable[[Bands, Collection[str]], dict[str, Tensor]]
"""Maps gray levels or bands of B pictures and the wanted keys to one float64 tensor (B,) per key."""


def measure(
    families: Sequence[tuple[Callable[[Any, Collection[str]], dict[str, Tensor]], Collection[str]]],
    fused: Tensor,
    sources: Sequence[Tensor] = (),
    truth: Tensor | None = None,
    pictures: Literal["gray", "bands"] = "gray",
) -> dict[str, Tensor]:
    """Compute the wanted keys of each family.

    Args:
        families: pairs of a family and the keys wanted of it.
        fused: (B, C, H, W), floating point in [0, 1], or uint8 0…255.
        sources: tensors like `fused`.
        truth: tensor like `fused`.
        pictures: what the families take: gray levels, for which RGB pictures are turned to luma, or bands.

    Returns:
        One float64 tensor (B,) per key.

    Raises:
        UsageError: The pictures do not fit the metrics or each other.
    """
    parts: list[dict[str, Tensor]] = []
    given: Iterable[Levels | Bands] = (levels if pictures == "gray" else bands)(fused, sources, truth)
    for part in given:
        values: dict[str, Tensor] = {}
        for family, keys in families:
            values |= family(part, keys)
        parts.append(values)
    return {key: torch.cat([values[key] for values in parts]) for key in (parts[0] if parts else {})}

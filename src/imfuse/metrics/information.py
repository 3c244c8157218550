"""Metrics of information: entropy."""

import math
from collections.abc import Collection

import torch
from torch import Tensor

from imfuse.metrics.families import measure
from imfuse.metrics.levels import PEAK, Levels
from imfuse.metrics.metric import Metric

GRAY_LEVELS = 256


def entropy(fused: Tensor) -> Tensor:
    """Entropy of the histogram of grey levels (EN).

    EN = −Σ p(l) log2 p(l) over the 256 levels; values are rounded to the nearest level. Higher is taken as better: more
    levels are used. Not differentiable.

    Args:
        fused: (B, 1, H, W), floating point in [0, 1], or uint8 0…255.

    Returns:
        float64 tensor (B,), bits per pixel, in [0, 8].

    Raises:
        UsageError: The picture has another shape, type or range.

    Source:
        Shannon, A mathematical theory of communication, Bell System Technical Journal 27, 1948; as a fusion metric in
        Roberts, van Aardt, Ahmed, Assessment of image fusion procedures using entropy, image quality, and multispectral
        classification, Journal of Applied Remote Sensing 2, 2008.
    """
    return measure([(information_family, ("en",))], fused)["en"]


def information_family(levels: Levels, keys: Collection[str]) -> dict[str, Tensor]:
    """Compute the wanted ones of `en`."""
    return {"en": _entropy(_histogram(levels.fused))} if "en" in keys else {}


def _histogram(pictures: Tensor) -> Tensor:
    """Count the levels of (B, H, W) pictures: float64 (B, 256)."""
    batch = pictures.size(0)
    bins = pictures.detach().round().clamp_(0.0, PEAK).to(torch.int64).view(batch, -1)
    bins += GRAY_LEVELS * torch.arange(batch, device=bins.device).unsqueeze(1)
    counts = torch.bincount(bins.flatten(), minlength=batch * GRAY_LEVELS)
    return counts.view(batch, GRAY_LEVELS).to(torch.float64)


def _entropy(counts: Tensor) -> Tensor:
    share = counts / counts.sum(dim=1, keepdim=True)
    terms: Tensor = torch.special.entr(share)
    return terms.sum(dim=1) / math.log(2.0)


METRICS = (
    Metric(
        key="en",
        name="EN",
        function=entropy,
        family=information_family,
        direction="higher",
        unit="bit",
        range=(0.0, 8.0),
        needs="fused",
        variant="256 levels, base 2, fused picture only",
        definition="−Σ p(l) log2 p(l) over the histogram of the levels 0…255",
        source="Roberts, van Aardt, Ahmed, J. Applied Remote Sensing 2, 2008",
        differentiable=False,
    ),
)
"""The metrics of this family."""

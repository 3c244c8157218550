"""What a network costs: parameters, and multiplications per pixel of the result."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import torch
from torch.utils.flop_counter import FlopCounterMode

from imfuse.networks.protocol import FusionNetwork

log = logging.getLogger(__name__)

_SIDE = 64

HOW = (
    "Multiplications per pixel of the result are those of convolutions and matrix products, for two sources of one "
    "channel, as PyTorch's operation counter sees them when every filter runs as a convolution (which is how they run "
    "where gradients are recorded); it is the increase between two picture sizes, so that what is done once per "
    "picture does not count. Not counted: element by element multiplications (activations, normalisations, step sizes, "
    "weights of rules), sums, averages over boxes, histograms, transforms, and colour conversion. Without gradients "
    "several networks compute the same with fewer multiplications or faster ones, so times do not follow these numbers."
)
"""How the multiplications were counted, for readers."""


@dataclass(frozen=True)
class Cost:
    """Cost of a network.

    Attributes:
        parameters: how many were learned.
        multiplications: per pixel of the result; None where they could not be counted.
    """

    parameters: int
    multiplications: float | None


def multiplications_per_pixel(network: FusionNetwork, sources: int = 2, channels: int = 1) -> float | None:
    """Multiplications of convolutions and matrix products per pixel of the result.

    The difference between a picture of 64×64 and one of 128×64, over the additional pixels.

    Args:
        network: on the CPU, in evaluation mode.
        sources: how many are fused.
        channels: of each.

    Returns:
        None where the network does not run with gradients recorded, as the counter needs it.
    """
    try:
        small, large = (_products(network, sources, channels, height) for height in (_SIDE, 2 * _SIDE))
    except (RuntimeError, TypeError, ValueError, NotImplementedError):
        log.debug("multiplications of %s cannot be counted", type(network).__name__, exc_info=True)
        return None
    return (large - small) / (_SIDE * _SIDE)


def _products(network: FusionNetwork, sources: int, channels: int, height: int) -> float:
    generator = torch.Generator().manual_seed(0)
    with torch.enable_grad(), FlopCounterMode(display=False) as counter:
        pictures = [
            torch.rand(1, channels, height, _SIDE, generator=generator).requires_grad_() for _ in range(sources)
        ]
        network.fuse(pictures)
    return float(counter.get_total_flops()) / 2  # the counter takes a multiplication and an addition for two operations

"""PIQE: how many of a picture's active blocks look distorted or noisy."""

from collections.abc import Collection
from dataclasses import dataclass

import torch
from torch import Tensor

from imfuse.metrics.blind.scene_statistics import normalise, rounded_levels
from imfuse.metrics.families import measure
from imfuse.metrics.levels import PEAK, Levels
from imfuse.metrics.metric import Metric

BLOCK = 16
SEGMENT = 6
ACTIVE_VARIANCE = 0.1
IMPAIRED_DEVIATION = 0.1


def piqe(fused: Tensor) -> Tensor:
    """Perception-based image quality evaluator (PIQE), as in MATLAB.

    The picture, rounded to 8 bits, mirrored to whole blocks of 16×16 pixels, stretched to a maximum of 255 and rounded
    again, is normalised. Of a block's normalised pixels v is the variance (all variances and deviations are the
    samples', with n − 1). A block is active if v > 0.1. An active block is distorted if along one of its four edges a
    segment of 6 pixels has a deviation below 0.1; it is noisy if √v > 2β with β = |√v − r|/max(√v, r), where r is the
    ratio of the deviations of its columns 8 and 9 and of its columns without 8 and 10 (so in MATLAB's: the second is
    deleted after the first). PIQE = 100·(Σ (1 − v)[distorted] + v [noisy] + 1)/(N + 1), the sum over the N active
    blocks. Lower is better; 100 for a picture without an active block. Not differentiable.

    Args:
        fused: (B, 1 or 3, H, W) with H, W ≥ 16, floating point in [0, 1], or uint8 0…255; of RGB the luma is rounded.

    Returns:
        float64 tensor (B,), without unit, from 0 to about 100: v may exceed 1 a little.

    Raises:
        UsageError: The picture has another shape, type or range, or is too small.

    Source:
        Venkatanath, Praneeth, Chandrasekhar Bh, Channappayya, Medasani, Blind image quality evaluation using perception
        based features, NCC 2015; details as in MATLAB's `piqe`.
    """
    return measure([(piqe_family, ("piqe",))], fused)["piqe"]


def piqe_family(levels: Levels, keys: Collection[str]) -> dict[str, Tensor]:
    """Compute `piqe`."""
    if "piqe" not in keys:
        return {}
    levels.require_size(BLOCK, "PIQE")
    blocks = piqe_blocks(levels.fused)
    scores = blocks.distorted * (1.0 - blocks.variance) + blocks.noisy * blocks.variance
    return {"piqe": 100.0 * (scores.sum(dim=(-2, -1)) + 1.0) / (blocks.active.sum(dim=(-2, -1)) + 1.0)}


@dataclass(frozen=True)
class PiqeBlocks:
    """What PIQE finds in the blocks of 16×16 pixels: tensors (B, rows, columns).

    Attributes:
        variance: of the normalised pixels.
        active: whether the block counts.
        distorted: whether it is active and an edge has an even segment, as blocks of JPEG have.
        noisy: whether it is active and its centre varies as its surround does.
    """

    variance: Tensor
    active: Tensor
    distorted: Tensor
    noisy: Tensor


@torch.no_grad()
def piqe_blocks(levels: Tensor) -> PiqeBlocks:
    """Look at the blocks of pictures (B, H, W) of gray levels with H, W ≥ 16; they are rounded first."""
    picture = _mirrored(rounded_levels(levels))
    peak = picture.amax(dim=(-2, -1), keepdim=True).clamp(min=1.0)
    normalised, _ = normalise(rounded_levels(picture / peak * PEAK))
    blocks = normalised.unfold(1, BLOCK, BLOCK).unfold(2, BLOCK, BLOCK)
    variance = blocks.flatten(-2).var(dim=-1)
    active = variance > ACTIVE_VARIANCE
    return PiqeBlocks(variance, active, active & _distorted(blocks), active & _noisy(blocks, variance))


def _mirrored(pictures: Tensor) -> Tensor:
    """Extend pictures to the right and below to whole blocks by their mirror image, the border pixel repeated."""
    for axis in (-2, -1):
        size = pictures.size(axis)
        mirror = torch.arange(size - 1, size - 1 - -size % BLOCK, -1, device=pictures.device)
        pictures = torch.cat([pictures, pictures.index_select(axis, mirror)], dim=axis)
    return pictures


def _distorted(blocks: Tensor) -> Tensor:
    edges = torch.stack([blocks[..., 0, :], blocks[..., -1, :], blocks[..., :, 0], blocks[..., :, -1]], dim=-2)
    segments = edges.unfold(-1, SEGMENT, 1).contiguous()
    return (segments.std(dim=-1) < IMPAIRED_DEVIATION).flatten(-2).any(dim=-1)


def _noisy(blocks: Tensor, variance: Tensor) -> Tensor:
    centre = blocks[..., 7:9].flatten(-2).std(dim=-1)
    surround = torch.cat([blocks[..., :7], blocks[..., 8:9], blocks[..., 10:]], dim=-1).flatten(-2).std(dim=-1)
    ratio = (centre / surround).nan_to_num(nan=0.0, posinf=torch.inf)
    deviation = variance.sqrt()
    return deviation > 2.0 * (deviation - ratio).abs() / torch.maximum(deviation, ratio)


METRICS = (
    Metric(
        key="piqe",
        name="PIQE",
        function=piqe,
        family=piqe_family,
        direction="lower",
        unit="",
        range=(0.0, None),
        needs="fused",
        variant="MATLAB's: blocks of 16×16, luma rounded to 8 bits and stretched to a maximum of 255",
        definition="100·(Σ_active (1 − v)[distorted] + v [noisy] + 1)/(N + 1), v the block's variance",
        source="Venkatanath et al., Blind image quality evaluation using perception based features, NCC 2015",
        differentiable=False,
        smallest=(BLOCK, BLOCK),
    ),
)
"""The metrics of this family."""

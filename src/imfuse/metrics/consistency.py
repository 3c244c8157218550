"""The structure that the exposures agree on, and how well a fused picture has it (MEF-SSIM of 2015, one scale)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement

import torch
from torch import Tensor

from imfuse.metrics.levels import PEAK
from imfuse.metrics.windows import safe_sqrt
from imfuse.ops.windows import box_taps, filter_valid, gaussian_taps

SIZE = 11
AREA = SIZE * SIZE
BOX = box_taps(SIZE)
GAUSSIAN = gaussian_taps(SIZE, 1.5)
C = (0.03 * PEAK) ** 2
STRENGTH_FLOOR = 0.001  # gray levels
LARGEST_EXPONENT = 10.0
EPSILON = torch.finfo(torch.float64).eps
STRIP_VALUES = 1 << 16  # pixels of a strip
LEAST_ROWS = 16  # fewer would repeat most of their work in the next strip
NO_STRUCTURE = 1e-12  # squared length of the summed structures, each of length 1 at most: below it they cancel out


def structural_consistency(fused: Tensor, sources: Sequence[Tensor]) -> Tensor:
    """Compare each window of the fused picture with the structure that the sources agree on there.

    The equations are those of `imfuse.metrics.mef.mef_ssim`.

    Args:
        fused: (B, H, W) with H, W ≥ 11, float64 gray levels 0…255.
        sources: one or more tensors like `fused`.

    Returns:
        Mean over all windows inside the picture, (B,), in [−1, 1].
    """
    # Nothing here depends on the mean level; without it the variances lose fewer digits.
    fused, *sources = (picture - picture.mean(dim=(-2, -1), keepdim=True) for picture in (fused, *sources))
    height, width = fused.shape[-2:]
    windows = height - SIZE + 1
    # On the CPU in strips of rows: without gradients, memory for the many maps does not grow with the picture.
    rows = max(LEAST_ROWS, STRIP_VALUES // width) if fused.device.type == "cpu" else windows
    total = torch.zeros(fused.size(0), dtype=fused.dtype, device=fused.device)
    for start in range(0, windows, rows):
        part = slice(start, min(start + rows, windows) + SIZE - 1)
        strip = _similarity_map(fused[:, part], [source[:, part] for source in sources])
        total = total + strip.sum(dim=(-2, -1))
    return total / (windows * (width - SIZE + 1))


def _similarity_map(fused: Tensor, sources: Sequence[Tensor]) -> Tensor:
    parts = [_Part.of(source) for source in sources]
    strengths = [part.strength for part in parts]
    shares = _shares(strengths, _consistency(sources, parts))
    energy, variance = (torch.zeros_like(strengths[0]) for _ in range(2))
    for j, k in combinations_with_replacement(range(len(sources)), 2):
        product = sources[j] * sources[k]
        factor = shares[j] * shares[k] * (1.0 if j == k else 2.0)
        energy = energy + factor * AREA * (filter_valid(product, BOX) - parts[j].mean * parts[k].mean)
        variance = variance + factor * (filter_valid(product, GAUSSIAN) - parts[j].weighted * parts[k].weighted)
    fused_mean = filter_valid(fused, GAUSSIAN)
    fused_variance = filter_valid(fused.square(), GAUSSIAN) - fused_mean.square()
    covariance = torch.zeros_like(fused_mean)
    for source, part, share in zip(sources, parts, shares, strict=True):
        covariance = covariance + share * (filter_valid(fused * source, GAUSSIAN) - fused_mean * part.weighted)
    defined = energy > NO_STRUCTURE
    length = torch.where(defined, energy, 1.0).sqrt()
    scale = torch.where(defined, torch.stack(strengths).amax(dim=0) / length, 0.0)
    return (2.0 * scale * covariance + C) / (scale.square() * variance + fused_variance + C)


@dataclass(frozen=True)
class _Part:
    """What is known of one source in every window, as maps.

    Attributes:
        mean: of the 121 pixels.
        weighted: their mean with the weights of the Gaussian.
        length: of the vector of 121 pixels without their mean.
    """

    mean: Tensor
    weighted: Tensor
    length: Tensor

    @classmethod
    def of(cls, picture: Tensor) -> "_Part":
        mean = filter_valid(picture, BOX)
        return cls(mean, filter_valid(picture, GAUSSIAN), _length(picture, mean))

    @property
    def strength(self) -> Tensor:
        return self.length + STRENGTH_FLOOR


def _length(picture: Tensor, mean: Tensor) -> Tensor:
    variance = filter_valid(picture.square(), BOX) - mean.square()
    return safe_sqrt(AREA * variance.clamp(min=0.0))


def _consistency(sources: Sequence[Tensor], parts: Sequence[_Part]) -> Tensor:
    """R in [0, 1]: 1 where all sources have the same structure."""
    total, mean = torch.zeros_like(sources[0]), torch.zeros_like(parts[0].mean)
    for source, part in zip(sources, parts, strict=True):
        total, mean = total + source, mean + part.mean
    lengths = torch.stack([part.length for part in parts]).sum(dim=0)
    return ((_length(total, mean) + EPSILON) / (lengths + EPSILON)).clamp(EPSILON, 1.0 - EPSILON)


def _shares(strengths: Sequence[Tensor], consistency: Tensor) -> list[Tensor]:
    """Weight of each source's structure, divided by its strength: the factor of its pixels."""
    exponent = torch.tan(math.pi / 2.0 * consistency).clamp(max=LARGEST_EXPONENT)
    weights = [(strength / SIZE) ** exponent + EPSILON for strength in strengths]
    total = torch.stack(weights).sum(dim=0)
    return [weight / (total * strength) for weight, strength in zip(weights, strengths, strict=True)]

"""Natural scene statistics: normalised pictures, products of neighbours, and the distributions fitted to them.

The pixels of a photograph, freed of their local mean and contrast, follow a generalised Gaussian distribution, and the
products of neighbours an asymmetric one. Blind metrics measure how far a picture is from that.
"""

from dataclasses import dataclass
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

from imfuse.metrics.levels import PEAK
from imfuse.ops.windows import filter_valid, gaussian_taps

WINDOW_SIZE = 7
WINDOW_SIGMA = 7.0 / 6.0
FLAT = 1e-6  # gray levels; a smaller distance from the local mean is rounding, whose sign says nothing
SHAPE_RANGE = (0.2, 10.0)
SHAPE_STEP = 0.001


def rounded_levels(levels: Tensor) -> Tensor:
    """Round gray levels to the 8 bits for which blind metrics are defined: halves up, and into 0…255.

    One in a thousand lumas of 8-bit colours is a half; those that arithmetic has put just below go up as well.
    """
    return (levels + (0.5 + 1e-9)).floor().clamp(0.0, PEAK)


def normalise(levels: Tensor) -> tuple[Tensor, Tensor]:
    """Mean-subtracted, contrast-normalised picture (MSCN): (I − μ)/(σ + 1).

    μ and σ are those of a Gaussian window of 7×7 pixels with σ = 7/6 and sum 1; the border is repeated outwards.

    Args:
        levels: float64 (…, H, W), gray levels 0…255.

    Returns:
        The normalised picture and the local deviation σ in gray levels, both (…, H, W). Where the picture is flat, the
        normalised one is exactly 0.

    Source:
        Ruderman, The statistics of natural images, Network 5(4), 1994; with the constants of Mittal, Moorthy, Bovik,
        IEEE Transactions on Image Processing 21(12), 2012.
    """
    pictures = levels.reshape(-1, *levels.shape[-2:])
    mean = local_mean(pictures)
    deviation = local_mean(pictures.square()).sub_(mean.square()).abs_().sqrt_()
    difference = pictures - mean
    difference.masked_fill_(difference.abs() < FLAT, 0.0)
    return difference.div_(deviation + 1.0).reshape(levels.shape), deviation.reshape(levels.shape)


def local_mean(pictures: Tensor) -> Tensor:
    """The Gaussian window's mean of pictures (B, H, W), the border repeated outwards."""
    pad = WINDOW_SIZE // 2
    padded = F.pad(pictures[None], (pad, pad, pad, pad), mode="replicate")[0]
    return filter_valid(padded, gaussian_taps(WINDOW_SIZE, WINDOW_SIGMA))


@dataclass(frozen=True)
class AsymmetricGaussian:
    """Asymmetric generalised Gaussian distributions fitted to samples.

    The density is proportional to exp(−(|x|/β)^α) with β = β_l left of 0 and β_r right of it.

    Attributes:
        shape: α: 2 for a Gaussian, 1 for a Laplacian.
        left: root mean square σ_l of the negative samples; NaN if there are none.
        right: likewise σ_r of the positive ones.
    """

    shape: Tensor
    left: Tensor
    right: Tensor

    def scales(self) -> tuple[Tensor, Tensor]:
        """The scales β_l and β_r: σ·sqrt(Γ(1/α)/Γ(3/α))."""
        ratio = (0.5 * (torch.lgamma(1.0 / self.shape) - torch.lgamma(3.0 / self.shape))).exp()
        return self.left * ratio, self.right * ratio

    def mean(self) -> Tensor:
        """The mean that the literature gives: (β_r − β_l)·Γ(2/α)/Γ(1/α)."""
        left, right = self.scales()
        return (right - left) * (torch.lgamma(2.0 / self.shape) - torch.lgamma(1.0 / self.shape)).exp()


def fit_asymmetric_gaussian(samples: Tensor, count: int | None = None) -> AsymmetricGaussian:
    """Fit an asymmetric generalised Gaussian to each picture of samples by matching its moments.

    α is the value of the grid 0.2, 0.201, … 10 whose r(α) = Γ(2/α)²/(Γ(1/α)Γ(3/α)) is next to
    R = (mean |x|)²/mean x² · (g³ + 1)(g + 1)/(g² + 1)² with g = σ_l/σ_r; the smallest of the grid where R does not
    exist, because all samples have one sign or are 0.

    Args:
        samples: (…, H, W).
        count: number of samples, if zeros that were left out count as well; H·W otherwise.

    Returns:
        The fits, tensors (…).

    Source:
        Lasmar, Stitou, Berthoumieu, Multiscale skewed heavy tailed model for texture analysis, ICIP 2009.
    """
    count = samples.shape[-2] * samples.shape[-1] if count is None else count
    axes = (-2, -1)
    positive = samples.clamp(min=0.0)
    negative = samples - positive
    magnitude = (positive.sum(axes) - negative.sum(axes)) / count
    right_squares, left_squares = positive.square_().sum(axes), negative.square_().sum(axes)
    left = (left_squares / (samples < 0.0).sum(axes)).sqrt()
    right = (right_squares / (samples > 0.0).sum(axes)).sqrt()
    g = left / right
    ratio = magnitude.square() / ((left_squares + right_squares) / count)
    ratio = ratio * (g**3 + 1.0) * (g + 1.0) / (g.square() + 1.0).square()
    return AsymmetricGaussian(_shape(ratio), left, right)


def _shape(ratio: Tensor) -> Tensor:
    """The α of the grid whose r(α) is next to each ratio; its smallest where a ratio is NaN."""
    shapes, ratios = (values.to(ratio.device) for values in _shape_table())
    above = torch.searchsorted(ratios, ratio.nan_to_num(nan=0.0)).clamp(1, len(ratios) - 1)
    below = above - 1
    return shapes[torch.where(ratio - ratios[below] <= ratios[above] - ratio, below, above).where(~ratio.isnan(), 0)]


@cache
def _shape_table() -> tuple[Tensor, Tensor]:
    """The grid of α, and r(α), which rises with α."""
    low, high = SHAPE_RANGE
    steps = round((high - low) / SHAPE_STEP)
    shapes = torch.arange(steps + 1, dtype=torch.float64) * SHAPE_STEP + low
    inverse = 1.0 / shapes
    return shapes, (2.0 * torch.lgamma(2.0 * inverse) - torch.lgamma(inverse) - torch.lgamma(3.0 * inverse)).exp()

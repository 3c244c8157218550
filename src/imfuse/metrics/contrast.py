"""Metrics of contrast and sharpness: standard deviation, spatial frequency, average gradient."""

from collections.abc import Collection

import torch
from torch import Tensor

from imfuse.metrics.families import measure
from imfuse.metrics.levels import Levels
from imfuse.metrics.metric import Metric
from imfuse.metrics.windows import safe_sqrt


def standard_deviation(fused: Tensor) -> Tensor:
    """Standard deviation of the gray levels (SD).

    SD = sqrt(mean((F − mean F)²)): the population's, divided by the number of pixels. Higher is taken as better: more
    contrast. Differentiable; the gradient of a constant picture is 0.

    Args:
        fused: (B, 1, H, W), floating point in [0, 1], or uint8 0…255.

    Returns:
        float64 tensor (B,), gray levels, in [0, 127.5].

    Raises:
        UsageError: The picture has another shape, type or range.

    Source:
        The population's standard deviation, as a fusion metric in Ma, Ma, Li, Infrared and visible image fusion methods
        and applications: a survey, Information Fusion 45, 2019.
    """
    return measure([(contrast_family, ("sd",))], fused)["sd"]


def spatial_frequency(fused: Tensor) -> Tensor:
    """Spatial frequency (SF).

    SF = sqrt(mean(Δx²) + mean(Δy²)) with differences of neighbouring pixels, each mean over its own differences
    (H·(W − 1) and (H − 1)·W). Higher is taken as better: sharper. Differentiable; the gradient of a constant picture
    is 0.

    Args:
        fused: (B, 1, H, W) with H, W ≥ 2, floating point in [0, 1], or uint8 0…255.

    Returns:
        float64 tensor (B,), gray levels, in [0, 255·√2].

    Raises:
        UsageError: The picture has another shape, type or range, or a side of one pixel.

    Source:
        Eskicioglu and Fisher, Image quality measures and their performance, IEEE Transactions on Communications 43,
        1995. The original divides both sums by H·W.
    """
    return measure([(contrast_family, ("sf",))], fused)["sf"]


def average_gradient(fused: Tensor) -> Tensor:
    """Average gradient (AG).

    AG = mean(sqrt((Gx² + Gy²)/2)) over all pixels; Gx, Gy are central differences (F(x+1) − F(x−1))/2, one-sided at the
    border. Higher is taken as better: sharper. Differentiable; a pixel without gradient contributes the gradient 0.

    Args:
        fused: (B, 1, H, W) with H, W ≥ 2, floating point in [0, 1], or uint8 0…255.

    Returns:
        float64 tensor (B,), gray levels per pixel, in [0, 255].

    Raises:
        UsageError: The picture has another shape, type or range, or a side of one pixel.

    Source:
        Cui, Feng, Xu, Li, Chen, Detail preserved fusion of visible and infrared images using regional saliency
        extraction and multi-scale image decomposition, Optics Communications 341, 2015; with central differences.
    """
    return measure([(contrast_family, ("ag",))], fused)["ag"]


def average_gradient_ifcnn(fused: Tensor) -> Tensor:
    """Average gradient as the tables of IFCNN have it (AG).

    AG = mean(sqrt((Δx² + Δy²)/2))/(2√2) = mean(sqrt(Δx² + Δy²))/4 with forward differences, over the
    (H − 1)·(W − 1) pixels that have both. Higher is taken as better: sharper. Differentiable; a pixel without gradient
    contributes the gradient 0. IFCNN takes the luma of RGB pictures rounded to whole levels; here it is not rounded.

    Args:
        fused: (B, 1, H, W) with H, W ≥ 2, floating point in [0, 1], or uint8 0…255.

    Returns:
        float64 tensor (B,), gray levels per pixel, in [0, 255·√2/4].

    Raises:
        UsageError: The picture has another shape, type or range, or a side of one pixel.

    Source:
        Zhang, Liu, Sun, Yan, Zhao, Zhang, IFCNN: a general image fusion framework based on convolutional neural
        network, Information Fusion 54, 2020: this gives the 1.865 and 3.402 of its Tables 2 and 3 for IFCNN-MAX.
    """
    return measure([(contrast_family, ("ag-ifcnn",))], fused)["ag-ifcnn"]


def contrast_family(levels: Levels, keys: Collection[str]) -> dict[str, Tensor]:
    """Compute the wanted ones of `sd`, `sf`, `ag` and `ag-ifcnn`."""
    functions = {
        "sd": _standard_deviation,
        "sf": _spatial_frequency,
        "ag": _average_gradient,
        "ag-ifcnn": _average_forward_gradient,
    }
    wanted = [key for key in functions if key in keys]
    if set(wanted) - {"sd"}:
        levels.require_size(2, "a metric of differences")
    return {key: functions[key](levels.fused) for key in wanted}


def _mean_square(values: Tensor) -> Tensor:
    return values.square().mean(dim=(-2, -1))


def _standard_deviation(pictures: Tensor) -> Tensor:
    return safe_sqrt(_mean_square(pictures - pictures.mean(dim=(-2, -1), keepdim=True)))


def _spatial_frequency(pictures: Tensor) -> Tensor:
    rows = pictures[:, :, 1:] - pictures[:, :, :-1]
    columns = pictures[:, 1:] - pictures[:, :-1]
    return safe_sqrt(_mean_square(rows) + _mean_square(columns))


def _average_gradient(pictures: Tensor) -> Tensor:
    squares = _differences(pictures, -1).square() + _differences(pictures, -2).square()
    return safe_sqrt(squares / 2.0).mean(dim=(-2, -1))


def _average_forward_gradient(pictures: Tensor) -> Tensor:
    rows = pictures[:, :-1, 1:] - pictures[:, :-1, :-1]
    columns = pictures[:, 1:, :-1] - pictures[:, :-1, :-1]
    return safe_sqrt(rows.square() + columns.square()).mean(dim=(-2, -1)) / 4.0


def _differences(pictures: Tensor, axis: int) -> Tensor:
    """Central differences along an axis, one-sided at its ends (as `numpy.gradient`)."""
    size = pictures.size(axis)

    def between(first: int, second: int, count: int) -> Tensor:
        return pictures.narrow(axis, second, count) - pictures.narrow(axis, first, count)

    inside = between(0, 2, size - 2) / 2.0
    return torch.cat([between(0, 1, 1), inside, between(size - 2, size - 1, 1)], dim=axis)


METRICS = (
    Metric(
        key="sd",
        name="SD",
        function=standard_deviation,
        family=contrast_family,
        direction="higher",
        unit="gray level",
        range=(0.0, 127.5),
        needs="fused",
        variant="population (divided by the number of pixels), levels 0…255",
        definition="sqrt(mean((F − mean F)²))",
        source="Ma, Ma, Li, Information Fusion 45, 2019",
    ),
    Metric(
        key="sf",
        name="SF",
        function=spatial_frequency,
        family=contrast_family,
        direction="higher",
        unit="gray level",
        range=(0.0, 255.0 * 2.0**0.5),
        needs="fused",
        variant="forward differences, each direction's mean over its own differences, levels 0…255",
        definition="sqrt(mean(Δx²) + mean(Δy²))",
        source="Eskicioglu and Fisher, IEEE Trans. Communications 43, 1995",
        smallest=(2, 2),
    ),
    Metric(
        key="ag",
        name="AG",
        function=average_gradient,
        family=contrast_family,
        direction="higher",
        unit="gray level per pixel",
        range=(0.0, 255.0),
        needs="fused",
        variant="central differences, one-sided at the border, all pixels, levels 0…255",
        definition="mean(sqrt((Gx² + Gy²)/2))",
        source="Cui et al., Optics Communications 341, 2015",
        smallest=(2, 2),
    ),
    Metric(
        key="ag-ifcnn",
        name="AG",
        function=average_gradient_ifcnn,
        family=contrast_family,
        direction="higher",
        unit="gray level per pixel",
        range=(0.0, 255.0 * 2.0**0.5 / 4.0),
        needs="fused",
        variant="IFCNN's: forward differences, pixels that have both, divided by 2√2, levels 0…255",
        definition="mean(sqrt((Δx² + Δy²)/2))/(2√2)",
        source="Zhang et al., Information Fusion 54, 2020 (IFCNN)",
        smallest=(2, 2),
    ),
)
"""The metrics of this family."""

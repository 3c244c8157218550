"""Metrics against the picture that fusion should have given: RMSE, PSNR, SSIM and UIQI.

All take the bands as they are, gray, RGB or more. Those of spectra are in `imfuse.metrics.spectral`.
"""

from collections.abc import Callable, Collection

import torch
from torch import Tensor

from imfuse.errors import UsageError
from imfuse.metrics.families import measure
from imfuse.metrics.levels import Bands
from imfuse.metrics.metric import Metric
from imfuse.metrics.windows import safe_sqrt
from imfuse.ops.similarity import ssim_map
from imfuse.ops.windows import box_taps, filter_valid

SSIM_WINDOW = 11
UIQI_WINDOW = 8
CONSTANT = 1e-12  # sums of variances and of squared means below it are rounding errors


def root_mean_square_error(fused: Tensor, truth: Tensor) -> Tensor:
    """Root of the mean square error (RMSE).

    RMSE = sqrt(mean((F − T)²)) over all pixels and bands. Lower is better. Differentiable; the gradient of equal
    pictures is 0.

    Args:
        fused: (B, C, H, W), floating point in [0, 1], or uint8 0…255.
        truth: tensor like `fused`.

    Returns:
        float64 tensor (B,), fraction of the full range (times 255: gray levels of 8 bits), in [0, 1].

    Raises:
        UsageError: The pictures do not fit each other.

    Source:
        The definition of the mean square error.
    """
    return measure([(error_family, ("rmse",))], fused, truth=truth, pictures="bands")["rmse"]


def peak_signal_to_noise_ratio(fused: Tensor, truth: Tensor) -> Tensor:
    """Peak signal-to-noise ratio (PSNR).

    PSNR = 10 log10(1 / mean((F − T)²)): the peak is the full range, 1 for floating point and 255 for uint8, whatever
    the largest value in the picture; one mean over all pixels and bands, not the mean of the bands' PSNR. Higher is
    better. Differentiable, unless the pictures are equal.

    Args:
        fused: (B, C, H, W), floating point in [0, 1], or uint8 0…255.
        truth: tensor like `fused`.

    Returns:
        float64 tensor (B,), decibels, from 0; infinite for equal pictures.

    Raises:
        UsageError: The pictures do not fit each other.

    Source:
        The definition as in ITU-T J.340, with one error for all bands.
    """
    return measure([(error_family, ("psnr",))], fused, truth=truth, pictures="bands")["psnr"]


def structural_similarity(fused: Tensor, truth: Tensor) -> Tensor:
    """Structural similarity to the truth (SSIM), mean over the bands.

    SSIM = mean((2μ_Fμ_T + C1)(2σ_FT + C2) / ((μ_F² + μ_T² + C1)(σ_F² + σ_T² + C2))) over all windows of 11×11 pixels
    inside the picture, Gaussian with σ = 1.5, C1 = 0.01², C2 = 0.03² of the full range, covariances without Bessel's
    correction; then the mean over the bands. Higher is better. Differentiable. torchmetrics (1.9) has the same map but
    counts windows over the reflected border as well.

    Args:
        fused: (B, C, H, W) with H, W ≥ 11, floating point in [0, 1], or uint8 0…255.
        truth: tensor like `fused`.

    Returns:
        float64 tensor (B,), without unit, in [−1, 1]; 1 for equal pictures.

    Raises:
        UsageError: The pictures do not fit each other or are too small.

    Source:
        Wang, Bovik, Sheikh, Simoncelli, Image quality assessment: from error visibility to structural similarity, IEEE
        Transactions on Image Processing 13(4), 2004.
    """
    return measure([(window_family, ("ssim",))], fused, truth=truth, pictures="bands")["ssim"]


def universal_quality_index(fused: Tensor, truth: Tensor) -> Tensor:
    """Universal image quality index (UIQI, Q), mean over the bands.

    Q = mean(2μ_Fμ_T/(μ_F² + μ_T²) · 2σ_FT/(σ_F² + σ_T²)) over all windows of 8×8 pixels inside the picture, every pixel
    of equal weight; then the mean over the bands. A factor whose denominator is 0 counts 1. Higher is better.
    Differentiable.

    Args:
        fused: (B, C, H, W) with H, W ≥ 8, floating point in [0, 1], or uint8 0…255.
        truth: tensor like `fused`.

    Returns:
        float64 tensor (B,), without unit, in [−1, 1]; 1 for equal pictures.

    Raises:
        UsageError: The pictures do not fit each other or are too small.

    Source:
        Wang and Bovik, A universal image quality index, IEEE Signal Processing Letters 9(3), 2002.
    """
    return measure([(window_family, ("uiqi",))], fused, truth=truth, pictures="bands")["uiqi"]


def error_family(bands: Bands, keys: Collection[str]) -> dict[str, Tensor]:
    """Compute the wanted ones of `rmse` and `psnr`."""
    if not {"rmse", "psnr"} & set(keys):
        return {}
    squares = (bands.fused - truth_of(bands)).square().mean(dim=(1, 2, 3))
    values = {"rmse": safe_sqrt(squares), "psnr": -10.0 * torch.log10(squares)}
    return {key: value for key, value in values.items() if key in keys}


def window_family(bands: Bands, keys: Collection[str]) -> dict[str, Tensor]:
    """Compute the wanted ones of `ssim` and `uiqi`, band by band."""
    maps: dict[str, tuple[Callable[[Tensor, Tensor], Tensor], int]] = {
        "ssim": (ssim_map, SSIM_WINDOW),
        "uiqi": (quality_index_map, UIQI_WINDOW),
    }
    values: dict[str, Tensor] = {}
    for key in (key for key in maps if key in keys):
        truth = truth_of(bands)
        function, size = maps[key]
        require_size(bands, size, key.upper())
        pairs = zip(torch.split(bands.fused, 1, dim=1), torch.split(truth, 1, dim=1), strict=True)
        values[key] = torch.stack([function(*pair).mean(dim=(1, 2, 3)) for pair in pairs]).mean(dim=0)
    return values


def truth_of(bands: Bands) -> Tensor:
    """Return the truth.

    Raises:
        UsageError: There is none.
    """
    if bands.truth is None:
        raise UsageError("this metric compares with a ground truth, but none was given")
    return bands.truth


def require_size(bands: Bands, smallest: int, metric: str) -> None:
    """Check that both sides have at least `smallest` pixels.

    Raises:
        UsageError: The pictures are smaller.
    """
    height, width = bands.fused.shape[-2:]
    if min(height, width) < smallest:
        raise UsageError(
            f"{metric} needs pictures of at least {smallest}×{smallest} pixels, but these have {height}×{width}"
        )


def quality_index_map(x: Tensor, y: Tensor, *, window: int = UIQI_WINDOW) -> Tensor:
    """Universal quality index (Wang and Bovik 2002) of two pictures in every whole window.

    Args:
        x: (B, 1, H, W), at least `window` pixels on each side, values in [0, 1].
        y: likewise.
        window: side of the window in pixels.

    Returns:
        (B, 1, H − window + 1, W − window + 1), each in [−1, 1].
    """
    maps = filter_valid(torch.cat([x, y, x * x + y * y, x * y]), box_taps(window))
    mean_x, mean_y, squares, product = torch.split(maps, x.size(0))
    mean_squares, mean_product = mean_x.square() + mean_y.square(), mean_x * mean_y
    return _share(2.0 * mean_product, mean_squares) * _share(2.0 * (product - mean_product), squares - mean_squares)


def _share(part: Tensor, whole: Tensor) -> Tensor:
    defined = whole > CONSTANT
    return torch.where(defined, part, 1.0) / torch.where(defined, whole, 1.0)


METRICS = (
    Metric(
        key="psnr",
        name="PSNR",
        function=peak_signal_to_noise_ratio,
        family=error_family,
        direction="higher",
        unit="dB",
        range=(0.0, None),
        needs="truth",
        variant="peak 1 (255 for 8 bits), one error over all pixels and bands",
        definition="10 log10(1 / mean((F − T)²))",
        source="ITU-T J.340",
        pictures="bands",
    ),
    Metric(
        key="ssim",
        name="SSIM",
        function=structural_similarity,
        family=window_family,
        direction="higher",
        unit="",
        range=(-1.0, 1.0),
        needs="truth",
        variant="with the truth; 11×11 Gaussian windows (σ = 1.5) inside the picture, full range, mean over the bands",
        definition="mean((2μ_Fμ_T + C1)(2σ_FT + C2) / ((μ_F² + μ_T² + C1)(σ_F² + σ_T² + C2)))",
        source="Wang, Bovik, Sheikh, Simoncelli, IEEE Trans. Image Processing 13(4), 2004",
        pictures="bands",
        smallest=(11, 11),
    ),
    Metric(
        key="rmse",
        name="RMSE",
        function=root_mean_square_error,
        family=error_family,
        direction="lower",
        unit="of the full range",
        range=(0.0, 1.0),
        needs="truth",
        variant="values in [0, 1], over all pixels and bands",
        definition="sqrt(mean((F − T)²))",
        source="definition",
        pictures="bands",
    ),
    Metric(
        key="uiqi",
        name="UIQI",
        function=universal_quality_index,
        family=window_family,
        direction="higher",
        unit="",
        range=(-1.0, 1.0),
        needs="truth",
        variant="8×8 windows of equal weights inside the picture, mean over the bands",
        definition="mean(2μ_Fμ_T/(μ_F² + μ_T²) · 2σ_FT/(σ_F² + σ_T²))",
        source="Wang and Bovik, IEEE Signal Processing Letters 9(3), 2002",
        pictures="bands",
        smallest=(8, 8),
    ),
)
"""The metrics of these families."""

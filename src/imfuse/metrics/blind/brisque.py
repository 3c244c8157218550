"""BRISQUE: a support vector regression from natural scene statistics to the opinions of viewers."""

import os
from collections.abc import Collection
from functools import partial

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from imfuse.metrics.blind.models import BrisqueModel, brisque_available, brisque_model
from imfuse.metrics.blind.scene_statistics import WINDOW_SIGMA, WINDOW_SIZE, fit_asymmetric_gaussian, rounded_levels
from imfuse.metrics.families import measure
from imfuse.metrics.levels import PEAK, Levels
from imfuse.metrics.metric import Metric

_Array = NDArray[np.float32]
SMALLEST_SIDE = 14  # leaves one window of 7 pixels at half scale
SHIFTS = ((0, 1), (1, 0), (1, 1), (-1, 1))  # rows, columns: right, below, and the two diagonals


def brisque(fused: Tensor, model: str | os.PathLike[str] | None = None) -> Tensor:
    """Blind/referenceless image spatial quality evaluator (BRISQUE), as OpenCV's contributed module defines it.

    18 features of the picture rounded to 8 bits and 18 of it at half scale: the fit of the normalised picture, and of
    its products with the neighbours to the right, below and on both diagonals. They are scaled to [−1, 1] by the
    model's ranges and put into its support vector regression; the result is clamped to 0…100. Lower is better: the
    models predict opinion scores of distorted photographs (LIVE).

    The details are OpenCV's: the border is repeated, half scale is bicubic (a = −0.75) without a filter against
    aliasing, of ⌊H/2⌋×⌊W/2⌋ pixels, and a product whose neighbour lies outside counts as a zero. So is the arithmetic:
    single precision, by OpenCV's own filter. In flat areas (white from overexposure, or flattened by JPEG) it is the
    rounding of that filter that decides which pixels count as positive, negative or, where σ² < 0, not at all, and
    scores move by several points with it; there, values of two processors may differ. Computed on the CPU; not
    differentiable. NaN for a picture without structure, which has no statistics.

    Args:
        fused: (B, 1 or 3, H, W) with H, W ≥ 14, floating point in [0, 1], or uint8 0…255; of RGB the luma is rounded.
        model: folder with the model's two files, ``brisque_model_live.yml`` and ``brisque_range_live.yml`` of OpenCV's
            `quality` module; if left out, the one that the environment variable ``IMFUSE_BRISQUE_MODEL`` names. None
            comes with imfuse: nobody may pass the opinion scores' model on.

    Returns:
        float64 tensor (B,), without unit, in [0, 100].

    Raises:
        UsageError: The picture has another shape, type or range, is too small, or there is no model.

    Source:
        Mittal, Moorthy, Bovik, No-reference image quality assessment in the spatial domain, IEEE Transactions on Image
        Processing 21(12), 2012; as in OpenCV 4's QualityBRISQUE.
    """
    family = brisque_family if model is None else partial(brisque_family, model=brisque_model(model))
    return measure([(family, ("brisque",))], fused)["brisque"]


def brisque_family(levels: Levels, keys: Collection[str], model: BrisqueModel | None = None) -> dict[str, Tensor]:
    """Compute `brisque`, with the model that the environment names if none is given."""
    if "brisque" not in keys:
        return {}
    model = brisque_model() if model is None else model
    levels.require_size(SMALLEST_SIDE, "BRISQUE")
    return {"brisque": model.predict(brisque_features(levels.fused)).clamp(0.0, 100.0)}


@torch.no_grad()
def brisque_features(levels: Tensor) -> Tensor:
    """The 36 features of pictures.

    Args:
        levels: (B, H, W) with H, W ≥ 14, gray levels 0…255; they are rounded first.

    Returns:
        float64 (B, 36): for the whole and then for half scale the shape α and (σ_l² + σ_r²)/2 of the normalised
        picture, then for each of the four neighbours α, mean, σ_l² and σ_r² of the products.
    """
    pictures = rounded_levels(levels).to("cpu", torch.float32).numpy()
    # Times the rounded reciprocal, as OpenCV converts 8 bits; a division differs in the last bit.
    features = [_two_scales(picture * np.float32(1.0 / PEAK)) for picture in pictures]
    return torch.stack(features).to(levels.device)


def _two_scales(picture: _Array) -> Tensor:
    height, width = picture.shape
    half = np.asarray(cv2.resize(picture, (width // 2, height // 2), interpolation=cv2.INTER_CUBIC), np.float32)
    return torch.cat([_features(_normalise(picture)), _features(_normalise(half))])


def _normalise(picture: _Array) -> Tensor:
    """The normalised picture in OpenCV's arithmetic; float32 in [0, 1] gives float32, 0 where rounding makes σ² < 0."""

    def blur(values: _Array) -> _Array:
        size = (WINDOW_SIZE, WINDOW_SIZE)
        return np.asarray(cv2.GaussianBlur(values, size, WINDOW_SIGMA, borderType=cv2.BORDER_REPLICATE))

    mean = blur(picture)
    variance = blur(picture * picture) - mean * mean
    deviation = np.sqrt(np.maximum(variance, 0.0)) + np.float32(1.0 / PEAK)
    return torch.from_numpy(np.where(variance < 0.0, 0.0, (picture - mean) / deviation).astype(np.float32))


def _features(normalised: Tensor) -> Tensor:
    fit = fit_asymmetric_gaussian(normalised.double())
    features = [fit.shape, (fit.left.square() + fit.right.square()) / 2.0]
    for shift in SHIFTS:
        fit = fit_asymmetric_gaussian(_products(normalised, *shift).double(), normalised.numel())
        features += [fit.shape, fit.mean(), fit.left.square(), fit.right.square()]
    return torch.stack(features)


def _products(picture: Tensor, down: int, right: int) -> Tensor:
    """Products of the pixels with their neighbours so many rows below and columns to the right, inside the picture."""
    height, width = picture.shape[-2:]
    rows, columns = height - abs(down), width - right
    first = picture.narrow(-2, max(-down, 0), rows).narrow(-1, 0, columns)
    return first * picture.narrow(-2, max(down, 0), rows).narrow(-1, right, columns)


METRICS = (
    Metric(
        key="brisque",
        name="BRISQUE",
        function=brisque,
        family=brisque_family,
        direction="lower",
        unit="",
        range=(0.0, 100.0),
        needs="fused",
        variant="OpenCV's features, model and clamp to 0…100; luma rounded to 8 bits",
        definition="support vector regression of 36 natural scene statistics at two scales",
        source="Mittal, Moorthy, Bovik, IEEE Trans. Image Processing 21(12), 2012",
        differentiable=False,
        smallest=(SMALLEST_SIDE, SMALLEST_SIDE),
        available=brisque_available,
    ),
)
"""The metrics of this family."""

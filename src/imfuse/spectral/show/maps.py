"""What can be seen pixel by pixel of bands beside others: errors, and angles between spectra."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from imfuse.ops.colour import linear_to_srgb

Bands = NDArray[np.float32]


def band_error(bands: Bands, truth: Bands, band: int) -> NDArray[np.float32]:
    """|F − T| of one band, (H, W), of bands (L, H, W); the band's number counts from 1."""
    return np.asarray(np.abs(bands[band - 1] - truth[band - 1]), np.float32)


def rms_error(bands: Bands, truth: Bands) -> NDArray[np.float32]:
    """The root over the bands of the mean of (F − T)² at each pixel, (H, W)."""
    return np.asarray(np.sqrt(np.square(bands - truth).mean(0)), np.float32)


def angle(bands: Bands, truth: Bands) -> NDArray[np.float32]:
    """The angle between the spectra of each pixel in degrees, (H, W): the map whose mean is the SAM.

    As in :func:`imfuse.metrics.spectral_angle`: NaN where the true spectrum is zero, and 90° where only the other is.
    """
    first, second = bands.astype(np.float64), truth.astype(np.float64)
    lengths = np.linalg.norm(first, axis=0), np.linalg.norm(second, axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        unit, other = (x / length for x, length in zip((first, second), lengths, strict=True))
        # Half the angle by its sine: the cosine of a small angle is 1 to all digits.
        sine = np.linalg.norm(unit - other, axis=0) / 2
    angles = np.degrees(2 * np.arcsin(np.clip(sine, 0, 1)))
    angles[(lengths[0] == 0) & (lengths[1] > 0)] = 90
    return np.asarray(angles, np.float32)


def limits(image: NDArray[np.float32], *, together: bool) -> NDArray[np.float32]:
    """The values of an image (H, W) or (H, W, C) that become black and white, (2, C).

    Args:
        image: missing values are NaN.
        together: 0 and one percentile for all channels, so that their colours stay; otherwise of each channel the
            percentiles 1 and 99, as maps are stretched.
    """
    planes = image.reshape(-1, image.shape[2] if image.ndim == 3 else 1)
    planes = planes[np.isfinite(planes).all(1)]
    if not len(planes):
        return np.array([[0.0], [1.0]], np.float32)
    if together:
        found = np.array([[0.0], [float(np.percentile(planes.max(1), 99.5))]])
    else:
        found = np.percentile(planes, (1, 99), axis=0)
    found[1] = np.where(found[1] > found[0], found[1], found[0] + 1)
    return found.astype(np.float32)


def shown(image: NDArray[np.float32], bounds: NDArray[np.float32]) -> NDArray[np.float32]:
    """Light as a picture in [0, 1]: stretched from the bounds (2, C), under the sRGB curve; missing values black."""
    unit = np.clip((np.nan_to_num(image) - bounds[0].squeeze()) / (bounds[1] - bounds[0]).squeeze(), 0, 1)
    unit[~np.isfinite(image)] = 0
    return np.asarray(linear_to_srgb(torch.from_numpy(np.ascontiguousarray(unit, np.float32))).numpy())

"""Cameras: from radiance or temperature to counts, with noise, the tone curve and quantisation."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from imfuse.data.samples.noise import Plane

COUNTS_PER_KELVIN = 14.0
COUNTS_AT_ZERO = 7800.0


def expose(
    radiance: NDArray[np.float32], exposure: float, electrons: float, draw: np.random.Generator
) -> NDArray[np.float32]:
    """Shot noise, read noise and clipping.

    Args:
        radiance: (H, W) or (H, W, C), linear.
        exposure: factor from radiance to the linear picture.
        electrons: in a white pixel.
        draw: source of the noise.

    Returns:
        The linear picture, in [0, 1], of the same shape.
    """
    picture: NDArray[np.float32] = np.asarray(np.clip(radiance * np.float32(exposure), 0, 4), np.float32)
    deviation = np.sqrt(picture / np.float32(electrons) + np.float32((3.0 / electrons) ** 2))
    picture += deviation * draw.standard_normal(picture.shape, np.float32)
    np.clip(picture, 0, 1, out=picture)
    return picture


def srgb(linear: NDArray[np.float32]) -> NDArray[np.float32]:
    """The sRGB tone curve (IEC 61966-2-1): linear to encoded, both in [0, 1]."""
    low = linear * np.float32(12.92)
    high = np.float32(1.055) * np.power(np.maximum(linear, 0), np.float32(1 / 2.4)) - np.float32(0.055)
    return np.where(linear <= 0.0031308, low, high)


def linear(encoded: NDArray[np.float32]) -> NDArray[np.float32]:
    """The inverse of `srgb`."""
    high = np.power((encoded + np.float32(0.055)) / np.float32(1.055), np.float32(2.4))
    return np.where(encoded <= 0.04045, encoded / np.float32(12.92), high)


def to_uint8(picture: NDArray[np.float32]) -> NDArray[np.uint8]:
    """[0, 1] to 0 … 255, rounded."""
    return np.asarray(np.clip(picture * 255 + 0.5, 0, 255), np.uint8)


def to_uint16(picture: NDArray[np.float32]) -> NDArray[np.uint16]:
    """[0, 1] to 0 … 65535, rounded."""
    return np.asarray(np.clip(picture * 65535 + 0.5, 0, 65535), np.uint16)


def soften(picture: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """Gaussian blur with a deviation of `sigma` pixels."""
    if sigma <= 0 or picture.size == 0:
        return picture
    blurred = cv2.GaussianBlur(picture, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(blurred, np.float32).reshape(picture.shape)


def thermal_counts(celsius: Plane, draw: np.random.Generator) -> NDArray[np.uint16]:
    """Counts of a 14-bit microbolometer: soft optics, column and pixel noise of a few counts.

    Args:
        celsius: (H, W) apparent temperature.
        draw: source of the noise.

    Returns:
        (H, W) counts, about 7600 … 8300.
    """
    height, width = celsius.shape
    counts = COUNTS_AT_ZERO + COUNTS_PER_KELVIN * soften(celsius, max(1.2 * min(height, width) / 480, 0.6))
    counts += 0.8 * draw.standard_normal((1, width), np.float32)
    counts += soften(1.6 * draw.standard_normal((height, width), np.float32), 0.6)
    return np.asarray(np.clip(np.rint(counts), 0, 16383), np.uint16)


def stretch(counts: NDArray[np.uint16]) -> NDArray[np.uint8]:
    """Counts to 8 bits, linear between the 0.5 and 99.9 percentiles."""
    low, high = np.percentile(counts, [0.5, 99.9])
    return to_uint8(np.asarray((counts - low) / max(high - low, 1.0), np.float32))

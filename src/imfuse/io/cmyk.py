"""CMYK and Lab to RGB."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imfuse.io.metadata import icc_color_space

ToRgb = Callable[[NDArray[Any]], NDArray[Any]]
_ROWS_AT_ONCE = 1 << 22


def naive_cmyk(inks: NDArray[Any]) -> NDArray[Any]:
    """(H, W, 4) inks, 0 … largest value of uint8 or uint16, to RGB: ``(1 − ink) · (1 − black)``."""
    largest = int(np.iinfo(inks.dtype).max)
    light = (largest - inks.astype(np.uint32)).astype(np.uint64)
    product = light[:, :, :3] * light[:, :, 3:]
    return ((product + largest // 2) // largest).astype(inks.dtype)


def _by_rows(convert: ToRgb) -> ToRgb:
    def whole(pixels: NDArray[Any]) -> NDArray[Any]:
        rows = max(_ROWS_AT_ONCE // max(pixels.shape[1], 1), 1)
        result = np.empty((*pixels.shape[:2], 3), pixels.dtype)
        for top in range(0, len(pixels), rows):
            result[top : top + rows] = convert(pixels[top : top + rows])
        return result

    return whole


def _profiled(profile: Any, mode: str) -> ToRgb:
    from PIL import Image, ImageCms

    transform = ImageCms.buildTransform(
        profile, ImageCms.createProfile("sRGB"), mode, "RGB", ImageCms.Intent.RELATIVE_COLORIMETRIC
    )

    def convert(pixels: NDArray[Any]) -> NDArray[Any]:
        height, width = pixels.shape[:2]
        picture = Image.frombytes(mode, (width, height), np.ascontiguousarray(pixels).tobytes())
        turned = ImageCms.applyTransform(picture, transform)
        if turned is None:
            raise ValueError("the colour transform gave nothing")
        return np.asarray(turned)

    return convert


def cmyk_to_rgb(icc: object, bits: int = 8) -> tuple[ToRgb, str]:
    """A conversion of (H, W, 4) inks (0 is no ink) to RGB of the same dtype, and the note that tells it.

    Args:
        icc: the embedded profile, if any; used for 8 bits, relative colorimetric to sRGB.
        bits: 8 or 16.
    """
    if isinstance(icc, bytes) and icc_color_space(icc) == "CMYK" and bits == 8:
        from PIL import ImageCms

        try:
            convert = _profiled(ImageCms.ImageCmsProfile(io.BytesIO(icc)), "CMYK")
            convert(np.zeros((1, 1, 4), np.uint8))
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            return _by_rows(naive_cmyk), "CMYK converted to RGB without its ICC profile, which is damaged"
        return _by_rows(convert), "CMYK converted to sRGB through its ICC profile"
    if isinstance(icc, bytes) and icc and bits != 8:
        return _by_rows(
            naive_cmyk
        ), f"{bits}-bit CMYK converted to RGB without its ICC profile, which is for 8 bits here"
    return _by_rows(naive_cmyk), "CMYK converted to RGB without an ICC profile"


def lab_to_rgb() -> tuple[ToRgb, str]:
    """A conversion of 8-bit Lab (a and b as signed bytes, seen as unsigned) to sRGB, and the note that tells it."""
    from PIL import ImageCms

    return _by_rows(_profiled(ImageCms.createProfile("LAB"), "LAB")), "Lab converted to sRGB"

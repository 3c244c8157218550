"""What TIFF samples mean: from the stored samples of a window to gray, RGB or bands, and alpha."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imfuse.errors import SourceError
from imfuse.io.arrays import FULL_RANGES
from imfuse.io.cmyk import ToRgb, cmyk_to_rgb, lab_to_rgb

Convert = Callable[[NDArray[Any]], NDArray[Any]]
_COLORS = {0: 1, 1: 1, 2: 3, 3: 1, 4: 1, 5: 4, 6: 3, 8: 3}
_ASSOCIATED, _UNASSOCIATED = 1, 2


@dataclass(slots=True)
class Meaning:
    """How stored samples become pixels.

    Attributes:
        dtype: of the delivered pixels.
        full_range: values of black and white.
        channels: delivered channels, alpha not counted.
        colors: indices of the samples that are delivered or converted.
        alpha: index of the alpha sample, or None.
        premultiplied: whether colours were multiplied with alpha.
        depth: stored samples to ``dtype``, before colour conversion.
        color: colour conversion, or None.
        indexed: whether the colour conversion looks up stored samples, which ``depth`` leaves alone.
        keeps_profile: whether the file's ICC profile is one of the delivered colours.
        notes: conversions that are done.
    """

    dtype: np.dtype[Any]
    full_range: tuple[float, float]
    channels: int
    colors: list[int]
    depth: Convert
    alpha: int | None = None
    premultiplied: bool = False
    color: Convert | None = None
    indexed: bool = False
    keeps_profile: bool = True
    notes: list[str] = field(default_factory=list)

    def pixels(self, stored: NDArray[Any]) -> NDArray[Any]:
        """(H, W, samples) as stored to (H, W, channels) in ``dtype``."""
        colors = stored if self.colors == list(range(stored.shape[2])) else stored[:, :, self.colors]
        result = colors if self.indexed else self.depth(colors)
        if self.color is not None:
            result = self.color(result)
        if self.premultiplied:
            result = _unmultiplied(result, self.opacity(stored), self.full_range[1])
        return result

    def opacity(self, stored: NDArray[Any]) -> NDArray[Any]:
        """(H, W, samples) as stored to (H, W) opacity in ``dtype``."""
        if self.alpha is None:
            raise SourceError("no alpha channel; the file has changed since it was opened")
        return self.depth(stored[:, :, self.alpha])


def _unmultiplied(pixels: NDArray[Any], alpha: NDArray[Any], largest: float) -> NDArray[Any]:
    opacity = alpha[:, :, None].astype(np.float64) / largest
    with np.errstate(divide="ignore", invalid="ignore"):
        colors = np.where(opacity > 0, pixels / opacity, 0)
    if pixels.dtype.kind == "f":
        return colors.astype(pixels.dtype)
    return np.minimum(np.rint(colors), largest).astype(pixels.dtype)


def meaning(page: Any, name: str, icc: bytes | None, lowest: Callable[[], int]) -> Meaning:
    """How the samples of a tifffile page become pixels.

    Args:
        page: the page.
        name: the source as messages call it.
        icc: the embedded profile, for CMYK.
        lowest: gives the smallest stored sample; asked only for signed 16-bit files.

    Raises:
        SourceError: the kind of samples is not supported.
    """
    photometric = int(page.photometric)
    if photometric not in _COLORS:
        raise SourceError(
            f"{name}: TIFF photometric interpretation {photometric} is not supported (raw sensor data or a rare colour "
            "space); convert it to gray or RGB"
        )
    found = _depth(page, name, lowest)
    if photometric == 3:
        found.notes.clear()  # indices of a palette are looked up, whatever their depth
    samples = int(page.samplesperpixel)
    needed = _COLORS[photometric]
    if samples < needed:
        raise SourceError(f"{name}: {samples} samples for a colour space of {needed}: the TIFF file is damaged")
    _take_extra(found, page, needed, samples)
    _take_color(found, page, name, photometric, icc)
    found.channels = len(found.colors) if found.color is None or photometric == 0 else found.channels
    return found


def _take_extra(found: Meaning, page: Any, needed: int, samples: int) -> None:
    stored = page.extrasamples if isinstance(page.extrasamples, tuple) else ()
    kinds = [int(kind) for kind in stored][: samples - needed]
    for i, kind in enumerate(kinds):
        if kind in (_ASSOCIATED, _UNASSOCIATED):
            found.alpha, found.premultiplied = needed + i, kind == _ASSOCIATED
            break
    found.colors = [i for i in range(samples) if i != found.alpha]
    if found.premultiplied:
        found.notes.append("premultiplied alpha divided out")


def _depth(page: Any, name: str, lowest: Callable[[], int]) -> Meaning:
    """The part of the meaning that the sample format decides."""
    kind, bits = np.dtype(page.dtype).kind, int(page.bitspersample)
    if kind in "bu" and bits <= 16:
        return _unsigned(bits)
    if kind == "f":
        notes = [] if bits == 32 else [f"{bits}-bit floating point converted to 32 bits"]
        return _meaning(np.float32, FULL_RANGES["float32"], _to_float32, notes)
    if kind == "i" and bits == 16:
        if lowest() >= 0:
            return _meaning(
                np.uint16, (0, 32767), _to_uint16, ["signed 16-bit values, none negative, taken as they are"]
            )
        return _meaning(np.uint16, (0, 65535), _shifted, ["signed 16-bit values shifted by +32768"])
    raise SourceError(
        f"{name}: TIFF samples of {np.dtype(page.dtype).name} are not taken; convert it to 8 or 16 bits or to float32"
    )


def _meaning(dtype: Any, full_range: tuple[float, float], depth: Convert, notes: list[str]) -> Meaning:
    return Meaning(np.dtype(dtype), full_range, 0, [], depth, notes=notes)


def _unsigned(bits: int) -> Meaning:
    largest = (1 << bits) - 1
    if bits in {8, 16}:
        dtype = np.dtype(np.uint8 if bits == 8 else np.uint16)
        return _meaning(dtype, (0, largest), lambda stored: stored, [])
    if bits in (1, 2, 4):
        factor = np.uint8(255 // largest)
        note = f"{bits}-bit samples scaled to 8 bits: 0 … 255"
        return _meaning(np.uint8, (0, 255), lambda stored: stored.astype(np.uint8) * factor, [note])
    dtype = np.dtype(np.uint8 if bits < 8 else np.uint16)
    return _meaning(dtype, (0, largest), lambda stored: stored.astype(dtype, copy=False), [])


def _to_float32(stored: NDArray[Any]) -> NDArray[Any]:
    with np.errstate(over="ignore"):
        return stored.astype(np.float32, copy=False)


def _to_uint16(stored: NDArray[Any]) -> NDArray[Any]:
    return stored.astype(np.uint16)


def _shifted(stored: NDArray[Any]) -> NDArray[Any]:
    return (stored.astype(np.int32) + 32768).astype(np.uint16)


def _take_color(found: Meaning, page: Any, name: str, photometric: int, icc: bytes | None) -> None:
    """The part of the meaning that the photometric interpretation decides."""
    if photometric == 0:
        largest = found.dtype.type(found.full_range[1])
        found.color = lambda pixels: largest - pixels
        found.notes.append(f"white-is-zero samples inverted: {largest:g} − value")
    elif photometric == 3:
        found.channels, found.colors = 3, [0]
        found.color = _palette(found, page, name)
    elif photometric == 5:
        _take_inks(found, name, icc)
    elif photometric == 8:
        found.channels, found.colors, found.color = 3, [0, 1, 2], _lab(found, name)
    elif photometric == 6 and int(page.compression) != 7:
        found.channels, found.colors, found.color = 3, [0, 1, 2], _ycbcr(found, name)


def _take_inks(found: Meaning, name: str, icc: bytes | None) -> None:
    if found.dtype.kind != "u" or found.full_range[1] not in (255, 65535):
        raise SourceError(f"{name}: CMYK of {found.dtype.name} is not supported; save it with 8 or 16 bits or as RGB")
    if len(found.colors) > 4:
        found.notes.append(f"{len(found.colors) - 4} spot colours dropped")
    found.channels, found.colors, found.keeps_profile = 3, [0, 1, 2, 3], False
    found.color, note = cmyk_to_rgb(icc, found.dtype.itemsize * 8)
    found.notes.append(note)


def _lab(found: Meaning, name: str) -> ToRgb:
    if found.dtype != np.uint8:
        raise SourceError(f"{name}: Lab of {found.dtype.name} is not supported; save it as RGB")
    convert, note = lab_to_rgb()
    found.keeps_profile = False
    found.notes.append(note)
    return convert


def _ycbcr(found: Meaning, name: str) -> ToRgb:
    if found.dtype != np.uint8:
        raise SourceError(f"{name}: YCbCr of {found.dtype.name} is not supported; save it as RGB")
    found.notes.append("YCbCr converted to RGB")

    def convert(pixels: NDArray[Any]) -> NDArray[Any]:
        luma = pixels[:, :, 0].astype(np.float32)
        blue, red = (pixels[:, :, i].astype(np.float32) - 128 for i in (1, 2))
        rgb = np.stack([luma + 1.402 * red, luma - 0.344136 * blue - 0.714136 * red, luma + 1.772 * blue], axis=2)
        whole: NDArray[Any] = np.clip(np.rint(rgb), 0, 255).astype(np.uint8)
        return whole

    return convert


def _palette(found: Meaning, page: Any, name: str) -> Convert:
    bits = int(page.bitspersample)
    table: NDArray[Any] = np.asarray(page.colormap) if page.colormap is not None else np.empty(0)
    if found.dtype.kind != "u" or table.shape != (3, 1 << bits):
        raise SourceError(f"{name}: the palette is missing or has another length than {1 << bits}; the file is damaged")
    table = table.T.astype(np.uint16)
    # By the standard 16 bits; older programs wrote 8.
    colors = (table if table.max() < 256 else np.rint(table / 257.0)).astype(np.uint8)
    if table.max() >= 256 and (table % 256).max() == 0:
        colors = (table >> 8).astype(np.uint8)
    alpha = found.depth
    found.notes.append("palette converted to RGB")
    found.indexed = True
    found.dtype, found.full_range = np.dtype(np.uint8), (0, 255)
    found.depth = (lambda stored: (stored >> 8).astype(np.uint8)) if bits == 16 else alpha

    def look_up(indices: NDArray[Any]) -> NDArray[Any]:
        return np.take(colors, indices[:, :, 0].astype(np.intp), axis=0)

    return look_up

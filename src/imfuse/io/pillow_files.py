"""JPEG, BMP and GIF files, and Pillow pictures, as sources."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from imfuse.errors import SourceError
from imfuse.io.arrays import ArraySource
from imfuse.io.cmyk import ToRgb, cmyk_to_rgb, lab_to_rgb
from imfuse.io.decoded import Decoded, DecodedFile, Header
from imfuse.io.limits import check_scans, check_size
from imfuse.io.metadata import clean_exif, clean_icc, clean_resolution, exif_resolution, upright
from imfuse.io.naming import reading
from imfuse.io.orientation import orient, turning_notes
from imfuse.io.source import Metadata

if TYPE_CHECKING:
    from PIL import Image, ImageFile

# Pillow mode → (mode to convert to, colour channels, has alpha); missing modes are refused.
_MODES: dict[str, tuple[str, int, bool]] = {
    "1": ("L", 1, False),
    "L": ("L", 1, False),
    "LA": ("LA", 1, True),
    "La": ("LA", 1, True),
    "P": ("RGB", 3, False),
    "PA": ("RGBA", 3, True),
    "RGB": ("RGB", 3, False),
    "RGBX": ("RGB", 3, False),
    "RGBA": ("RGBA", 3, True),
    "RGBa": ("RGBA", 3, True),
    "CMYK": ("CMYK", 3, False),
    "LAB": ("LAB", 3, False),
    "YCbCr": ("RGB", 3, False),
    "HSV": ("RGB", 3, False),
}
_WITH_ALPHA = {"L": "LA", "1": "LA", "P": "RGBA", "RGB": "RGBA"}


def _plugin(kind: str) -> Any:
    # The plugins themselves, not Image.open: they read the header alone, without Pillow's global pixel limit.
    if kind == "JPEG":
        from imfuse.io.jpeg import JpegFile

        return JpegFile
    if kind == "BMP":
        from PIL import BmpImagePlugin

        return BmpImagePlugin.BmpImageFile
    from PIL import GifImagePlugin

    return GifImagePlugin.GifImageFile


def _target(picture: Image.Image, name: str) -> tuple[str, int, bool]:
    """The mode that the picture is converted to, its colour channels, and whether it has alpha."""
    mode = picture.mode
    if mode not in _MODES:
        raise SourceError(f"{name}: pictures of Pillow's mode {mode} are not taken; convert it to L, RGB or I;16")
    if mode in _WITH_ALPHA and "transparency" in picture.info:
        target = _WITH_ALPHA[mode]
        return target, _MODES[mode][1], True
    return _MODES[mode]


def _inks(picture: Image.Image) -> tuple[ToRgb | None, tuple[str, ...]]:
    """The conversion of a CMYK or Lab picture, and notes of this and other conversions."""
    mode = picture.mode
    if mode == "CMYK":
        convert, note = cmyk_to_rgb(picture.info.get("icc_profile"))
        return convert, (note,)
    if mode == "LAB":
        convert, note = lab_to_rgb()
        return convert, (note,)
    notes = {
        "1": "1-bit converted to 8-bit gray: 0 and 255",
        "P": "palette converted to RGB",
        "PA": "palette converted to RGB",
        "La": "premultiplied alpha divided out",
        "RGBa": "premultiplied alpha divided out",
        "YCbCr": "YCbCr converted to RGB",
        "HSV": "HSV converted to RGB",
    }
    return None, (notes[mode],) if mode in notes else ()


def _pixels(picture: Image.Image, target: str, convert: ToRgb | None) -> Decoded:
    picture.load()
    turned = picture if picture.mode == target else picture.convert(target)
    samples = np.array(turned)
    samples = samples[:, :, None] if samples.ndim == 2 else samples
    if convert is not None:
        return convert(samples), None
    return (samples[:, :, :-1], samples[:, :, -1]) if target in ("LA", "RGBA") else (samples, None)


def open_pillow(path: Path, name: str, kind: str) -> DecodedFile:
    """Open a JPEG, BMP or GIF file: its header is read now, its pixels at the first read.

    Raises:
        SourceError: the file is damaged, or its header claims more than the file can hold.
    """
    with reading(name, kind), path.open("rb") as file, _plugin(kind)(file) as picture:
        size = path.stat().st_size
        target, channels, has_alpha = _target(picture, name)
        check_size(name, kind, picture.width, picture.height, pixel_bytes=channels + has_alpha, file_size=size)
        if kind == "JPEG":
            _check_scans(path, name, picture.width * picture.height)
        convert, notes = _inks(picture)
        header = _header(picture, kind, channels, has_alpha, notes, converted=convert is not None)
    return DecodedFile(path, name, header, lambda: _decode(path, kind, target, convert))


def _check_scans(path: Path, name: str, pixels: int) -> None:
    from imfuse.io.jpeg import count_scans

    with path.open("rb") as file:
        check_scans(name, pixels, count_scans(file))


def _header(
    picture: ImageFile.ImageFile, kind: str, channels: int, has_alpha: bool, notes: tuple[str, ...], *, converted: bool
) -> Header:
    metadata, orientation, more = picture_metadata(picture.info, channels, converted=converted)
    frames = getattr(picture, "n_frames", 1) if kind == "GIF" else 1
    if frames > 1:
        more = (*more, f"animated GIF: the first of {frames} frames taken")
    return Header(
        kind,
        picture.height,
        picture.width,
        channels,
        np.dtype(np.uint8),
        has_alpha,
        orientation,
        metadata,
        (*notes, *more),
    )


def _decode(path: Path, kind: str, target: str, convert: ToRgb | None) -> Decoded:
    with path.open("rb") as file, _plugin(kind)(file) as picture:
        return _pixels(picture, target, convert)


def picture_metadata(
    info: dict[Any, Any], channels: int, *, converted: bool = False
) -> tuple[Metadata, int, tuple[str, ...]]:
    """Metadata, orientation and notes from what Pillow found; no profile where the colours were ``converted``."""
    exif = clean_exif(info.get("exif"))
    icc, icc_notes = (None, ()) if converted else clean_icc(info.get("icc_profile"), "GRAY" if channels == 1 else "RGB")
    metadata = Metadata(exif.block, icc, _resolution(info, exif_resolution(exif.block)))
    return metadata, exif.orientation, (*exif.notes, *icc_notes)


def _resolution(info: dict[Any, Any], stated: tuple[float, float] | None) -> tuple[float, float] | None:
    """The resolution that Pillow found, or else the one that the EXIF block states."""
    dots = info.get("dpi")
    found = clean_resolution(*dots) if isinstance(dots, tuple) and len(dots) == 2 else None
    if found is None or stated is None:
        return found or stated
    # Where a JPEG has none but in its EXIF block, Pillow takes the horizontal resolution for both.
    copied = info.get("jfif_unit") not in (1, 2) and found[0] == found[1]
    return stated if copied and math.isclose(found[0], stated[0], rel_tol=1e-3) else found


def _deep_pixels(picture: Image.Image, name: str) -> tuple[NDArray[Any], tuple[str, ...]]:
    """The samples of Pillow's modes I;16*, I and F."""
    samples = np.asarray(picture)
    if picture.mode == "F":
        return samples.astype(np.float32, copy=False), ()
    if samples.min() < 0 or samples.max() > 65535:
        raise SourceError(f"{name}: mode {picture.mode} with values outside 0 … 65535; convert it to 16 bits or float")
    notes = ("32-bit integers within 0 … 65535 taken as 16 bits",) if picture.mode == "I" else ()
    return samples.astype(np.uint16), notes


def picture_source(picture: Image.Image, name: str) -> ArraySource:
    """A Pillow picture as a source; its EXIF orientation is applied.

    Raises:
        SourceError: the picture is empty, damaged or of a mode that is not taken.
    """
    if 0 in picture.size:
        raise SourceError(f"{name}: the picture is empty, {picture.width} × {picture.height} pixels")
    with reading(name, "a picture"):
        alpha: NDArray[Any] | None = None
        if picture.mode in ("I", "F") or picture.mode.startswith("I;16"):
            samples, notes = _deep_pixels(picture, name)
            pixels, convert = samples[:, :, None], None
        else:
            target, _, _ = _target(picture, name)
            convert, notes = _inks(picture)
            pixels, alpha = _pixels(picture, target, convert)
        info = dict(picture.info)
        info.setdefault("exif", picture.getexif().tobytes() if picture.getexif() else None)
        metadata, orientation, more = picture_metadata(info, pixels.shape[2], converted=convert is not None)
    stacked = pixels if alpha is None else np.concatenate([pixels, alpha[:, :, None]], axis=2)
    return ArraySource(
        orient(stacked, orientation),
        name,
        has_alpha=alpha is not None,
        metadata=upright(metadata, orientation),
        notes=(*notes, *more, *turning_notes(orientation)),
    )

"""One door for everything that is written: format by ending, conversions told, the file whole or not at all."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imfuse.errors import OutputError
from imfuse.io.atomic import atomic_path, check_output
from imfuse.io.formats import FORMATS
from imfuse.io.metadata import clean_icc, exif_resolution
from imfuse.io.naming import shown, writing
from imfuse.io.source import Metadata

_EXIF_LIMIT_JPEG = 65533 - 6


@dataclass(frozen=True, slots=True)
class _Format:
    """What a format holds: bits of integers, alpha, more than three channels, gray, longest side, metadata."""

    bits: int
    alpha: bool
    gray: bool
    side: int
    exif: bool
    icc: bool


_HOLDS = {
    "PNG": _Format(16, alpha=True, gray=True, side=0x7FFFFFFF, exif=True, icc=True),
    "JPEG": _Format(8, alpha=False, gray=True, side=65500, exif=True, icc=True),
    "WebP": _Format(8, alpha=True, gray=False, side=16383, exif=True, icc=True),
    "BMP": _Format(8, alpha=False, gray=True, side=0x7FFFFFFF, exif=False, icc=False),
    "TIFF": _Format(32, alpha=True, gray=True, side=0xFFFFFFFF, exif=True, icc=True),
}


def check_format(path: str | os.PathLike[str]) -> str:
    """Refuse a name with which no picture can be written, before there is one.

    Returns:
        The format that the ending tells, such as ``"PNG"``.

    Raises:
        OutputError: the ending is unknown.
    """
    ending = Path(os.fsdecode(path)).suffix
    kind = FORMATS.get(ending.lower())
    if kind is None:
        raise OutputError(
            f"{shown(path)}: the ending {shown(ending) or '(none)'} is no format that imfuse writes; "
            "use .png, .jpg, .tif, .bmp or .webp"
        )
    return kind


def save_image(
    path: str | os.PathLike[str],
    image: NDArray[Any],
    *,
    metadata: Metadata | None = None,
    alpha: bool = False,
    overwrite: bool = False,
    quality: int = 95,
) -> tuple[str, ...]:
    """Write a picture; the format is told by the ending: .png, .jpg, .jpeg, .tif, .tiff, .bmp or .webp.

    PNG holds 8 and 16 bits; TIFF 8, 16 bits and float and any number of channels; JPEG, BMP and WebP (written
    lossless) hold 8 bits. What the format cannot hold is converted, and a note says so. The file appears whole or not
    at all.

    Args:
        path: the file; its folder must exist.
        image: (H, W) or (H, W, C), uint8, uint16, or float32 in [0, 1] (a TIFF takes floats of any range).
        metadata: EXIF, ICC profile and resolution to store.
        alpha: whether the last channel is alpha.
        overwrite: whether a file that exists is replaced.
        quality: of a JPEG, 1 … 100; its chroma is not subsampled.

    Returns:
        Notes of every conversion and of everything that was dropped.

    Raises:
        OutputError: the ending is unknown, the picture does not fit the format, or the file cannot be written.
    """
    target = Path(os.fsdecode(path))
    name = shown(target)
    kind = check_format(target)
    if not 1 <= quality <= 100:
        raise OutputError(f"{name}: quality {quality} is not within 1 … 100")
    check_output(target, overwrite)
    samples = _checked(image, alpha, name)
    samples, alpha, notes = _fitted(samples, alpha, kind, name)
    kept, dropped = _carried(metadata or Metadata(), samples.shape[2] - alpha, kind)
    with atomic_path(target, overwrite) as part, writing(name):
        _encode(part, kind, samples, kept, alpha=alpha, quality=quality)
    return notes + dropped


def _checked(image: NDArray[Any], alpha: bool, name: str) -> NDArray[Any]:
    """The image as (H, W, C)."""
    if image.ndim not in (2, 3) or 0 in image.shape or (alpha and (image.ndim == 2 or image.shape[2] < 2)):
        also = " with alpha" if alpha else ""
        raise OutputError(f"{name}: an array of shape {image.shape}{also} is no picture; give (H, W) or (H, W, C)")
    if image.dtype.name not in ("uint8", "uint16", "float32"):
        raise OutputError(f"{name}: {image.dtype.name} cannot be written; convert to uint8, uint16 or float32")
    samples = image[:, :, None] if image.ndim == 2 else image
    return np.ascontiguousarray(samples, samples.dtype.newbyteorder("="))


def _fitted(samples: NDArray[Any], alpha: bool, kind: str, name: str) -> tuple[NDArray[Any], bool, tuple[str, ...]]:
    """The samples as the format holds them, whether they end with alpha, and notes of what was converted."""
    holds, notes = _HOLDS[kind], []
    height, width = samples.shape[:2]
    if max(height, width) > holds.side:
        raise OutputError(
            f"{name}: {width} × {height} pixels; {kind} holds at most {holds.side} a side, use .tif or .png"
        )
    colors = samples.shape[2] - alpha
    if kind != "TIFF" and colors not in (1, 3):
        raise OutputError(f"{name}: {colors} bands; only TIFF holds other than 1 or 3, use .tif")
    if alpha and not holds.alpha:
        samples, alpha = samples[:, :, :-1], False
        notes.append(f"alpha dropped because {kind} has none")
    if samples.dtype == np.float32 and kind != "TIFF":
        samples, clipped = _quantised(samples, holds.bits)
        notes.append(f"floating point scaled from 0 … 1 to {holds.bits} bits because {kind} holds integers")
        if clipped:
            notes.append(f"{clipped} values outside 0 … 1 clipped")
    if samples.dtype == np.uint16 and holds.bits == 8:
        samples = ((samples.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)
        notes.append(f"16 bits converted to 8 because {kind} holds 8")
    if colors == 1 and not holds.gray:
        samples = np.concatenate([samples[:, :, :1]] * 3 + [samples[:, :, 1:]], axis=2)
        notes.append(f"gray stored as RGB because {kind} has no gray")
    return np.ascontiguousarray(samples), alpha, tuple(notes)


def _quantised(samples: NDArray[Any], bits: int) -> tuple[NDArray[Any], int]:
    """[0, 1] to integers, and how many values (NaN among them, which becomes 0) were outside."""
    largest = (1 << bits) - 1
    clipped = samples.size - int(np.count_nonzero((samples >= 0) & (samples <= 1)))
    known = np.nan_to_num(samples, nan=0.0) if clipped else samples
    scaled = np.rint(np.clip(known, 0, 1) * np.float32(largest))
    return scaled.astype(np.uint8 if bits == 8 else np.uint16), clipped


def _carried(metadata: Metadata, colors: int, kind: str) -> tuple[Metadata, tuple[str, ...]]:
    """What of the metadata the format holds, and notes of what was dropped."""
    holds = _HOLDS[kind]
    icc, notes = clean_icc(metadata.icc, "GRAY" if colors == 1 else "RGB")
    kept = replace(metadata, icc=icc)
    if kept.icc and not holds.icc:
        kept, notes = replace(kept, icc=None), (*notes, f"ICC profile dropped because {kind} has none")
    if kept.exif and not holds.exif:
        kept, notes = replace(kept, exif=None), (*notes, f"EXIF dropped because {kind} has none")
    if kept.exif and kind == "JPEG" and len(kept.exif) > _EXIF_LIMIT_JPEG:
        kept, notes = replace(kept, exif=None), (*notes, "EXIF dropped because JPEG holds 64 kB of it")
    if kept.resolution and kind == "WebP" and exif_resolution(kept.exif) is None:
        kept, notes = replace(kept, resolution=None), (*notes, "resolution dropped because WebP has none")
    if kept.resolution and kind == "JPEG" and max(kept.resolution) > 65535:
        kept, notes = replace(kept, resolution=None), (*notes, "resolution dropped because JPEG holds up to 65535")
    return kept, notes


def _encode(path: Path, kind: str, samples: NDArray[Any], metadata: Metadata, *, alpha: bool, quality: int) -> None:
    if kind == "PNG":
        from imfuse.io.png_write import write_png

        write_png(path, samples, metadata)
    elif kind == "TIFF":
        from imfuse.io.tiff_write import write_tiff

        write_tiff(path, samples, alpha, metadata)
    else:
        _encode_pillow(path, kind, samples, metadata, quality)


def _encode_pillow(path: Path, kind: str, samples: NDArray[Any], metadata: Metadata, quality: int) -> None:
    from PIL import Image

    options: dict[str, Any] = {}
    if metadata.resolution and kind != "WebP":
        options["dpi"] = metadata.resolution
    if metadata.exif:
        options["exif"] = b"Exif\0\0" + metadata.exif
    if metadata.icc:
        options["icc_profile"] = metadata.icc
    if kind == "JPEG":
        options |= {"quality": quality, "subsampling": 0}
    if kind == "WebP":
        options |= {"lossless": True, "exact": True}
    picture = Image.fromarray(samples[:, :, 0] if samples.shape[2] == 1 else samples)
    with path.open("wb") as file:
        picture.save(file, format=kind.upper(), **options)

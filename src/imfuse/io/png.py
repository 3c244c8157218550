"""PNG files as sources, 16 bits a sample included."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imfuse.errors import SourceError
from imfuse.io.decoded import Decoded, DecodedFile, Header
from imfuse.io.limits import check_size
from imfuse.io.metadata import clean_exif, clean_icc, clean_resolution, exif_resolution
from imfuse.io.naming import reading
from imfuse.io.png_chunks import PngChunks, pixel_stream, profile, resolution, walk
from imfuse.io.png_interlaced import deinterlaced
from imfuse.io.source import Metadata


def open_png(path: Path, name: str) -> DecodedFile:
    """Open a PNG file: its chunks are walked now, its pixels decoded at the first read.

    Palettes become RGB (gray if all their colours are), tRNS becomes alpha, depths below 8 become 0 … 255.

    Raises:
        SourceError: the file is truncated or damaged, or its header claims more than the file can hold.
    """
    with reading(name, "PNG"), path.open("rb") as file:
        size = path.stat().st_size
        chunks = walk(file, size, name)
        header = _header(chunks, name, size)
    return DecodedFile(path, name, header, lambda: _decode(path, chunks, name))


def _header(chunks: PngChunks, name: str, size: int) -> Header:
    dtype = np.dtype(np.uint16 if chunks.depth == 16 else np.uint8)
    channels = 3 if chunks.color in (2, 6) else 1
    notes = list(chunks.notes)
    if chunks.color == 3:
        channels = 1 if _palette(chunks)[1] else 3
        notes.append(f"palette converted to {'gray' if channels == 1 else 'RGB'}")
    if chunks.depth < 8 and chunks.color == 0:
        notes.append(f"{chunks.depth}-bit gray scaled to 8 bits")
    has_alpha = chunks.color in (4, 6) or _has_key(chunks)
    if b"tRNS" in chunks.small and not _has_key(chunks):
        notes.append("damaged tRNS chunk dropped")
    check_size(
        name, "PNG", chunks.width, chunks.height, pixel_bytes=(channels + has_alpha) * dtype.itemsize, file_size=size
    )
    if b"acTL" in chunks.small:
        notes.append(f"animated PNG: the first of {int.from_bytes(chunks.small[b'acTL'][:4], 'big')} frames taken")
    exif = clean_exif(chunks.small.get(b"eXIf"))
    icc, icc_notes = clean_icc(profile(chunks), "GRAY" if channels == 1 else "RGB")
    dots = resolution(chunks)
    dots = clean_resolution(*dots) if dots else exif_resolution(exif.block)
    return Header(
        "PNG",
        chunks.height,
        chunks.width,
        channels,
        dtype,
        has_alpha,
        exif.orientation,
        Metadata(exif.block, icc, dots),
        (*notes, *exif.notes, *icc_notes),
    )


def _has_key(chunks: PngChunks) -> bool:
    data = chunks.small.get(b"tRNS")
    if data is None:
        return False
    return (chunks.color == 3 and len(data) > 0) or len(data) == {0: 2, 2: 6}.get(chunks.color, -1)


def _palette(chunks: PngChunks) -> tuple[NDArray[np.uint8], bool]:
    """The palette as (256, 3) and whether all its colours are gray."""
    data = chunks.small[b"PLTE"][: 256 * 3]
    colors = np.frombuffer(data[: len(data) // 3 * 3], np.uint8).reshape(-1, 3)
    table = np.zeros((256, 3), np.uint8)
    table[: len(colors)] = colors
    return table, bool((colors == colors[:, :1]).all())


def _decode(path: Path, chunks: PngChunks, name: str) -> Decoded:
    with path.open("rb") as file:
        stream = pixel_stream(file, chunks, name)
    samples = _samples(stream, chunks, name)
    if chunks.color == 3:
        return _expand_palette(samples[:, :, 0], chunks)
    if chunks.color in (4, 6):
        return samples[:, :, :-1], samples[:, :, -1]
    return samples, _key_alpha(samples, chunks) if _has_key(chunks) else None


def _samples(stream: bytes, chunks: PngChunks, name: str) -> NDArray[Any]:
    """The samples (H, W, channels) as stored; gray and palette indices below 8 bits scaled to 0 … 255."""
    import imagecodecs

    # libpng, unlike Pillow, refuses pixels that end before the header's last row, and keeps 16 bits.
    decode = imagecodecs.png_decode
    samples: NDArray[Any] = deinterlaced(stream, chunks, decode) if chunks.header[12] else decode(stream)
    if samples.shape[:2] != (chunks.height, chunks.width):
        raise SourceError(f"{name}: decoded to {samples.shape}: the PNG file is damaged; save it again")
    return samples.reshape(chunks.height, chunks.width, -1)


def _expand_palette(indices: NDArray[np.uint8], chunks: PngChunks) -> Decoded:
    colors, gray = _palette(chunks)
    indices = indices // np.uint8(255 // ((1 << chunks.depth) - 1))
    pixels = np.take(colors[:, :1] if gray else colors, indices, axis=0)
    if not _has_key(chunks):
        return pixels, None
    opacity = np.full(256, 255, np.uint8)
    data = np.frombuffer(chunks.small[b"tRNS"][:256], np.uint8)
    opacity[: len(data)] = data
    return pixels, np.take(opacity, indices)


def _key_alpha(samples: NDArray[Any], chunks: PngChunks) -> NDArray[Any]:
    """Opacity that is 0 where a pixel has tRNS's colour, else the largest value."""
    largest = np.iinfo(samples.dtype).max
    data = chunks.small[b"tRNS"]
    key = np.array(struct.unpack(f">{len(data) // 2}H", data)) & ((1 << chunks.depth) - 1)
    if chunks.depth < 8:
        key = key * (255 // ((1 << chunks.depth) - 1))
    opaque = (samples != key.astype(samples.dtype)).any(axis=2)
    alpha: NDArray[Any] = opaque.astype(samples.dtype) * samples.dtype.type(largest)
    return alpha

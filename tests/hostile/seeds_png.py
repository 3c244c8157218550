"""Valid PNG files of every depth and colour, plain and interlaced, written here byte by byte."""

from __future__ import annotations

import struct
import zlib
from itertools import product

import numpy as np

from hostile.seeds import HEIGHT, WIDTH, Pixels, Seed, exif_block, picture, profile_header, rgb_profile, upright

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_ADAM7 = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))

Chunk = tuple[bytes, bytes]


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def joined(chunks: list[Chunk]) -> bytes:
    """A file of chunks, every check sum right."""
    return SIGNATURE + b"".join(chunk(kind, data) for kind, data in chunks)


def packed_rows(samples: Pixels, depth: int) -> bytes:
    """Rows of (H, W, samples) as PNG stores them, each after filter type 0."""
    if depth == 16:
        rows = [row.astype(">u2").tobytes() for row in samples]
    elif depth == 8:
        rows = [row.astype(np.uint8).tobytes() for row in samples]
    else:
        shifts = np.arange(depth - 1, -1, -1)
        bits = (samples.reshape(len(samples), -1, 1) >> shifts & 1).astype(np.uint8)
        rows = [row.tobytes() for row in np.packbits(bits.reshape(len(samples), -1), axis=1)]
    return b"".join(b"\0" + row for row in rows)


def pixel_data(samples: Pixels, depth: int, interlaced: bool) -> bytes:
    if not interlaced:
        return packed_rows(samples, depth)
    passes = [samples[top::down, left::across] for top, left, down, across in _ADAM7]
    return b"".join(packed_rows(part, depth) for part in passes if part.size)


def png_chunks(samples: Pixels, depth: int, color: int, interlaced: bool = False, *more: Chunk) -> list[Chunk]:
    head = struct.pack(">IIBBBBB", WIDTH, HEIGHT, depth, color, 0, 0, interlaced)
    data = zlib.compress(pixel_data(samples, depth, interlaced))
    half = len(data) // 2
    return [(b"IHDR", head), *more, (b"IDAT", data[:half]), (b"IDAT", data[half:]), (b"IEND", b"")]


def png_seeds() -> list[Seed]:
    seeds = []
    colours = np.random.default_rng(5).integers(0, 256, (256, 3), np.uint8)
    depths = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
    for color, interlaced in product(depths, (False, True)):
        for depth in depths[color]:
            dtype = np.uint16 if depth == 16 else np.uint8
            largest = (1 << depth) - 1
            samples = picture(_SAMPLES[color], largest, dtype)
            more: list[Chunk] = [(b"PLTE", colours[: largest + 1].tobytes())] if color == 3 else []
            shown = colours[samples[:, :, 0]] if color == 3 else samples * dtype(255 // largest if depth < 8 else 1)
            name = f"png {depth} bits of colour type {color}{' interlaced' * interlaced}"
            seeds.append(Seed(name, "PNG", joined(png_chunks(samples, depth, color, interlaced, *more)), shown))
    return [*seeds, *_with_more(colours)]


def _with_more(colours: Pixels) -> list[Seed]:
    gray, rgb = picture(1), picture(3)
    indices = gray >> 4
    opacity = np.arange(0, 256, 16, dtype=np.uint8)
    clear = np.concatenate([colours[indices[:, :, 0]], opacity[indices]], axis=2)
    palette = (b"PLTE", colours[:16].tobytes()), (b"tRNS", opacity.tobytes())
    key = int(gray[3, 3, 0])
    keyed = np.concatenate([gray, np.where(gray == key, 0, 255).astype(np.uint8)], axis=2)
    blobs: tuple[Chunk, ...] = (
        (b"iCCP", b"sRGB\0\0" + zlib.compress(rgb_profile())),
        (b"pHYs", struct.pack(">IIB", 2835, 2835, 1)),
        (b"eXIf", exif_block(5)),
        (b"tEXt", b"Comment\0words"),
        (b"tIME", struct.pack(">HBBBBB", 2024, 1, 2, 3, 4, 5)),
    )
    gray_profile = (b"iCCP", b"gray\0\0" + zlib.compress(profile_header(b"GRAY")))
    frame = struct.pack(">IIIIIHHBB", 0, WIDTH, HEIGHT, 0, 0, 1, 10, 0, 0)
    film = png_chunks(rgb, 8, 2, False, (b"acTL", struct.pack(">II", 2, 0)), (b"fcTL", frame))
    second = zlib.compress(pixel_data(rgb[::-1], 8, False))
    film[-1:-1] = [(b"fcTL", struct.pack(">I", 1) + frame[4:]), (b"fdAT", struct.pack(">I", 2) + second)]
    return [
        Seed("png palette with opacity", "PNG", joined(png_chunks(indices, 4, 3, False, *palette)), clear),
        Seed("png key", "PNG", joined(png_chunks(gray, 8, 0, False, (b"tRNS", struct.pack(">H", key)))), keyed),
        Seed("png metadata", "PNG", joined(png_chunks(rgb, 8, 2, False, *blobs)), upright(rgb, 5), orientation=5),
        Seed("png gray icc", "PNG", joined(png_chunks(gray, 8, 0, False, gray_profile)), gray),
        Seed("png animated", "PNG", joined(film), rgb),
    ]

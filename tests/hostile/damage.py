"""Damage that knows nothing of formats: bits, cuts, insertions, extreme numbers, foreign and doubled parts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")
Rng = np.random.Generator
Damage = Callable[[Rng, bytes], bytes]

EXTREMES = (0, 1, 2, 3, 7, 8, 127, 128, 255, 256, 4095, 32767, 32768, 65534, 65535, 65536, 1 << 20, 1 << 24, 10**6)
EXTREMES_WIDE = (
    *EXTREMES,
    (1 << 31) - 1,
    1 << 31,
    (1 << 32) - 1,
    (1 << 32) - 16,
    1 << 33,
    (1 << 63) - 1,
    (1 << 64) - 1,
)


def below(rng: Rng, end: int) -> int:
    """A whole number in [0, end), 0 for an empty range."""
    return int(rng.integers(0, end)) if end > 0 else 0


def pick(rng: Rng, choices: Sequence[T]) -> T:
    return choices[below(rng, len(choices))]


def extreme(rng: Rng, size: int) -> int:
    """A number of ``size`` bytes where programs break: powers of two, one beside them, signs, or anything."""
    value = pick(rng, EXTREMES_WIDE) if rng.random() < 0.8 else int(rng.integers(0, 1 << 63))
    return value & ((1 << 8 * size) - 1)


def garbage(rng: Rng, longest: int = 400) -> bytes:
    """Bytes of any kind: random, zeros, ones, text, or something that begins like a known block."""
    size = below(rng, longest + 1)
    heads = (
        b"",
        b"Exif\0\0",
        b"II*\0\x08\0\0\0",
        b"MM\0*\0\0\0\x08",
        b"ICC_PROFILE\0\1\1",
        b"<?xpacket begin='",
        b"\xff\xd8",
    )
    body = pick(
        rng, (rng.bytes(size), bytes(size), b"\xff" * size, b"A" * size, "é\u2028\x1b%s%n".encode() * (size // 9))
    )
    return pick(rng, heads) + body


def flip_bits(rng: Rng, data: bytes) -> bytes:
    out = bytearray(data)
    for _ in range(int(rng.integers(1, 9))):
        # Headers are small and are hit as often as pixels.
        place = below(rng, len(out) if rng.random() < 0.5 else min(len(out), 64))
        if out:
            out[place] ^= 1 << below(rng, 8)
    return bytes(out)


def set_number(rng: Rng, data: bytes) -> bytes:
    """An extreme number of 1, 2, 4 or 8 bytes in either byte order, mostly near the beginning."""
    size = pick(rng, (1, 2, 4, 8))
    place = below(rng, len(data) if rng.random() < 0.4 else min(len(data), 120))
    number = extreme(rng, size).to_bytes(size, pick(rng, ("little", "big")))
    return data[:place] + number + data[place + size :]


def cut(rng: Rng, data: bytes) -> bytes:
    return data[: below(rng, len(data))]


def cut_out(rng: Rng, data: bytes) -> bytes:
    start = below(rng, len(data))
    return data[:start] + data[start + 1 + below(rng, 64) :]


def insert(rng: Rng, data: bytes) -> bytes:
    place = below(rng, len(data) + 1)
    return data[:place] + garbage(rng, 64) + data[place:]


def repeat(rng: Rng, data: bytes) -> bytes:
    start = below(rng, len(data))
    part = data[start : start + 1 + below(rng, 200)]
    return data[: start + len(part)] + part * int(rng.integers(1, 30)) + data[start + len(part) :]


def fill(rng: Rng, data: bytes) -> bytes:
    """A range of zeros or ones."""
    start = below(rng, len(data))
    size = min(1 + below(rng, 100), len(data) - start)
    return data[:start] + pick(rng, (b"\0", b"\xff")) * size + data[start + size :]


def exchange(rng: Rng, data: bytes) -> bytes:
    """Two neighbouring ranges change places."""
    a, b, c = sorted(below(rng, len(data)) for _ in range(3))
    return data[:a] + data[b:c] + data[a:b] + data[c:]


def randomise(rng: Rng, data: bytes) -> bytes:
    """Everything after some place is noise."""
    place = below(rng, len(data))
    return data[:place] + rng.bytes(len(data) - place)


def several(rng: Rng, data: bytes) -> bytes:
    for _ in range(int(rng.integers(2, 6))):
        data = pick(rng, DAMAGE[:-1])(rng, data)
    return data


DAMAGE: tuple[Damage, ...] = (
    flip_bits,
    set_number,
    set_number,
    cut,
    cut_out,
    insert,
    repeat,
    fill,
    exchange,
    randomise,
    several,
)


def splice(rng: Rng, data: bytes, other: bytes) -> bytes:
    """The beginning of one file and the end of another, of any format."""
    return data[: below(rng, len(data) + 1)] + other[below(rng, len(other) + 1) :]


def follow(rng: Rng, data: bytes, other: bytes) -> bytes:
    """One file after the other in one; readers see the first."""
    return data + other

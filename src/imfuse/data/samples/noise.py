"""Seeded fractal noise, a function of continuous coordinates: it can be drawn at any size and in any window."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]
"""(H, W) values."""

_SIZE = 512
_TEXELS = 8
"""Texels of the table per wavelength of the noise in it."""


@lru_cache(maxsize=4)
def _table(seed: int) -> Plane:
    """(512, 512) isotropic noise, periodic, about one octave wide, with deviation 1."""
    white = np.random.default_rng(seed).standard_normal((_SIZE, _SIZE))
    frequency = np.hypot(np.fft.fftfreq(_SIZE)[:, None], np.fft.fftfreq(_SIZE)[None]) * _TEXELS
    octaves = np.log2(np.maximum(frequency, 1e-6))
    band = np.exp(-0.5 * (octaves / 0.55) ** 2)
    noise = np.fft.ifft2(np.fft.fft2(white) * band).real
    return np.asarray(noise / noise.std(), np.float32)


class Noise:
    """Fractal noise that belongs to one seed; `salt` tells apart the uses of one scene.

    Args:
        seed: which noise.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def fractal(
        self, u: Plane, v: Plane, wavelength: float, footprint: Plane | float, octaves: int = 5, salt: int = 0
    ) -> Plane:
        """Sum of octaves with halved wavelength and amplitude, each faded out before it is finer than a pixel.

        Args:
            u: (H, W) coordinates in metres.
            v: (H, W) coordinates in metres.
            wavelength: of the first octave, in metres.
            footprint: metres per pixel.
            octaves: how many at most.
            salt: another salt is another noise.

        Returns:
            (H, W) values with mean 0 and a deviation of about 1.
        """
        total = np.zeros(u.shape, np.float32)
        draw = np.random.default_rng((self._seed & 0xFFFFFFFF, salt))
        for octave in range(octaves):
            shift, turn = draw.uniform(0, _SIZE, 2), draw.uniform(0, 2 * np.pi)
            length = wavelength / 2**octave
            fade = np.clip((length / np.asarray(footprint, np.float32) - 2) / 2, 0, 1)
            if np.max(fade, initial=0) <= 0:
                break
            scale = _TEXELS / length
            total += (0.87 * 0.5**octave) * fade * _sample(_table(0), u, v, scale, turn, shift)
        return total


def _sample(table: Plane, u: Plane, v: Plane, scale: float, turn: float, shift: NDArray[np.float64]) -> Plane:
    cosine, sine = float(np.cos(turn)) * scale, float(np.sin(turn)) * scale
    x = _wrapped(np.float32(cosine) * u - np.float32(sine) * v + np.float32(shift[0]))
    y = _wrapped(np.float32(sine) * u + np.float32(cosine) * v + np.float32(shift[1]))
    return np.asarray(cv2.remap(table, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP), np.float32)


def _wrapped(x: Plane) -> Plane:
    """`x` modulo the size of the table, which is far quicker than `numpy.mod`."""
    x -= np.floor(x * np.float32(1 / _SIZE)) * np.float32(_SIZE)
    return x

"""Pairs of bands and guide for tests, and networks for them."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from imfuse.networks.csc_mmfn import CSCMMFN


def truth(height: int, width: int, bands: int = 4, seed: int = 0) -> NDArray[np.float64]:
    """Bands (H, W, bands) in [0.05, 0.95] that have much in common, with edges."""
    draws = np.random.default_rng(seed)
    rows, columns = np.mgrid[:height, :width]
    materials = np.stack(
        [np.sin(rows / draws.uniform(2, 6) + columns / draws.uniform(2, 6) + draws.uniform(0, 6)) for _ in range(3)], -1
    )
    materials[..., 0] += columns > 0.4 * width
    mixed = materials @ draws.uniform(0.1, 1, (3, bands))
    return 0.05 + 0.9 * (mixed - mixed.min()) / np.ptp(mixed)


def pair(
    height: int = 9, width: int = 11, scale: int = 4, bands: int = 4, channels: int = 3, seed: int = 0
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Bands (height, width, bands), averages over blocks, and a guide (H, W, channels), both in [0, 1]."""
    fine = truth(scale * height, scale * width, bands, seed)
    low = fine.reshape(height, scale, width, scale, bands).mean((1, 3))
    weights = np.random.default_rng(seed + 1).uniform(0, 1, (bands, channels))
    return low.astype(np.float32), (fine @ (weights / weights.sum(0))).astype(np.float32)


def tensor(array: NDArray[Any]) -> torch.Tensor:
    """An array (H, W, C) as a tensor (1, C, H, W)."""
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(array, -1, 0)))[None]


def lively_csc_mmfn(bands: int = 4, channels: int = 3, scale: int = 4, **arguments: Any) -> CSCMMFN:
    """A small CSC-MMFN of random parameters that is not the bicubic interpolation. Not a trained network."""
    torch.manual_seed(0)
    network = CSCMMFN(bands, channels, scale, **{"units": 2, "filters": 5, **arguments})
    with torch.no_grad():
        for parameter in network.decoder.parameters():
            parameter.normal_(std=0.1)
    return network.eval().requires_grad_(False)

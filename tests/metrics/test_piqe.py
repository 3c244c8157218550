import cv2
import numpy as np
import pytest
import torch
from scipy import ndimage
from skimage import data
from torch import Tensor

from imfuse.errors import UsageError
from imfuse.metrics import piqe
from imfuse.metrics.blind.piqe import piqe_blocks


def photograph(height: int, width: int) -> np.ndarray:
    return data.camera()[80 : 80 + height, 120 : 120 + width]


def score(picture: np.ndarray) -> float:
    return piqe(torch.from_numpy(np.clip(np.round(picture), 0, 255).astype(np.uint8))[None, None]).item()


def literal_piqe(picture: np.ndarray) -> float:
    """Block by block."""
    padding = [(0, -side % 16) for side in picture.shape]
    x = np.pad(picture.astype(float), padding, mode="symmetric")
    x = np.round(255 * (x / x.max()))
    mean = ndimage.gaussian_filter(x, 7 / 6, mode="nearest", radius=3)
    x = (x - mean) / (np.sqrt(np.abs(ndimage.gaussian_filter(x**2, 7 / 6, mode="nearest", radius=3) - mean**2)) + 1)
    total, active = 0.0, 0
    for top in range(0, x.shape[0], 16):
        for left in range(0, x.shape[1], 16):
            block = x[top : top + 16, left : left + 16]
            variance = block.var(ddof=1)
            if variance <= 0.1:
                continue
            active += 1
            edges = (block[0], block[-1], block[:, 0], block[:, -1])
            if any(edge[i : i + 6].std(ddof=1) < 0.1 for edge in edges for i in range(11)):
                total += 1 - variance
            surround = [column for column in range(16) if column not in (7, 9)]
            ratio = block[:, 7:9].std(ddof=1) / block[:, surround].std(ddof=1)
            deviation = np.sqrt(variance)
            if deviation > 2 * abs(deviation - ratio) / max(deviation, ratio):
                total += variance
    return 100 * (total + 1) / (active + 1)


@pytest.mark.parametrize("size", [(16, 16), (64, 80), (67, 53), (97, 161)])
@pytest.mark.parametrize("noise", [0.0, 12.0])
def test_block_by_block(size: tuple[int, int], noise: float) -> None:
    picture = photograph(*size) + np.random.default_rng(0).normal(0, noise, size)
    picture = np.clip(np.round(picture), 0, 255)
    assert score(picture) == pytest.approx(literal_piqe(picture), rel=1e-9)


def test_picture_without_active_blocks() -> None:
    for level in (0, 7, 255):
        assert score(np.full((40, 40), level)) == 100.0
    assert score(np.add.outer(np.arange(64), np.arange(64))) == 100.0


def test_stretch_to_the_maximum() -> None:
    picture = photograph(96, 96) // 2
    assert score(picture) == pytest.approx(score(2 * picture.astype(int)), rel=1e-12)


def test_distorted_photographs_are_worse() -> None:
    picture = photograph(256, 320)
    noise = np.random.default_rng(0).normal(0, 1, picture.shape)
    best = score(picture)
    blurred = [score(ndimage.gaussian_filter(picture.astype(float), sigma)) for sigma in (1.0, 3.0)]
    jpeg = [score(cv2.imdecode(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, q])[1], 0)) for q in (40, 8)]
    assert best < blurred[0] < blurred[1]
    assert best < jpeg[0] < jpeg[1]
    assert score(picture + 15 * noise) < score(picture + 40 * noise)


def test_what_the_blocks_are_found_to_be() -> None:
    rng = np.random.default_rng(0)
    noise = torch.from_numpy(rng.normal(128, 30, (1, 48, 80)))
    blocks = piqe_blocks(noise)
    assert blocks.active.shape == (1, 3, 5)
    assert blocks.active.all()
    assert blocks.noisy.all()
    assert not blocks.distorted.any()
    even: Tensor = noise.clone()
    even[:, 16:26, 16] = 100.0  # the left edge of one block
    even[:, :, 12:19] = torch.where(torch.arange(48)[:, None].remainder(16) < 10, 100.0, even[:, :, 12:19])
    assert piqe_blocks(even).distorted[0].any(dim=0).tolist() == [True, True, False, False, False]
    assert piqe_blocks(noise[:, :17, :33]).active.shape == (1, 2, 3)


def test_smallest_pictures() -> None:
    with pytest.raises(UsageError, match="at least 16×16"):
        piqe(torch.zeros(1, 1, 15, 40))

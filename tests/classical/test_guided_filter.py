import numpy as np
import pytest
import torch
from scipy import ndimage

from imfuse.classical.guided_filter import GuidedFilterFusion, saliency

LUMA = np.array([0.299, 0.587, 0.114])


def box(x: np.ndarray, radius: int) -> np.ndarray:
    size = 2 * radius + 1
    return ndimage.uniform_filter(x, size, mode="mirror")


def literal_guided(x: np.ndarray, guide: np.ndarray, radius: int, epsilon: float) -> np.ndarray:
    a = (box(x * guide, radius) - box(x, radius) * box(guide, radius)) / (
        box(guide**2, radius) - box(guide, radius) ** 2 + epsilon
    )
    return box(a, radius) * guide + box(box(x, radius) - a * box(guide, radius), radius)


def literal_saliency(gray: np.ndarray) -> np.ndarray:
    bell = np.exp(-0.5 * (np.arange(-5, 6) / 5) ** 2)
    detail = np.abs(ndimage.correlate(gray, np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0.0]]), mode="mirror"))
    return ndimage.correlate(detail, np.outer(bell, bell) / bell.sum() ** 2, mode="mirror")


def literal_gff(pictures: list[np.ndarray], radii: tuple[int, int], epsilons: tuple[float, float]) -> np.ndarray:
    """The paper's Section III on (H, W, 3), in float64."""
    grays = [picture @ LUMA for picture in pictures]
    winner = np.argmax([literal_saliency(gray) for gray in grays], axis=0)
    fused = 0
    for scale, (radius, epsilon) in enumerate(zip(radii, epsilons, strict=True)):
        weights = [literal_guided((winner == n) * 1.0, gray, radius, epsilon) for n, gray in enumerate(grays)]
        weights = np.maximum(weights, 0) + 1e-12
        weights /= weights.sum(axis=0)
        for weight, picture in zip(weights, pictures, strict=True):
            base = np.stack([ndimage.uniform_filter(picture[..., c], 31, mode="mirror") for c in range(3)], -1)
            fused = fused + weight[..., None] * (base if scale == 0 else picture - base)
    return fused


@pytest.mark.parametrize("count", [2, 3])
def test_it_is_the_method_of_the_paper(count: int) -> None:
    torch.manual_seed(count)
    pictures = [torch.rand(1, 3, 70, 64, dtype=torch.double) for _ in range(count)]
    arrays = [picture[0].permute(1, 2, 0).numpy() for picture in pictures]
    expected = literal_gff(arrays, (45, 7), (0.3, 1e-6))
    found = GuidedFilterFusion().fuse(pictures)[0].permute(1, 2, 0).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-8)


def test_saliency_is_the_blurred_laplacian() -> None:
    gray = torch.rand(1, 1, 25, 31, dtype=torch.double)
    np.testing.assert_allclose(saliency(gray)[0, 0].numpy(), literal_saliency(gray[0, 0].numpy()), atol=1e-12)


def test_the_sharp_side_of_each_picture_is_taken() -> None:
    torch.manual_seed(0)
    scene = torch.rand(1, 1, 100, 300)
    blurred = torch.from_numpy(ndimage.gaussian_filter(scene.numpy(), (0, 0, 3, 3)))
    left, right = scene.clone(), scene.clone()
    left[..., 150:], right[..., :150] = blurred[..., 150:], blurred[..., :150]
    fused = GuidedFilterFusion().fuse([left, right])
    error = (fused - scene).abs()
    assert error[..., :100].max() < 0.02
    assert error[..., 200:].max() < 0.02
    assert error.mean() < 0.1 * (blurred - scene).abs().mean()


def test_equally_salient_pictures_share_the_weight() -> None:
    """Two that are flat, beside one that is not there: the mean, whichever comes first."""
    flat = [torch.full((1, 1, 30, 30), level) for level in (0.2, 0.8)]
    torch.testing.assert_close(GuidedFilterFusion().fuse(flat), torch.full((1, 1, 30, 30), 0.5), atol=1e-6, rtol=0)

"""Two-scale saliency, ADF and principal components against their equations."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from imfuse.classical.adf import ADF
from imfuse.classical.covariance import Covariance
from imfuse.classical.pca import PCAFusion
from imfuse.classical.two_scale_saliency import TwoScaleSaliencyFusion
from imfuse.ops.diffusion import anisotropic_diffusion


def maps(count: int, height: int = 30, width: int = 26, batch: int = 1) -> list[torch.Tensor]:
    torch.manual_seed(count)
    common = torch.rand(batch, 1, height, width, dtype=torch.double)
    return [common * (n + 1) / 4 + torch.rand_like(common) / 3 for n in range(count)]


def eigenvector_weights(arrays: list[np.ndarray]) -> np.ndarray:
    values, vectors = np.linalg.eigh(np.cov([array.ravel() for array in arrays], bias=True))
    leading = vectors[:, values.argmax()]
    return leading / leading.sum()


@pytest.mark.parametrize("count", [2, 3])
def test_two_scale_saliency_is_that_of_the_paper(count: int) -> None:
    pictures = maps(count, 50, 41)
    arrays = [picture[0, 0].numpy() for picture in pictures]
    bases = np.array([ndimage.uniform_filter(array, 35, mode="mirror") for array in arrays])
    medians = np.array([ndimage.median_filter(array, 3, mode="mirror") for array in arrays])
    saliency = np.abs(bases - medians)
    expected = bases.mean(axis=0) + (saliency / saliency.sum(axis=0) * (arrays - bases)).sum(axis=0)
    found = TwoScaleSaliencyFusion().fuse(pictures)[0, 0].numpy()
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_the_saliency_of_colours_is_their_distance() -> None:
    """Channels 3 and 4 times a gray picture weigh as 5 times it does."""
    first, second = maps(2)
    zero = torch.zeros_like(first)
    scale = torch.tensor([3.0, 4.0, 0.0], dtype=torch.double).reshape(1, 3, 1, 1)
    colour = TwoScaleSaliencyFusion().fuse([first * scale, torch.cat([zero, zero, 5 * second], 1)])
    gray = TwoScaleSaliencyFusion().fuse([first, zero]), TwoScaleSaliencyFusion().fuse([zero, second])
    assert gray[0].isfinite().all()
    mean = ndimage.uniform_filter(first[0, 0].numpy(), 35, mode="mirror")
    other = ndimage.uniform_filter(second[0, 0].numpy(), 35, mode="mirror")
    near = np.abs(mean - ndimage.median_filter(first[0, 0].numpy(), 3, mode="mirror"))
    far = np.abs(other - ndimage.median_filter(second[0, 0].numpy(), 3, mode="mirror"))
    expected = mean / 2 + near / (near + far) * (first[0, 0].numpy() - mean)
    np.testing.assert_allclose(colour[0, 0].numpy(), 3 * expected, atol=1e-12)
    np.testing.assert_allclose(colour[0, 1].numpy(), 4 * expected, atol=1e-12)


@pytest.mark.parametrize("count", [2, 3])
def test_adf_adds_weighed_details_to_the_mean_base(count: int) -> None:
    pictures = maps(count)
    bases = [anisotropic_diffusion(picture, 10, 0.15, 30 / 255)[0, 0].numpy() for picture in pictures]
    details = [picture[0, 0].numpy() - base for picture, base in zip(pictures, bases, strict=True)]
    weights = eigenvector_weights(details)
    expected = np.mean(bases, axis=0) + np.tensordot(weights, details, 1)
    np.testing.assert_allclose(ADF().fuse(pictures)[0, 0].numpy(), expected, atol=1e-12)


@pytest.mark.parametrize("count", [2, 3, 4])
def test_pca_weighs_by_the_leading_eigenvector(count: int) -> None:
    pictures = maps(count, batch=2)
    fused = PCAFusion().fuse(pictures)
    for index in range(2):
        arrays = [picture[index, 0].numpy() for picture in pictures]
        expected = np.tensordot(eigenvector_weights(arrays), arrays, 1)
        np.testing.assert_allclose(fused[index, 0].numpy(), expected, atol=1e-12)


def test_pictures_that_vary_against_each_other_are_not_subtracted() -> None:
    """A negative and its picture: v = (1, −1)/√2, whose sum is zero; both weigh the same."""
    picture = maps(1)[0]
    weights = Covariance.of([picture, 1 - picture]).principal_weights()
    torch.testing.assert_close(weights, torch.full_like(weights, 0.5))
    # The contrast decides: one of a third of it has a quarter of the weight.
    weights = Covariance.of([picture, 1 - picture / 3]).principal_weights()
    torch.testing.assert_close(weights, torch.tensor([[0.75, 0.25]], dtype=torch.double))


@pytest.mark.parametrize("levels", [(0.0, 0.0, 0.0), (1.0, 0.1, 1 / 3)])
def test_flat_pictures_weigh_the_same(levels: tuple[float, ...]) -> None:
    flat = [torch.full((1, 1, 60, 50), level) for level in levels]
    torch.testing.assert_close(Covariance.of(flat).principal_weights(), torch.full((1, 3), 1 / 3).double())


def test_covariances_of_windows_merge_to_that_of_the_picture() -> None:
    pictures = maps(3, 301, 233, batch=2)
    parts = [
        Covariance.of([picture[..., rows, :] for picture in pictures])
        for rows in (slice(0, 5), slice(5, 6), slice(6, 301))
    ]
    merged = parts[0].merged(parts[1]).merged(parts[2])
    assert merged.count == 301 * 233
    for index in range(2):
        expected = np.cov([picture[index].numpy().ravel() for picture in pictures], bias=True)
        np.testing.assert_allclose(merged.matrix[index].numpy(), expected, atol=1e-12)

import cv2
import numpy as np
import pytest
import torch
from scipy import ndimage

from imfuse.errors import UsageError
from imfuse.ops.pyramid import blend, check_levels, collapse, expand, gaussian_levels, laplacian_levels, pyramid_halo
from imfuse.ops.pyramid import reduce as halved

TAPS = np.array([1, 4, 6, 4, 1]) / 16
SIZES = [(1, 1), (1, 7), (2, 2), (5, 3), (12, 9), (16, 31), (33, 20)]


def smooth(picture: np.ndarray) -> np.ndarray:
    return ndimage.correlate(picture, np.outer(TAPS, TAPS), mode="mirror")


@pytest.mark.parametrize("size", SIZES)
def test_reduce_smooths_and_keeps_every_second_sample(size: tuple[int, int]) -> None:
    picture = np.random.default_rng(0).random(size)
    found = halved(torch.from_numpy(picture)[None, None])[0, 0]
    np.testing.assert_allclose(found, smooth(picture)[::2, ::2], atol=1e-12)


@pytest.mark.parametrize("size", SIZES)
def test_expand_smooths_what_has_zeros_between_its_samples(size: tuple[int, int]) -> None:
    """With reflection of the expanded grid; one pixel is repeated, so that a single row has no zeros beside it."""
    coarse = np.random.default_rng(1).random([-(-length // 2) for length in size])
    spread = np.zeros(size)
    spread[::2, ::2] = coarse
    found = expand(torch.from_numpy(coarse)[None, None], *size)[0, 0]
    expected = 4 * smooth(spread)
    rows, columns = (slice(None) if length > 1 else 0 for length in size)
    if min(size) > 1:
        np.testing.assert_allclose(found, expected, atol=1e-12)
    else:  # of one row, the five taps all fall on it
        np.testing.assert_allclose(found[rows, columns], expected[rows, columns] / 2 ** size.count(1), atol=1e-12)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("levels", [0, 1, 4, 7])
def test_collapse_gives_the_picture_back(size: tuple[int, int], levels: int) -> None:
    picture = torch.rand(2, 3, *size)
    pyramid = list(laplacian_levels(picture, levels))
    assert len(pyramid) == levels + 1
    torch.testing.assert_close(collapse(pyramid), picture, atol=1e-6, rtol=0)


@pytest.mark.parametrize("size", SIZES)
def test_a_constant_picture_has_no_details(size: tuple[int, int]) -> None:
    *details, coarsest = laplacian_levels(torch.full((1, 1, *size), 0.3, dtype=torch.double), 3)
    assert all(detail.abs().max() < 1e-15 for detail in details)
    torch.testing.assert_close(coarsest, torch.full_like(coarsest, 0.3))


def test_it_is_the_pyramid_of_opencv() -> None:
    picture = np.random.default_rng(2).random((64, 96), np.float32)
    tensor = torch.from_numpy(picture)[None, None]
    np.testing.assert_allclose(halved(tensor)[0, 0], cv2.pyrDown(picture), atol=1e-6)
    np.testing.assert_allclose(expand(tensor, 128, 192)[0, 0], cv2.pyrUp(picture), atol=1e-6)


@pytest.mark.parametrize("levels", [1, 2, 3])
def test_halo_is_how_far_a_pixel_reaches(levels: int) -> None:
    side = 2 * pyramid_halo(levels) + 2**levels + 1
    reach = 0
    for start in range(2**levels):
        picture = torch.zeros(1, 1, 1, side + 2**levels, dtype=torch.double)
        picture[..., side // 2 + start] = 1
        *_, coarsest = gaussian_levels(picture, levels)
        zeros = [torch.zeros_like(part) for part in laplacian_levels(picture, levels)]
        touched = collapse([*zeros[:-1], coarsest])[0, 0, 0].nonzero().flatten() - side // 2 - start
        reach = max(reach, int(touched.abs().max()))
    assert reach <= pyramid_halo(levels)
    assert reach >= pyramid_halo(levels) - 2**levels


def test_a_window_at_a_multiple_has_the_very_pyramid_of_the_picture() -> None:
    picture = torch.rand(1, 1, 150, 157)
    halo, step = pyramid_halo(3), 8
    window = picture[..., 5 * step :, 3 * step :]
    whole, part = (list(laplacian_levels(x, 3)) for x in (picture, window))
    for level, (first, second) in enumerate(zip(whole, part, strict=True)):
        inner = -(-halo // 2**level)
        rows, columns = 5 * step // 2**level, 3 * step // 2**level
        assert torch.equal(first[..., rows + inner :, columns + inner :], second[..., inner:, inner:])


def test_a_blend_of_constant_weights_is_the_weighted_mean() -> None:
    pictures = torch.rand(3, 1, 3, 40, 27, dtype=torch.double)
    weights = [0.5, 0.2, 0.3]
    shares = (torch.full_like(pictures[0][:, :1], weight) for weight in weights)
    found = collapse(blend(zip(pictures, shares, strict=True), 4))
    expected = sum(weight * picture for weight, picture in zip(weights, pictures, strict=True))
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("levels", [-1, 17])
def test_senseless_numbers_of_levels_are_refused(levels: int) -> None:
    with pytest.raises(UsageError, match="levels"):
        check_levels(levels)


def test_gradients_are_those_of_the_equations() -> None:
    picture = torch.rand(1, 1, 5, 6, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: [part**2 for part in laplacian_levels(x, 2)], picture)
    assert torch.autograd.gradcheck(lambda x: collapse([part**3 for part in laplacian_levels(x, 2)]), picture)

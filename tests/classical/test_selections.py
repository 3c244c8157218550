"""Average, maximum and Laplacian pyramid: what is taken from where."""

import cv2
import numpy as np
import pytest
import torch

from imfuse.classical.average import AverageFusion
from imfuse.classical.laplacian_pyramid import LaplacianPyramidFusion
from imfuse.classical.maximum import MaximumFusion
from imfuse.errors import UsageError, WeightsError
from imfuse.ops.colour import luma
from imfuse.ops.pyramid import expand, laplacian_levels
from imfuse.registry import build_network


def test_the_average_is_the_mean_of_every_channel() -> None:
    pictures = torch.rand(4, 2, 3, 11, 9)
    torch.testing.assert_close(AverageFusion().fuse(iter(pictures)), pictures.mean(0))


def test_the_maximum_of_gray_pictures_is_pixelwise() -> None:
    pictures = torch.rand(4, 2, 1, 11, 9)
    assert torch.equal(MaximumFusion().fuse(iter(pictures)), pictures.amax(0))


def test_the_maximum_of_colour_pictures_is_a_whole_pixel_of_the_brightest() -> None:
    pictures = torch.rand(3, 1, 3, 21, 19)
    fused = MaximumFusion().fuse(iter(pictures))
    torch.testing.assert_close(luma(fused), torch.stack([luma(picture) for picture in pictures]).amax(0))
    taken = torch.stack([(fused == picture).all(1) for picture in pictures])
    assert (taken.sum(0) == 1).all()


def by_hand(pictures: list[np.ndarray], levels: int) -> np.ndarray:
    """Max-abs details and the mean of the coarsest, with OpenCV's pyramids, for sizes that stay even."""
    pyramids = []
    for picture in pictures:
        parts, fine = [], picture
        for _ in range(levels):
            coarse = cv2.pyrDown(fine)
            parts.append(fine - cv2.pyrUp(coarse))
            fine = coarse
        pyramids.append([*parts, fine])
    fused = np.mean([pyramid[-1] for pyramid in pyramids], axis=0)
    for level in reversed(range(levels)):
        details = np.array([pyramid[level] for pyramid in pyramids])
        chosen = np.take_along_axis(details, np.abs(details).argmax(0)[None], 0)[0]
        fused = cv2.pyrUp(fused) + chosen
    return fused


@pytest.mark.parametrize("levels", [0, 1, 4])
def test_the_pyramid_takes_the_strongest_detail_of_every_scale(levels: int) -> None:
    pictures = torch.rand(3, 1, 1, 64, 96, dtype=torch.double)
    found = LaplacianPyramidFusion(levels).fuse(iter(pictures))[0, 0].numpy()
    np.testing.assert_allclose(found, by_hand([picture[0, 0].numpy() for picture in pictures], levels), atol=1e-12)


def test_the_detail_of_a_colour_is_that_of_one_picture() -> None:
    """One level: the result less the expanded mean is a whole pixel of one of the details."""
    pictures = torch.rand(2, 1, 3, 16, 16)
    network = LaplacianPyramidFusion(1)
    fused = network.fuse(iter(pictures))
    (first, coarse), (second, other) = (list(laplacian_levels(picture, 1)) for picture in pictures)
    detail = fused - expand((coarse + other) / 2, 16, 16)
    distances = torch.stack([(detail - part).abs().amax(1) for part in (first, second)])
    assert distances.amin(0).max() < 1e-6
    assert ((distances[0] < 1e-6) == (first.abs().sum(1) >= second.abs().sum(1))).all()


def test_senseless_levels_are_refused() -> None:
    with pytest.raises(UsageError, match="levels"):
        LaplacianPyramidFusion(-1)
    with pytest.raises(WeightsError, match="laplacian_pyramid"):
        build_network("laplacian_pyramid", {"levels": 40})

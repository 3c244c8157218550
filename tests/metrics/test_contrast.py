import math

import numpy as np
import pytest
import torch
from torch import Tensor

from imfuse.errors import UsageError
from imfuse.metrics import average_gradient, average_gradient_ifcnn, spatial_frequency, standard_deviation

ALL = [standard_deviation, spatial_frequency, average_gradient, average_gradient_ifcnn]


def plane(height: int, width: int, down: float, right: float) -> Tensor:
    """A picture whose level rises by `down` per row and by `right` per column."""
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return ((rows.double() * down + columns.double() * right) / 255).view(1, 1, height, width)


def checkerboard(height: int, width: int, level: float) -> Tensor:
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return ((rows + columns) % 2).to(torch.float64).mul(level / 255).view(1, 1, height, width)


def random_picture(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def test_deviation_of_two_levels() -> None:
    picture = torch.zeros(1, 1, 5, 8, dtype=torch.uint8)
    picture[..., :2] = 200
    assert standard_deviation(picture).item() == pytest.approx(200 * math.sqrt(0.25 * 0.75), rel=1e-14)


@pytest.mark.parametrize("function", ALL)
def test_constant_picture_is_zero(function) -> None:
    assert function(torch.full((2, 1, 7, 9), 131, dtype=torch.uint8)).tolist() == [0.0, 0.0]


def test_plane() -> None:
    picture = plane(11, 14, down=4.0, right=3.0)
    assert spatial_frequency(picture).item() == pytest.approx(5.0, rel=1e-12)
    assert average_gradient(picture).item() == pytest.approx(math.sqrt((4.0**2 + 3.0**2) / 2), rel=1e-12)
    assert average_gradient_ifcnn(picture).item() == pytest.approx(5.0 / 4.0, rel=1e-12)


def test_checkerboard() -> None:
    height, width, level = 9, 12, 90.0
    picture = checkerboard(height, width, level)
    assert spatial_frequency(picture).item() == pytest.approx(level * math.sqrt(2), rel=1e-12)
    # Central differences of a checkerboard vanish; the one-sided ones at the border do not.
    border = 2 * (height - 2) + 2 * (width - 2)
    expected = (4 * level + border * level / math.sqrt(2)) / (height * width)
    assert average_gradient(picture).item() == pytest.approx(expected, rel=1e-12)
    assert average_gradient_ifcnn(picture).item() == pytest.approx(level * math.sqrt(2) / 4, rel=1e-12)


@pytest.mark.parametrize("shape", [(2, 2), (2, 3), (3, 2), (17, 31)])
def test_brute_force(shape: tuple[int, int]) -> None:
    picture = random_picture(1, 1, *shape)
    image = picture.numpy()[0, 0] * 255
    gy, gx = np.gradient(image) if min(shape) > 1 else (0, 0)
    frequency = math.sqrt(np.mean(np.diff(image, axis=0) ** 2) + np.mean(np.diff(image, axis=1) ** 2))
    assert standard_deviation(picture).item() == pytest.approx(image.std(), rel=1e-12)
    assert spatial_frequency(picture).item() == pytest.approx(frequency, rel=1e-12)
    assert average_gradient(picture).item() == pytest.approx(np.sqrt((gx**2 + gy**2) / 2).mean(), rel=1e-12)
    down, right = np.diff(image, axis=0)[:, :-1], np.diff(image, axis=1)[:-1]
    forward = (np.sqrt((down**2 + right**2) / 2) / (2 * np.sqrt(2))).mean()
    assert average_gradient_ifcnn(picture).item() == pytest.approx(forward, rel=1e-12)


@pytest.mark.parametrize("function", ALL)
def test_symmetries(function) -> None:
    picture = random_picture(1, 1, 13, 21)
    flips = [] if function is average_gradient_ifcnn else [picture.flip(-1), picture.flip(-2)]
    for other in (*flips, picture.transpose(-1, -2), 1 - picture):
        assert function(other).item() == pytest.approx(function(picture).item(), rel=1e-12)
    assert function(picture / 4).item() == pytest.approx(function(picture).item() / 4, rel=1e-12)


@pytest.mark.parametrize("function", ALL)
def test_gradient(function) -> None:
    assert torch.autograd.gradcheck(function, random_picture(2, 1, 5, 6).requires_grad_())


@pytest.mark.parametrize("function", ALL)
def test_gradient_of_flat_pixels_is_finite(function) -> None:
    picture = torch.full((1, 1, 6, 6), 0.5, dtype=torch.float64, requires_grad=True)
    function(picture).sum().backward()
    assert picture.grad is not None
    assert torch.equal(picture.grad, torch.zeros_like(picture))


@pytest.mark.parametrize("function", ALL[1:])
def test_one_row_has_no_differences(function) -> None:
    with pytest.raises(UsageError, match="2×2"):
        function(torch.zeros(1, 1, 1, 9))

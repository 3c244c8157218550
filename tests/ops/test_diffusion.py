import numpy as np
import pytest
import torch

from imfuse.ops.colour import luma
from imfuse.ops.diffusion import anisotropic_diffusion


def step_by_hand(picture: np.ndarray, step: float, contrast: float) -> np.ndarray:
    """Perona and Malik, Eq. 7, pixel by pixel."""
    height, width = picture.shape
    result = picture.copy()
    for y in range(height):
        for x in range(width):
            for down, right in ((-1, 0), (1, 0), (0, -1), (0, 1)):
                if 0 <= y + down < height and 0 <= x + right < width:
                    difference = picture[y + down, x + right] - picture[y, x]
                    result[y, x] += step * np.exp(-((difference / contrast) ** 2)) * difference
    return result


@pytest.mark.parametrize("size", [(1, 1), (1, 8), (7, 5)])
def test_it_is_the_scheme_of_perona_and_malik(size: tuple[int, int]) -> None:
    picture = np.random.default_rng(0).random(size)
    expected = picture
    for _ in range(3):
        expected = step_by_hand(expected, 0.2, 0.3)
    found = anisotropic_diffusion(torch.from_numpy(picture)[None, None], 3, 0.2, 0.3)
    np.testing.assert_allclose(found[0, 0].numpy(), expected, atol=1e-12)


def test_the_mean_is_kept_and_no_value_leaves_the_range() -> None:
    picture = torch.rand(2, 1, 31, 22, dtype=torch.double)
    smooth = anisotropic_diffusion(picture, 20, 0.25, 10.0)
    torch.testing.assert_close(smooth.mean((1, 2, 3)), picture.mean((1, 2, 3)))
    assert smooth.min() >= picture.min()
    assert smooth.max() <= picture.max()
    assert smooth.std() < 0.2 * picture.std()


def test_edges_stay_and_ripples_go() -> None:
    torch.manual_seed(0)
    picture = (torch.arange(40) >= 20).double().expand(1, 1, 30, 40) + 0.02 * torch.randn(1, 1, 30, 40).double()
    smooth = anisotropic_diffusion(picture, 10, 0.2, 0.12)
    assert smooth[..., 20:].min() - smooth[..., :20].max() > 0.9
    assert smooth[..., :20].std() < 0.3 * picture[..., :20].std()


def test_of_colour_the_luma_says_how_much_flows() -> None:
    """So the luma of the result is the diffused luma, and channels that are equal stay equal."""
    picture = torch.rand(1, 3, 15, 12, dtype=torch.double)
    found = luma(anisotropic_diffusion(picture, 4, 0.15, 0.1))
    torch.testing.assert_close(found, anisotropic_diffusion(luma(picture), 4, 0.15, 0.1))
    gray = anisotropic_diffusion(picture[:, :1].expand(-1, 3, -1, -1), 4, 0.15, 0.1)
    torch.testing.assert_close(gray, anisotropic_diffusion(picture[:, :1], 4, 0.15, 0.1).expand(-1, 3, -1, -1))


def test_gradients_are_those_of_the_equations() -> None:
    picture = torch.rand(1, 1, 4, 5, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: anisotropic_diffusion(x, 3, 0.2, 0.5), picture)

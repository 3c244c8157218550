import cv2
import numpy as np
import pytest
import torch

from imfuse.classical.exposure_fusion import FINE, ExposureFusion
from windows import fuse_in_windows


def bracket(height: int, width: int, channels: int = 3, count: int = 3) -> list[torch.Tensor]:
    """One scene of structures and noise, with exposures that clip at either end."""
    torch.manual_seed(height)
    coarse = torch.rand(1, channels, height // 16 + 2, width // 16 + 2)
    scene = torch.nn.functional.interpolate(coarse, (height, width), mode="bicubic", align_corners=False)
    scene = scene + 0.1 * torch.rand(1, channels, height, width)
    return [(scene * 2.0**stop).clamp(0, 1) for stop in np.linspace(-2, 1.5, count)]


def literal_weight(picture: np.ndarray, exponents: tuple[float, float, float]) -> np.ndarray:
    """Section 3.1 of the paper, in float64: (H, W, 3) → (H, W)."""
    gray = picture @ np.array([0.299, 0.587, 0.114])
    padded = np.pad(gray, 1, mode="reflect")
    neighbours = padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:]
    contrast = np.abs(neighbours - 4 * gray)
    saturation = picture.std(axis=-1)
    exposure = np.exp(-((picture - 0.5) ** 2) / (2 * 0.2**2)).prod(axis=-1)
    c, s, e = exponents
    return contrast**c * saturation**s * exposure**e


@pytest.mark.parametrize("exponents", [(1, 1, 1), (1, 1, 0), (0.5, 2, 1.5), (0, 0, 1), (0, 0, 0)])
def test_weights_are_those_of_the_paper(exponents: tuple[float, float, float]) -> None:
    picture = bracket(20, 17)[1].double()
    found = ExposureFusion(*exponents).weight(picture)[0, 0]
    expected = literal_weight(picture[0].permute(1, 2, 0).numpy(), exponents)
    np.testing.assert_allclose(found.numpy(), expected, atol=2e-12)


def test_gray_pictures_have_no_saturation() -> None:
    picture = bracket(20, 17, channels=1)[1]
    torch.testing.assert_close(ExposureFusion().weight(picture), ExposureFusion(saturation=0).weight(picture))


@pytest.mark.parametrize("exposure", [0.0, 1.0])
@pytest.mark.parametrize(("size", "atol"), [((256, 128), 2e-4), ((128, 128), 2e-4), ((96, 160), 5e-3)])
def test_it_is_opencvs_with_as_many_levels(size: tuple[int, int], atol: float, exposure: float) -> None:
    """Told to halve ⌊log₂ of the shorter side⌋ times, as OpenCV does.

    Sizes that stay even have the same borders at every scale; of others, the coarsest differ. OpenCV divides by 255
    whatever it gets, and takes the luma of BGR pictures with the weights of RGB: so it is given RGB. Its saturation is
    √3 of the deviation, which falls out of the shares.
    """
    pictures = bracket(*size, count=4)
    network = ExposureFusion(exposure=exposure, levels=min(size).bit_length() - 1)
    found = network.fuse(pictures)[0].permute(1, 2, 0).numpy()
    given = [np.ascontiguousarray(255 * picture[0].permute(1, 2, 0).numpy()) for picture in pictures]
    expected = cv2.createMergeMertens(1.0, 1.0, exposure).process(given)
    np.testing.assert_allclose(found, expected, atol=atol, rtol=0)
    assert np.abs(found - expected).mean() < atol / 4


@pytest.mark.parametrize(
    ("size", "depth"), [((1, 1), 0), ((3, 900), 0), ((4, 4), 1), ((340, 512), 7), ((512, 700), 8), ((4000, 6000), 10)]
)
def test_the_pyramid_is_as_deep_as_in_the_authors_program(size: tuple[int, int], depth: int) -> None:
    assert ExposureFusion().depth(*size) == max(int(np.log2(min(size))) - 1, 0) == depth


@pytest.mark.parametrize(("size", "side"), [((301, 277), 90), ((11, 300), 64), ((270, 40), 50)])
def test_windows_give_the_whole_with_more_scales_than_they_hold(size: tuple[int, int], side: int) -> None:
    network = ExposureFusion()
    pictures = bracket(*size)
    whole = network.fuse(pictures)
    torch.testing.assert_close(fuse_in_windows(network, pictures, side), whole, atol=1e-5, rtol=0)


def test_coarse_scales_beyond_the_windows_do_matter() -> None:
    """So that the test before this one would see it if they were not there."""
    pictures = bracket(301, 277)
    assert ExposureFusion().depth(301, 277) > FINE
    assert (ExposureFusion().fuse(pictures) - ExposureFusion(levels=FINE).fuse(pictures)).abs().max() > 1e-2


def test_the_well_exposed_picture_wins_where_it_alone_is() -> None:
    """Half the scene is black in one picture and half white in the other: each gives the half that it shows."""
    torch.manual_seed(0)
    scene = 0.5 + 0.1 * torch.rand(1, 3, 64, 128)
    dark, bright = scene.clone(), scene.clone()
    dark[..., :64], bright[..., 64:] = 0, 1
    fused = ExposureFusion(levels=3).fuse([dark, bright])
    torch.testing.assert_close(fused[..., :40], bright[..., :40], atol=1e-4, rtol=0)
    torch.testing.assert_close(fused[..., 88:], dark[..., 88:], atol=1e-4, rtol=0)

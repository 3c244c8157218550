import numpy as np
import pytest
import torch

from imfuse.errors import UsageError
from imfuse.ops.fast_guided_filter import block_guided_filter, fast_guided_filter
from imfuse.ops.guided import guided_filter
from imfuse.ops.resampling import area_average


def window_coefficients(x: np.ndarray, guide: np.ndarray, radius: int, epsilon: float) -> np.ndarray:
    """Slope and offset (2, h, w) of every window by ridge regression, averaged over the windows that hold a pixel."""
    height, width = x.shape
    padded = [np.pad(a, radius, mode="reflect") for a in (x, guide)]
    fitted = np.zeros((2, height, width))
    for y, z in np.ndindex(height, width):
        p, i = (a[y : y + 2 * radius + 1, z : z + 2 * radius + 1].ravel() for a in padded)
        design = np.stack([i, np.ones_like(i)], 1)
        fitted[:, y, z] = np.linalg.solve(design.T @ design + np.diag([len(p) * epsilon, 0.0]), design.T @ p)
    around = np.pad(fitted, ((0, 0), (radius, radius), (radius, radius)), mode="reflect")
    side = 2 * radius + 1
    return np.stack(
        [
            [[around[k, y : y + side, z : z + side].mean() for z in range(width)] for y in range(height)]
            for k in range(2)
        ]
    )


def between(values: np.ndarray, scale: int, row: int, column: int) -> float:
    """Linear interpolation at the centre of a fine pixel, between the centres of coarse ones; borders repeated."""
    height, width = values.shape
    y = min(max((row + 0.5) / scale - 0.5, 0), height - 1)
    z = min(max((column + 0.5) / scale - 0.5, 0), width - 1)
    top, left = min(int(y), height - 2), min(int(z), width - 2)
    down, right = y - top, z - left
    corners = values[top : top + 2, left : left + 2]
    return float(np.array([1 - down, down]) @ corners @ np.array([1 - right, right]))


@pytest.mark.parametrize(("scale", "radius", "epsilon"), [(4, 1, 1e-2), (2, 2, 1e-1), (3, 1, 1e-3)])
def test_it_is_the_definition(scale: int, radius: int, epsilon: float) -> None:
    rng = np.random.default_rng(scale)
    source, fine = rng.random((6, 5)), rng.random((6 * scale, 5 * scale))
    coarse = fine.reshape(6, scale, 5, scale).mean((1, 3))
    slope, offset = window_coefficients(source, coarse, radius, epsilon)
    expected = np.array(
        [
            [between(slope, scale, y, z) * fine[y, z] + between(offset, scale, y, z) for z in range(5 * scale)]
            for y in range(6 * scale)
        ]
    )
    maps = [torch.from_numpy(a)[None, None] for a in (coarse, source, fine)]
    np.testing.assert_allclose(fast_guided_filter(*maps, radius, epsilon)[0, 0].numpy(), expected, atol=1e-10)


@pytest.mark.parametrize("radius", [0, 1, 3])
def test_on_equal_grids_it_is_the_guided_filter(radius: int) -> None:
    source, guide = torch.rand(2, 2, 3, 9, 11, dtype=torch.double)
    torch.testing.assert_close(
        fast_guided_filter(guide, source, guide, radius, 1e-2), guided_filter(source, guide, radius, 1e-2)
    )


@pytest.mark.parametrize("scale", [2, 3, 8])
def test_an_affine_function_of_the_guide_comes_back_at_full_resolution(scale: int) -> None:
    guide = torch.rand(1, 3, 7 * scale, 5 * scale, dtype=torch.double)
    low = area_average(guide, scale)
    gains = torch.tensor([2.0, -1.0, 0.0], dtype=torch.double)[:, None, None]
    found = fast_guided_filter(low, gains * low + 0.3, guide, 1, 1e-12)
    torch.testing.assert_close(found, gains * guide + 0.3, atol=1e-6, rtol=0)


def test_it_commutes_with_mirrors_and_channels_do_not_mix() -> None:
    guide, source = torch.rand(2, 3, 24, 20, dtype=torch.double), torch.rand(2, 3, 6, 5, dtype=torch.double)
    low = area_average(guide, 4)
    whole = fast_guided_filter(low, source, guide, 1, 1e-3)
    mirrored = fast_guided_filter(low.flip(-1).mT, source.flip(-1).mT, guide.flip(-1).mT, 1, 1e-3)
    torch.testing.assert_close(mirrored, whole.flip(-1).mT)
    order = torch.tensor([2, 0, 1])
    torch.testing.assert_close(
        fast_guided_filter(low[:, order], source[:, order], guide[:, order], 1, 1e-3), whole[:, order]
    )


def test_a_pixel_reaches_as_far_as_it_says() -> None:
    scale, radius = 4, 2
    guide, source = torch.rand(1, 1, 15 * scale, 15 * scale), torch.rand(1, 1, 15, 15)
    low = area_average(guide, scale)
    other = source.clone()
    other[..., 7, 7] += 1
    changed = fast_guided_filter(low, source, guide, radius, 1e-2) != fast_guided_filter(
        low, other, guide, radius, 1e-2
    )
    away = changed[0, 0].nonzero().div(scale, rounding_mode="floor") - 7
    assert away.abs().max() == 2 * radius + 1


@pytest.mark.parametrize("scale", [1, 2])
def test_gradients_in_float64(scale: int) -> None:
    low, source = torch.rand(2, 1, 2, 4, 3, dtype=torch.double)
    guide = torch.rand(1, 2, 4 * scale, 3 * scale, dtype=torch.double)
    inputs = [x.requires_grad_() for x in (low, source, guide)]
    assert torch.autograd.gradcheck(lambda *maps: fast_guided_filter(*maps, 1, 1e-2), inputs)


def test_shapes_that_do_not_belong_together_are_told() -> None:
    low, guide = torch.rand(1, 2, 4, 3), torch.rand(1, 2, 8, 6)
    with pytest.raises(UsageError, match=r"4×3 pixels .* the guide 9×6"):
        fast_guided_filter(low, low, torch.rand(1, 2, 9, 6), 1, 1e-2)
    with pytest.raises(UsageError, match="as many maps"):
        fast_guided_filter(low, low, guide[:, :1], 1, 1e-2)
    with pytest.raises(UsageError, match="must be equal"):
        fast_guided_filter(low, low[..., :2], guide, 1, 1e-2)


def block_coefficients(x: np.ndarray, guide: np.ndarray, scale: int, radius: int, epsilon: float) -> np.ndarray:
    """As window_coefficients, of windows of whole blocks, all of whose pixels take part in the regression."""
    height, width = x.shape[0] // scale, x.shape[1] // scale
    blocks = np.stack([x, guide]).reshape(2, height, scale, width, scale).transpose(0, 1, 3, 2, 4)
    padded = np.pad(blocks, ((0, 0), (radius, radius), (radius, radius), (0, 0), (0, 0)), mode="reflect")
    side = 2 * radius + 1
    fitted = np.zeros((2, height, width))
    for row, column in np.ndindex(height, width):
        p, i = padded[:, row : row + side, column : column + side].reshape(2, -1)
        design = np.stack([i, np.ones_like(i)], 1)
        ridge = np.diag([len(p) * epsilon, 0.0])
        fitted[:, row, column] = np.linalg.solve(design.T @ design + ridge, design.T @ p)
    around = np.pad(fitted, ((0, 0), (radius, radius), (radius, radius)), mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(around, (side, side), axis=(1, 2))
    return np.asarray(windows.mean((-1, -2)))


@pytest.mark.parametrize(("scale", "radius"), [(1, 2), (3, 1), (4, 2)])
def test_blocks_are_filtered_by_regression_over_all_their_pixels(scale: int, radius: int) -> None:
    rng = np.random.default_rng(scale)
    guide = rng.random((6 * scale, 7 * scale))
    x = np.sin(5 * guide) + 0.3 * rng.random(guide.shape)
    slope, offset = block_coefficients(x, guide, scale, radius, 0.02)
    expected = [
        [between(slope, scale, y, z) * guide[y, z] + between(offset, scale, y, z) for z in range(guide.shape[1])]
        for y in range(guide.shape[0])
    ]
    given = (torch.from_numpy(one)[None, None] for one in (x, guide))
    found = block_guided_filter(*given, scale, radius, 0.02)
    np.testing.assert_allclose(found[0, 0].numpy(), expected, atol=1e-10)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (5, 3), (9, 14), (17, 4)])
def test_blocks_need_not_fill_the_picture(height: int, width: int) -> None:
    """What is an affine function of the guide comes back, whatever the last blocks hold."""
    guide = torch.rand(1, 1, height, width, dtype=torch.float64)
    found = block_guided_filter(2 * guide - 0.5, guide, 4, 2, 0.0 if height * width > 1 else 1e-9)
    assert found.shape == guide.shape
    if height * width > 1:
        torch.testing.assert_close(found, 2 * guide - 0.5, atol=1e-9, rtol=0)


def test_blocks_of_one_pixel_are_the_guided_filter() -> None:
    x, guide = torch.rand(2, 2, 3, 20, 23, dtype=torch.float64)
    expected = guided_filter(x, guide, 3, 0.01)
    torch.testing.assert_close(block_guided_filter(x, guide, 1, 3, 0.01), expected, atol=1e-12, rtol=0)


@pytest.mark.parametrize(("height", "width", "scale"), [(24, 40, 8), (37, 61, 4), (5, 1, 8), (1, 1, 1), (9, 300, 3)])
def test_the_compiled_loop_equals_the_operations(height: int, width: int, scale: int) -> None:
    """Which serve for double precision."""
    pytest.importorskip("numba")
    x, guide = torch.rand(2, 2, 3, height, width)
    expected = block_guided_filter(x.double(), guide.double(), scale, 1, 1e-2)
    torch.testing.assert_close(block_guided_filter(x, guide, scale, 1, 1e-2).double(), expected, atol=2e-5, rtol=0)

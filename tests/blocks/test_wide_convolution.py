import pytest
import torch
import torch.nn.functional as F

from imfuse.blocks.wide_convolution import (
    Padding,
    border,
    composed_kernel,
    composed_kernels,
    literal_pair,
    padded,
    with_border,
)


def test_the_composed_kernel_is_both_convolutions_where_no_border_is() -> None:
    torch.manual_seed(0)
    first, second = torch.randn(5, 2, 7, 7).double(), torch.randn(4, 5, 3, 3).double()
    x = torch.randn(1, 2, 20, 21).double()
    kernel = composed_kernel(first, second)
    assert kernel.shape == (4, 2, 9, 9)
    torch.testing.assert_close(F.conv2d(x, kernel), F.conv2d(F.conv2d(x, first), second))


@pytest.mark.parametrize("padding", ["replicate", "reflect"])
@pytest.mark.parametrize("size", [3, 7])
@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 5), (2, 1), (2, 2), (3, 2), (4, 3), (9, 7), (20, 31)])
@pytest.mark.parametrize("recorded", [True, False])
def test_with_the_border_it_is_both_convolutions_everywhere(
    padding: Padding, size: int, height: int, width: int, recorded: bool
) -> None:
    torch.manual_seed(0)
    first, second = torch.randn(5, 2, size, size).double(), torch.randn(4, 5, 3, 3).double()
    x, bias = torch.randn(2, 2, height, width).double(), torch.randn(4).double()
    kernels = composed_kernels(first, second, padding, height, width)
    picture = padded(x, size // 2 + 1, padding)
    with torch.set_grad_enabled(recorded):
        edge, expected = border(picture, kernels, bias), literal_pair(x, first, second, bias, padding)
        result = with_border(F.conv2d(picture, kernels[1, 1], bias), edge)
        for row in range(height):  # of bands, too
            inside = F.conv2d(picture[..., row : row + kernels.shape[-1], :], kernels[1, 1], bias)
            band = with_border(inside, edge, row)
            torch.testing.assert_close(band, expected[..., row : row + 1, :], rtol=0, atol=1e-12)
    torch.testing.assert_close(result, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("padding", ["replicate", "reflect"])
def test_only_the_outermost_pixels_differ_from_the_inside(padding: Padding) -> None:
    torch.manual_seed(0)
    first, second, x = torch.randn(5, 2, 3, 3), torch.randn(4, 5, 3, 3), torch.randn(1, 2, 12, 13)
    inside = F.conv2d(padded(x, 2, padding), composed_kernel(first, second))
    differs = (inside - literal_pair(x, first, second, None, padding)).abs().amax((0, 1)) > 1e-3
    assert not differs[1:-1, 1:-1].any()
    assert differs.sum() == 2 * 12 + 2 * 13 - 4

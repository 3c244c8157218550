import pytest
import torch
import torch.nn.functional as F

from imfuse.ops.dictionary import analyse, analyse_literally, synthesise, synthesise_literally


@pytest.mark.parametrize("size", [1, 3, 5])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("height", "width"), [(9, 14), (5, 1), (1, 1), (2, 3)])
@pytest.mark.parametrize("last", [False, True])
def test_matrix_products_equal_the_convolutions(size: int, channels: int, height: int, width: int, last: bool) -> None:
    code = torch.randn(2, 5, height, width, dtype=torch.double)
    if last:
        code = code.to(memory_format=torch.channels_last)
    picture = torch.randn(2, channels, height, width, dtype=torch.double)
    down, up = torch.randn(channels, 5, size, size).double(), torch.randn(5, channels, size, size).double()
    torch.testing.assert_close(synthesise(code, down), synthesise_literally(code, down))
    torch.testing.assert_close(analyse(picture, up), analyse_literally(picture, up))
    torch.testing.assert_close(analyse(picture, up, code), code + analyse_literally(picture, up))


def test_gradients_are_those_of_the_convolutions() -> None:
    code = torch.randn(1, 3, 6, 5, dtype=torch.double, requires_grad=True)
    picture = torch.randn(1, 1, 6, 5, dtype=torch.double, requires_grad=True)
    down = torch.randn(1, 3, 3, 3, dtype=torch.double, requires_grad=True)
    up = torch.randn(3, 1, 3, 3, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(synthesise, (code, down))
    assert torch.autograd.gradcheck(analyse, (picture, up, code))


def test_without_borders_they_are_plain_correlations() -> None:
    code, down = torch.randn(1, 4, 8, 9), torch.randn(1, 4, 3, 3)
    torch.testing.assert_close(synthesise(code, down)[..., 1:-1, 1:-1], F.conv2d(code, down), atol=1e-5, rtol=0)

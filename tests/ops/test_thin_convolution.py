"""Convolutions between many channels and few: PyTorch's, with the same gradients."""

import pytest
import torch

from imfuse.ops.thin_convolution import convolution, narrow, widen

FORMS = [(narrow, 7, 2), (narrow, 7, 1), (widen, 3, 7), (widen, 1, 7)]


@pytest.mark.parametrize(("form", "inputs", "outputs"), FORMS)
@pytest.mark.parametrize(("height", "width"), [(1, 1), (2, 9), (13, 4), (20, 17)])
@pytest.mark.parametrize("size", [1, 3, 9])
def test_values_and_gradients_are_those_of_the_convolution(form, inputs, outputs, height, width, size) -> None:
    torch.manual_seed(0)
    x = torch.randn(2, inputs, height, width, dtype=torch.double)
    kernel = torch.randn(outputs, inputs, size, size, dtype=torch.double)
    weights = torch.randn(2, outputs, height, width, dtype=torch.double)
    found = []
    for function in (form, convolution):
        leaves = [x.clone().requires_grad_(), kernel.clone().requires_grad_()]
        result = function(*leaves)
        (result * weights).sum().backward()
        found.append((result.detach(), *(leaf.grad for leaf in leaves)))
    for ours, expected in zip(*found, strict=True):
        torch.testing.assert_close(ours, expected, atol=1e-11, rtol=1e-11)
    torch.testing.assert_close(form(x, kernel), found[1][0], atol=1e-11, rtol=1e-11)


@pytest.mark.parametrize("form", [narrow, widen])
@pytest.mark.parametrize("recorded", [(True, False), (False, True)])
def test_gradients_of_one_argument_alone(form, recorded: tuple[bool, bool]) -> None:
    torch.manual_seed(1)
    x = torch.randn(1, 2, 5, 4, dtype=torch.double, requires_grad=recorded[0])
    kernel = torch.randn(2, 2, 3, 3, dtype=torch.double, requires_grad=recorded[1])
    torch.autograd.gradcheck(form, (x, kernel))


@pytest.mark.parametrize(("form", "inputs", "outputs"), FORMS)
def test_under_autocast_the_products_alone_are_short(form, inputs: int, outputs: int) -> None:
    """Values and gradients are off by what bfloat16's eight bits let go, and of the type that came in."""
    torch.manual_seed(2)
    x = torch.randn(2, inputs, 16, 15)
    kernel = torch.randn(outputs, inputs, 5, 5)
    found = []
    for short in (False, True):
        leaves = [x.clone().requires_grad_(), kernel.clone().requires_grad_()]
        with torch.autocast("cpu", torch.bfloat16, enabled=short):
            result = form(*leaves)
            unrecorded = form(x, kernel)
        assert torch.equal(result, unrecorded)
        result.square().sum().backward()
        found.append((result.detach(), *(leaf.grad for leaf in leaves)))
    for exact, ours in zip(*found, strict=True):
        assert ours.dtype == torch.float32
        off = ((ours - exact).norm() / exact.norm()).item()
        assert 1e-4 < off < 1e-2

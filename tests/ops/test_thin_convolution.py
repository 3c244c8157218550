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

"""AUIF's layer: the composed kernel, the gradient step it unrolls, and the collapse for inference."""

import pytest
import torch
import torch.nn.functional as F

from imfuse.blocks.activations import ActivationName, SoftThreshold
from imfuse.blocks.decomposition import DecompositionLayer


def layer(name: ActivationName = "prelu") -> DecompositionLayer:
    torch.manual_seed(1)
    made = DecompositionLayer(64, 0.7, name).double()
    with torch.no_grad():
        made.norm.weight.fill_(1.3)
        made.norm.bias.fill_(-0.2)
        made.norm.running_mean.fill_(0.4)
        made.norm.running_var.fill_(0.09)
    return made


@pytest.mark.parametrize(("height", "width"), [(3, 3), (17, 12), (40, 64)])
def test_one_composed_convolution_equals_the_two_literal_ones(height: int, width: int) -> None:
    block = layer()
    x, source = torch.rand(2, 2, 1, height, width, dtype=torch.double)
    assert (block.step(x, source) - block.literal_step(x, source)).abs().max() < 1e-10


def test_composed_and_literal_have_the_same_gradients() -> None:
    block = layer()
    x, source = torch.rand(2, 2, 1, 20, 20, dtype=torch.double)
    gradients = []
    for step in (block.step, block.literal_step):
        block.zero_grad()
        step(x, source).square().mean().backward()
        gradients.append([p.grad.clone() for p in (block.conv1.weight, block.conv2.weight, block.eta, block.theta)])
    for composed, literal in zip(*gradients, strict=True):
        torch.testing.assert_close(composed, literal, atol=1e-12, rtol=1e-9)


def test_tied_kernels_make_the_step_a_gradient_descent_of_equation_1() -> None:
    """With Conv₂ the adjoint of Conv₁, X_out = X − η ∂L/∂X for L = θ/2 ‖I − X‖² + ½ Σ ‖g_j ∗ X‖² away from borders."""
    block = layer()
    with torch.no_grad():
        block.conv2.weight.copy_(block.conv1.weight.flip(-1, -2).transpose(0, 1))
    source = torch.rand(1, 1, 15, 15, dtype=torch.double)
    x = torch.rand_like(source).requires_grad_()
    theta, eta = block.theta.detach(), block.eta.detach()
    filtered = F.conv2d(F.pad(x, (4, 4, 4, 4)), block.conv1.weight.detach())
    energy = theta / 2 * (source - x).square().sum() + 0.5 * filtered.square().sum()
    (gradient,) = torch.autograd.grad(energy, x)
    expected = (x - eta * gradient).detach()
    actual = block.literal_step(x.detach(), source).detach()
    torch.testing.assert_close(actual[..., 4:-4, 4:-4], expected[..., 4:-4, 4:-4], atol=1e-12, rtol=0)


@pytest.mark.parametrize("name", ["relu", "prelu", "sst"])
def test_collapse_equals_normalisation_and_activation_of_the_literal_step(name: ActivationName) -> None:
    block = layer(name).eval()
    x, source = torch.rand(2, 2, 1, 14, 11, dtype=torch.double)
    expected = block.activation(block.norm(block.literal_step(x, source)))
    torch.testing.assert_close(block(x, source), expected, atol=1e-12, rtol=0)
    with torch.inference_mode():
        torch.testing.assert_close(block(x, source), expected, atol=1e-12, rtol=0)


def test_inference_leaves_its_inputs_alone() -> None:
    block = layer().eval()
    x, source = torch.rand(2, 1, 1, 9, 9, dtype=torch.double)
    copies = x.clone(), source.clone()
    with torch.inference_mode():
        block(x, source)
    assert torch.equal(x, copies[0])
    assert torch.equal(source, copies[1])


def test_soft_threshold_with_a_negative_parameter_stays_a_shrinkage() -> None:
    shrink = SoftThreshold(initial=-0.5)
    torch.testing.assert_close(shrink(torch.tensor([[[[2.0, -0.3]]]])), torch.tensor([[[[1.5, 0.0]]]]))

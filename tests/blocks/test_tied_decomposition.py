"""The layer of AUIF's released code: the composed kernels, the step that it unrolls, and what it does in inference."""

import pytest
import torch
import torch.nn.functional as F

from imfuse.blocks.tied_decomposition import TiedDecompositionLayer


def layer(filters: int = 64) -> TiedDecompositionLayer:
    torch.manual_seed(1)
    made = TiedDecompositionLayer(filters, 0.7).double()
    with torch.no_grad():
        for parameter, value in zip(made.norm.parameters(), (1.3, -0.2), strict=True):
            parameter.fill_(value)
        made.norm.running_mean.fill_(40.0)
        made.norm.running_var.fill_(5000.0)
        made.activation.weight.fill_(0.3)
    return made


def released(block: TiedDecompositionLayer, x: torch.Tensor, source: torch.Tensor) -> torch.Tensor:
    """x − η(PReLU(BN(KᵀKx)) − θ(I − x)) with a reflection before each convolution, module by module."""

    def around(maps: torch.Tensor) -> torch.Tensor:
        return F.pad(maps, (1, 1, 1, 1), mode="reflect")

    features = F.conv2d(around(x), block.kernel)
    back = F.conv2d(around(features), torch.rot90(block.kernel, 2, (2, 3)).permute(1, 0, 2, 3))
    return x - block.eta * (block.activation(block.norm(back)) - block.theta * (source - x))


@pytest.mark.parametrize(("height", "width"), [(2, 2), (2, 9), (3, 5), (17, 12), (40, 64)])
@pytest.mark.parametrize("mode", ["training", "evaluation", "inference"])
def test_it_is_the_released_formula(height: int, width: int, mode: str) -> None:
    block = layer().train(mode == "training")
    block.norm.momentum = 0.0
    x, source = torch.rand(2, 2, 1, height, width, dtype=torch.double)
    with torch.inference_mode(mode == "inference"):
        copies = x.clone(), source.clone()
        torch.testing.assert_close(block(x, source), released(block, x, source), atol=1e-11, rtol=0)
        assert torch.equal(x, copies[0])
        assert torch.equal(source, copies[1])


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 7), (6, 1)])
def test_a_single_row_or_column_is_repeated(height: int, width: int) -> None:
    block = layer().eval()
    x = torch.rand(1, 1, height, width, dtype=torch.double)
    torch.testing.assert_close(block.filtered(x), block.literal_filtered(x), atol=1e-11, rtol=0)


def test_composed_and_literal_have_the_same_gradients() -> None:
    block = layer()
    x = torch.rand(2, 1, 9, 11, dtype=torch.double, requires_grad=True)
    gradients = []
    for filtered in (block.filtered, block.literal_filtered):
        block.zero_grad()
        x.grad = None
        filtered(x).square().mean().backward()
        gradients.append((block.kernel.grad.clone(), x.grad.clone()))
    for composed, literal in zip(*gradients, strict=True):
        torch.testing.assert_close(composed, literal, rtol=1e-9, atol=1e-9)
    small = layer(3)
    assert torch.autograd.gradcheck(lambda x: small.eval()(x, x * 0.5), x.detach()[:1, :, :4, :5].requires_grad_())


def test_the_filtered_branch_is_the_gradient_of_a_sum_of_squares() -> None:
    """KᵀKx is ∂/∂x of ½ Σ ‖k_j ∗ x‖², away from the borders."""
    block = layer()
    x = torch.rand(1, 1, 15, 15, dtype=torch.double, requires_grad=True)
    energy = 0.5 * F.conv2d(F.pad(x, (4, 4, 4, 4)), block.kernel.detach()).square().sum()
    (gradient,) = torch.autograd.grad(energy, x)
    torch.testing.assert_close(block.filtered(x)[..., 4:-4, 4:-4], gradient[..., 4:-4, 4:-4], atol=1e-10, rtol=0)

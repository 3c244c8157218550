"""LZSC and LCSC: the iterations that they unroll, and the merged convolutions, which change nothing."""

import pytest
import torch
from torch import Tensor

from imfuse.blocks import sparse_coder
from imfuse.blocks.lcsc import LCSC
from imfuse.blocks.lzsc import LZSC
from imfuse.blocks.sparse_coder import SparseCoder
from imfuse.errors import UsageError
from imfuse.ops.thin_convolution import convolution
from imfuse.ops.thresholding import hard_threshold, soft_threshold

KINDS = [LZSC, LCSC]


def coder(kind: type[SparseCoder], channels: int = 1, **arguments: object) -> SparseCoder:
    """A small block in float64 whose thresholds let some features pass."""
    torch.manual_seed(3)
    return kind(channels, **{"features": 5, "size": 3, "modules": 4, **arguments}).double()


def picture(height: int = 14, width: int = 11, channels: int = 1) -> Tensor:
    return torch.rand(2, channels, height, width, generator=torch.manual_seed(0), dtype=torch.double)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("modules", [1, 2, 4])
def test_merged_convolutions_give_the_printed_equation_and_its_gradients(kind, channels: int, modules: int) -> None:
    block, source = coder(kind, channels, modules=modules), picture(channels=channels)
    gradients = []
    for form in (block, block.literal):
        block.zero_grad()
        features = form(source)
        (features * torch.arange(features.numel()).reshape(features.shape).remainder(7)).sum().backward()
        gradients.append([parameter.grad for parameter in block.parameters()])
    torch.testing.assert_close(block(source), block.literal(source), atol=1e-12, rtol=0)
    for merged, printed in zip(*gradients, strict=True):
        assert (merged is None) == (printed is None)
        if merged is not None:
            torch.testing.assert_close(merged, printed, atol=1e-9, rtol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("height", "width"), [(1, 1), (3, 2), (37, 21)])
def test_strips_give_what_the_whole_gives(kind, height: int, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    block, source = coder(kind, 2), picture(height, width, 2)
    kernels = torch.randn(3, 5, 3, 3, dtype=torch.double)
    expected = convolution(block.literal(source), kernels).detach()
    recorded = block.reconstruct(source, kernels)
    assert recorded.requires_grad
    torch.testing.assert_close(recorded.detach(), expected, atol=1e-12, rtol=0)
    for strip in (1, 2**18):  # strips of the fewest rows, and one strip
        monkeypatch.setattr(sparse_coder, "_STRIP", strip)
        with torch.inference_mode():
            torch.testing.assert_close(block.reconstruct(source, kernels), expected, atol=1e-12, rtol=0)


def tied(block: SparseCoder) -> tuple[Tensor, Tensor]:
    """Tie the kernels of all iterates: D with small steps and its adjoint; return them."""
    dictionary = 0.1 * torch.randn(1, 5, 3, 3, dtype=torch.double)
    adjoint = dictionary.transpose(0, 1).flip(-2, -1)
    for name, parameter in block.named_parameters():
        if "kernels" in name:
            parameter.data = (dictionary if "synthesis" in name else adjoint).clone()
    block.w_theta.data.zero_()
    return dictionary, adjoint


def test_tied_lzsc_without_momentum_is_iterative_hard_thresholding() -> None:
    """Eq. 2 with step 1 on the dictionary, in the limit γ → ∞ with α = 0; the same against plain loops below."""
    block = coder(LZSC, alpha=0.0, gamma=1e9)
    dictionary, adjoint = tied(block)
    block.w_rho.data.zero_()  # ρ = 0 in every iterate
    source = picture()
    theta = float(torch.nn.functional.softplus(block.b_theta.detach()))
    z = torch.zeros(2, 5, 14, 11, dtype=torch.double)
    for _ in range(5):
        z = hard_threshold(z - convolution(convolution(z, dictionary) - source, adjoint), theta)
    found = block(source).detach()
    assert 0.05 < (z != 0).double().mean() < 0.95
    torch.testing.assert_close(found, z, atol=1e-9, rtol=0)


def test_tied_lcsc_is_ista() -> None:
    block = coder(LCSC)
    dictionary, adjoint = tied(block)
    theta = float(torch.nn.functional.softplus(block.b_theta.detach()))
    source = picture()
    z = torch.zeros(2, 5, 14, 11, dtype=torch.double)
    for _ in range(5):
        z = soft_threshold(z - convolution(convolution(z, dictionary) - source, adjoint), theta)
    assert (z != 0).any()
    torch.testing.assert_close(block(source).detach(), z, atol=1e-12, rtol=0)


def test_the_momentum_is_nesterovs() -> None:
    """With tied kernels Eq. 20 is Eq. 16: v = x^{k−1} + ρ (x^{k−1} − x^{k−2}), then one thresholded step from v."""
    block = coder(LZSC)
    dictionary, adjoint = tied(block)
    source = picture()
    older = newer = torch.zeros(2, 5, 14, 11, dtype=torch.double)
    for index in range(5):
        v = newer + block.rho(index) * (newer - older)
        step = v - convolution(convolution(v, dictionary) - source, adjoint)
        older, newer = newer, block.activate(step, block.threshold(index))
    torch.testing.assert_close(block(source), newer, atol=1e-12, rtol=0)


@pytest.mark.parametrize("kind", KINDS)
def test_halo_bounds_what_a_feature_depends_on_and_is_reached(kind) -> None:
    block = coder(kind)
    source = picture(61, 61)[:1]
    changed = source.clone()
    changed[..., 30, 30] += 0.5
    reached = (block(source) != block(changed)).nonzero()[:, 2:] - 30
    assert reached.abs().max() == block.halo == 9


def test_thresholds_fall_and_momentum_rises() -> None:
    """Eq. 21 at the first values of its parameters; ρ stays in [0, 1)."""
    block = LZSC(features=2, size=3).requires_grad_(False)
    thresholds = [float(block.threshold(index)) for index in range(5)]
    momenta = [float(block.rho(index)) for index in range(5)]
    assert thresholds == sorted(thresholds, reverse=True)
    assert thresholds[-1] > 0
    assert momenta == sorted(momenta)
    assert momenta[0] == 0
    assert momenta[-1] < 1


@pytest.mark.parametrize("kind", KINDS)
def test_silence_tells_what_did_not_pass_the_threshold(kind) -> None:
    block = coder(kind)
    x = torch.linspace(-1, 1, 4001, dtype=torch.double)
    for index in range(5):
        theta = block.threshold(index)
        passed = block.activate(x, theta).abs() > block.silence(index)
        assert torch.equal(passed, x.abs() > theta)


def test_an_lzsc_block_of_one_channel_has_19_kernels() -> None:
    kernels = [parameter for parameter in LZSC().parameters() if parameter.ndim == 4]
    assert len(kernels) == 19
    assert {tuple(sorted(kernel.shape)) for kernel in kernels} == {(1, 9, 9, 64)}


@pytest.mark.parametrize("arguments", [{"size": 4}, {"modules": 0}, {"features": 0}])
def test_impossible_settings_are_refused(arguments: dict[str, int]) -> None:
    with pytest.raises(UsageError, match="must be at least 1"):
        LZSC(**arguments)

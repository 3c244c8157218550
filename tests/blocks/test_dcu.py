import numpy as np
import pytest
import torch
from scipy import signal
from torch import nn

from imfuse.blocks.dcu import DictionaryUnit, largest_gain, transposed
from imfuse.blocks.dcu_stack import DictionaryStack


def settled_stack(activation: str, units: int = 4, filters: int = 6, seed: int = 0) -> DictionaryStack:
    """A stack in evaluation whose every parameter and statistic has a value of its own, of either sign."""
    torch.manual_seed(seed)
    stack = DictionaryStack(units, filters, activation).double()  # type: ignore[arg-type]
    for unit in stack.units():
        nn.init.uniform_(unit.norm.weight, -1.5, 1.5)
        nn.init.normal_(unit.norm.bias)
        unit.norm.running_mean.normal_()
        unit.norm.running_var.uniform_(0.5, 2)
        for parameter in unit.activation.parameters():
            nn.init.normal_(parameter)
    stack.origin.normal_()
    return stack.eval().requires_grad_(False)


def test_a_unit_with_tied_filters_and_no_normalisation_is_an_ista_step() -> None:
    """Eq. 2 with plain convolutions in NumPy, on what the borders do not reach."""
    rng = np.random.default_rng(0)
    filters, picture, code = rng.standard_normal((5, 3, 3)), rng.random((20, 22)), rng.standard_normal((5, 20, 22))
    weight, rho = 0.3, 7.0
    synthesis = sum(signal.convolve2d(z, d, mode="same") for z, d in zip(code, filters, strict=True))
    residual = picture - synthesis
    gradient = np.stack([signal.correlate2d(residual, d, mode="same") for d in filters])
    stepped = code + gradient / rho
    expected = np.sign(stepped) * np.maximum(np.abs(stepped) - weight / rho, 0)

    unit = DictionaryUnit(1, 5, 3, "sst").double()
    kernels = torch.from_numpy(filters)
    # A convolution layer correlates: d ∗ z takes the flipped filters, its transpose the filters as they are.
    unit.conv0.weight.data = kernels.flip(-1, -2)[None]
    unit.conv1.weight.data = kernels[:, None] / rho
    unit.norm = nn.Identity()
    unit.activation.threshold.data.fill_(weight / rho)
    found = unit(torch.from_numpy(code)[None], torch.from_numpy(picture)[None, None])
    inside = (slice(None), slice(2, -2), slice(2, -2))
    np.testing.assert_allclose(found[0].detach().numpy()[inside], expected[inside], atol=1e-12)
    torch.testing.assert_close(unit.conv0.weight.data, transposed(unit.conv1.weight.data) * rho)


def test_iterated_units_solve_the_lasso() -> None:
    """Tied units with step 1/L converge to the minimiser of Eq. 1: its optimality condition holds."""
    torch.manual_seed(1)
    unit = DictionaryUnit(1, 4, 3, "sst").double().requires_grad_(False)
    rho, weight = largest_gain(unit.conv1.weight) * 1.2, 0.05
    dictionary = unit.conv1.weight.clone()
    unit.conv0.weight.copy_(transposed(dictionary))
    unit.conv1.weight.copy_(dictionary / rho)
    unit.norm = nn.Identity()
    unit.activation.threshold.fill_(weight / rho)
    picture = torch.zeros(1, 1, 24, 24, dtype=torch.double)
    picture[..., 8:16, 8:16] = torch.rand(8, 8).double()  # far from the borders, where reflection breaks the transpose
    code = torch.zeros(1, 4, 24, 24, dtype=torch.double)
    for _ in range(4000):
        code = unit(code, picture)
    gradient = (unit.step(code, picture) - code) * rho
    active = code != 0
    torch.testing.assert_close(gradient[active], weight * code[active].sign(), atol=5e-4, rtol=0)
    assert gradient[~active].abs().max() <= weight + 5e-4


def test_the_largest_gain_bounds_what_power_iteration_finds() -> None:
    weight = DictionaryUnit(1, 8).conv1.weight.detach().double()
    x = torch.randn(1, 1, 40, 40, dtype=torch.double)
    for _ in range(200):
        x = torch.conv2d(torch.conv2d(x, weight, padding=1), transposed(weight), padding=1)
        norm = x.norm()
        x = x / norm
    assert norm <= largest_gain(weight)
    assert norm > 0.97 * largest_gain(weight)


@pytest.mark.parametrize("activation", ["prelu", "sst"])
def test_an_untrained_unit_lowers_the_residual_at_every_step(activation: str) -> None:
    """It is an ISTA step of size 1/L with hardly a threshold: the residual falls, most in the first steps."""
    torch.manual_seed(0)
    unit = DictionaryUnit(1, 16, 3, activation).requires_grad_(False)  # type: ignore[arg-type]
    unit.norm = nn.Identity()
    picture = torch.rand(1, 1, 30, 30)
    code, norms = torch.zeros(1, 16, 30, 30), []
    for _ in range(5):
        code = unit(code, picture)
        residual = picture - torch.conv2d(code, unit.conv0.weight, padding=1)
        norms.append(float(residual[..., 6:-6, 6:-6].norm() / picture[..., 6:-6, 6:-6].norm()))
    assert norms == sorted(norms, reverse=True)
    assert norms[0] < 0.9
    assert norms[-1] < 0.8 * norms[0]


@pytest.mark.parametrize("activation", ["relu", "prelu", "sst"])
@pytest.mark.parametrize(("height", "width"), [(23, 31), (90, 70), (1, 1), (3, 2)])
def test_inference_without_normalisations_equals_the_equation(activation: str, height: int, width: int) -> None:
    stack = settled_stack(activation)
    picture = torch.rand(2, 1, height, width, dtype=torch.double)
    literal = stack.literal(picture)
    with torch.no_grad():
        torch.testing.assert_close(stack(picture), literal, atol=1e-10, rtol=1e-10)
    torch.testing.assert_close(stack(picture), literal, atol=1e-10, rtol=1e-10)


def test_a_scale_of_zero_or_of_enormous_size_is_not_folded() -> None:
    for value in (0.0, 1e-9):
        stack = settled_stack("prelu")
        for unit in stack.units():
            unit.norm.weight[0] = value
        picture = torch.rand(1, 1, 12, 13, dtype=torch.double)
        with torch.no_grad():
            torch.testing.assert_close(stack(picture), stack.literal(picture))


def test_gains_far_from_one_are_folded_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trained stacks have gains of 1e-11, and deeper ones smaller: that is no reason for the slow form."""
    stack = settled_stack("sst")
    stack.origin.zero_()
    for unit in stack.units():
        unit.norm.weight.mul_(1e-6)
        unit.norm.bias.mul_(1e-6)
        unit.activation.threshold.mul_(1e-6)
    assert stack.fold()[1].abs().max() < 1e-20
    picture = torch.rand(1, 1, 12, 13, dtype=torch.double)
    expected = stack.literal(picture)
    monkeypatch.setattr(DictionaryUnit, "forward", None)
    with torch.no_grad():
        torch.testing.assert_close(stack(picture), expected, atol=0, rtol=1e-8)


def test_first_units_start_from_nothing_and_others_have_both_filters() -> None:
    stack = DictionaryStack(3, 64, "sst")
    assert [unit.conv0 is None for unit in stack.units()] == [True, False, False]
    assert stack.halo == 1 + 2 + 2
    first = stack.units()[0]
    picture = torch.rand(1, 1, 9, 9)
    torch.testing.assert_close(first.step(None, picture), first.literal_step(None, picture))

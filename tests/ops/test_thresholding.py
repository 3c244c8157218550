import math

import numpy as np
import pytest
import torch

from imfuse.ops.thresholding import hard_threshold, sigmoidal_threshold, sigmoidal_threshold_, soft_threshold


def test_soft_threshold_minimises_its_proximal_objective() -> None:
    """argmin_z ½(z − x)² + γ|z|, found on a fine grid."""
    grid = np.linspace(-3, 3, 60001)
    for x in (-2.0, -0.5, -0.1, 0.0, 0.3, 1.7):
        best = grid[np.argmin(0.5 * (grid - x) ** 2 + 0.4 * np.abs(grid))]
        np.testing.assert_allclose(float(soft_threshold(torch.tensor(x, dtype=torch.double), 0.4)), best, atol=1e-4)


def test_hard_threshold_minimises_its_proximal_objective() -> None:
    """argmin_z ½(z − x)² + θ²/2 · [z ≠ 0]: the candidates are 0 and x."""
    theta = 0.4
    x = torch.linspace(-2, 2, 81, dtype=torch.double) + 1e-3
    best = torch.where(x.square() / 2 < theta**2 / 2, 0, x)
    assert torch.equal(hard_threshold(x, theta), best)
    assert torch.equal(hard_threshold(torch.tensor([-0.4, 0.4, 0.5]), 0.4), torch.tensor([0.0, 0.0, 0.5]))


def test_the_limits_of_the_sigmoidal_threshold_are_the_hard_and_the_soft_one() -> None:
    x = torch.linspace(-3, 3, 1001, dtype=torch.double)
    x = x[(x.abs() - 0.7).abs() > 1e-3]
    for alpha, limit in ((0.0, hard_threshold), (1.0, soft_threshold)):
        torch.testing.assert_close(sigmoidal_threshold(x, 0.7, alpha, 1e5), limit(x, 0.7), atol=1e-12, rtol=0)


def test_the_sigmoidal_threshold_is_equation_6_with_the_sign() -> None:
    for x in (-2.0, -0.5, -0.45, 0.1, 0.5, 0.52, 1.7):
        expected = math.copysign(1, x) * (abs(x) - 0.1 * 0.5) / (1 + math.exp(-100 * (abs(x) - 0.5)))
        given = torch.tensor(x, dtype=torch.double)
        assert float(sigmoidal_threshold(given, 0.5)) == pytest.approx(expected, abs=1e-14)
        assert float(sigmoidal_threshold_(given.clone(), 0.5)) == pytest.approx(expected, abs=1e-14)


@pytest.mark.parametrize("recorded", [True, False])
def test_no_value_overflows(recorded: bool) -> None:
    x = torch.tensor([-1e30, -1e3, -1e-30, 0.0, 1e-30, 1e3, 1e30], requires_grad=recorded)
    threshold = torch.tensor(0.5, requires_grad=recorded)
    y = sigmoidal_threshold(x, threshold)
    assert y.isfinite().all()
    torch.testing.assert_close(y[[0, 1, 5, 6]], torch.tensor([-1e30, -999.95, 999.95, 1e30]), atol=0, rtol=1e-6)
    if recorded:
        (gradient,) = torch.autograd.grad(y.sum(), x)
        assert gradient.isfinite().all()


def test_the_gradients_of_the_sigmoidal_threshold() -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 3, 5, dtype=torch.double, requires_grad=True)
    threshold = torch.tensor(0.6, dtype=torch.double, requires_grad=True)
    torch.autograd.gradcheck(lambda x, threshold: sigmoidal_threshold(x, threshold, 0.1, 7.0), (x, threshold))
    # Of a threshold for every feature, which goes another way, they are the same.
    each = threshold.detach().expand(3, 5).clone().requires_grad_()
    gradients = [
        torch.autograd.grad(sigmoidal_threshold(x, given).square().sum(), (x, given)) for given in (threshold, each)
    ]
    torch.testing.assert_close(gradients[0][0], gradients[1][0])
    torch.testing.assert_close(gradients[0][1], gradients[1][1].sum())

import numpy as np
import torch

from imfuse.ops.thresholding import soft_threshold


def test_soft_threshold_minimises_its_proximal_objective() -> None:
    """argmin_z ½(z − x)² + γ|z|, found on a fine grid."""
    grid = np.linspace(-3, 3, 60001)
    for x in (-2.0, -0.5, -0.1, 0.0, 0.3, 1.7):
        best = grid[np.argmin(0.5 * (grid - x) ** 2 + 0.4 * np.abs(grid))]
        np.testing.assert_allclose(float(soft_threshold(torch.tensor(x, dtype=torch.double), 0.4)), best, atol=1e-4)


def test_gradients_by_the_picture_and_by_the_thresholds() -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 3, 4, 5, dtype=torch.double, requires_grad=True)
    threshold = torch.tensor([0.1, 0.5, 0.2], dtype=torch.double).reshape(1, 3, 1, 1).requires_grad_()
    assert torch.autograd.gradcheck(soft_threshold, (x, threshold))
    with torch.no_grad():
        plain = x.sign() * (x.abs() - threshold).clamp_min(0)
        torch.testing.assert_close(soft_threshold(x, threshold), plain)
    torch.testing.assert_close(soft_threshold(x, threshold).detach(), plain)

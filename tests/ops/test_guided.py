import numpy as np
import pytest
import torch

from imfuse.ops.guided import guided_filter


def brute_force(x: np.ndarray, guide: np.ndarray, radius: int, epsilon: float) -> np.ndarray:
    """He et al. 2013, Eqs. 4 to 8: a ridge regression per window, then the mean over the windows that hold a pixel."""
    wide = 2 * radius
    padded = [np.pad(a, wide, mode="reflect") for a in (x, guide)]
    height, width = x.shape
    total, count = np.zeros_like(x), (2 * radius + 1) ** 2
    for down in range(-radius, height + radius):
        for right in range(-radius, width + radius):
            rows = slice(down + wide - radius, down + wide + radius + 1)
            columns = slice(right + wide - radius, right + wide + radius + 1)
            p, i = (a[rows, columns].ravel() for a in padded)
            # argmin over (a, b) of Σ (a I + b − p)² + ε a²
            design = np.stack([i, np.ones_like(i)], 1)
            penalty = np.diag([count * epsilon, 0.0])
            a, b = np.linalg.solve(design.T @ design + penalty, design.T @ p)
            for y in range(max(down - radius, 0), min(down + radius + 1, height)):
                for z in range(max(right - radius, 0), min(right + radius + 1, width)):
                    total[y, z] += a * guide[y, z] + b
    return total / count


@pytest.mark.parametrize(("radius", "epsilon"), [(1, 1e-2), (2, 1e-1)])
def test_it_is_the_mean_of_local_ridge_regressions(radius: int, epsilon: float) -> None:
    rng = np.random.default_rng(radius)
    x, guide = rng.random((11, 9)), rng.random((11, 9))
    found = guided_filter(*(torch.from_numpy(a)[None, None] for a in (x, guide)), radius, epsilon)
    np.testing.assert_allclose(found[0, 0].numpy(), brute_force(x, guide, radius, epsilon), atol=1e-10)


def test_it_keeps_affine_functions_of_the_guide_and_smooths_where_the_guide_is_flat() -> None:
    guide = torch.rand(1, 1, 30, 31, dtype=torch.double)
    torch.testing.assert_close(guided_filter(3 * guide - 1, guide, 2, 1e-12), 3 * guide - 1, atol=1e-6, rtol=0)
    noise = torch.rand(1, 1, 30, 31, dtype=torch.double)
    smooth = guided_filter(noise, torch.zeros_like(noise), 3, 1e-2)
    assert smooth.std() < 0.2 * noise.std()


def test_channels_do_not_mix() -> None:
    x, guide = torch.rand(2, 2, 3, 12, 10)
    whole = guided_filter(x, guide, 2, 1e-2)
    for channel in range(3):
        part = slice(channel, channel + 1)
        torch.testing.assert_close(whole[:, part], guided_filter(x[:, part], guide[:, part], 2, 1e-2))

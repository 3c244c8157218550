"""The halo loss against closed forms and SciPy."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from imfuse.losses.halo import halo_loss, halo_weight, sobel


def test_a_ramp_has_its_slope() -> None:
    rows, columns = torch.meshgrid(torch.arange(9.0), torch.arange(11.0), indexing="ij")
    ramp = (0.03 * rows - 0.02 * columns)[None, None].double()
    assert float(halo_loss(ramp)) == pytest.approx(0.05, abs=1e-7)
    assert float(halo_loss(torch.full((2, 1, 5, 6), 0.7))) == 0


def test_a_step_counts_its_height_along_its_length() -> None:
    """A vertical step of height h: |Sobel| is h/2 in the two columns beside it, of W − 2 that have whole windows."""
    step = torch.zeros(1, 1, 10, 12)
    step[..., 6:] = 0.8
    assert float(halo_loss(step)) == pytest.approx(2 * 0.4 / 10)


def test_sobel_is_scipys_over_eight() -> None:
    picture = torch.rand(2, 1, 14, 17, dtype=torch.double)
    rows, columns = sobel(picture)
    for index in range(2):
        for found, axis in ((rows, 0), (columns, 1)):
            expected = ndimage.sobel(picture[index, 0].numpy(), axis)[1:-1, 1:-1] / 8
            np.testing.assert_allclose(found[index, 0].numpy(), expected, atol=1e-12)


def test_gradients() -> None:
    picture = torch.rand(1, 1, 6, 7, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(halo_loss, (picture,))


def test_the_weight_rises_from_nothing_to_its_largest() -> None:
    assert [halo_weight(step) for step in (1, 2, 40, 41, 42, 10000)] == [0, 0.25, 9.75, 10, 10, 10]
    assert [halo_weight(step, 0.5, 1.0) for step in (1, 2, 3, 4)] == [0, 0.5, 1, 1]
    assert halo_weight(100, largest=0) == 0

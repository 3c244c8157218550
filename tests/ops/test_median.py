import numpy as np
import pytest
import torch
from scipy import ndimage

from imfuse.ops.median import median3


@pytest.mark.parametrize("size", [(1, 1), (1, 6), (2, 2), (3, 3), (17, 12)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_it_is_the_middle_of_nine(size: tuple[int, int], dtype: torch.dtype) -> None:
    """float64, which OpenCV does not take, goes the other way."""
    maps = torch.rand(2, 3, *size, dtype=dtype)
    expected = ndimage.median_filter(maps.numpy(), (1, 1, 3, 3), mode="mirror")
    np.testing.assert_array_equal(median3(maps).numpy(), expected)
    recorded = median3(maps.clone().requires_grad_())
    np.testing.assert_array_equal(recorded.detach().numpy(), expected)


def test_the_gradient_goes_to_the_median() -> None:
    picture = torch.randperm(30).reshape(1, 1, 5, 6).double().requires_grad_()
    median3(picture)[..., 2, 2].sum().backward()
    middle = picture.detach()[..., 1:4, 1:4].flatten().median()
    assert torch.equal(picture.grad == 1, picture.detach() == middle)

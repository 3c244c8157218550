import numpy as np
import pytest
import torch

from imfuse.ops.padding import reflect_pad


@pytest.mark.parametrize(
    ("height", "width", "pad"), [(1, 1, 3), (1, 5, 2), (2, 3, 7), (4, 4, 4), (9, 6, 2), (3, 2, 31)]
)
def test_every_size_reflects_as_numpy_does(height: int, width: int, pad: int) -> None:
    x = torch.rand(2, 3, height, width)
    expected = np.pad(x.numpy(), ((0, 0), (0, 0), (pad, pad), (pad, pad)), mode="reflect")
    np.testing.assert_array_equal(reflect_pad(x, pad).numpy(), expected)


def test_gradient_flows_where_the_reflection_is_wider_than_the_picture() -> None:
    x = torch.rand(1, 1, 2, 3, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(lambda v: reflect_pad(v, 4), x)

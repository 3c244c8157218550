import torch
import torch.nn.functional as F

from imfuse.blocks.wide_convolution import composed_kernel


def test_the_composed_kernel_is_both_convolutions_where_no_border_is() -> None:
    torch.manual_seed(0)
    first, second = torch.randn(5, 2, 7, 7).double(), torch.randn(4, 5, 3, 3).double()
    x = torch.randn(1, 2, 20, 21).double()
    kernel = composed_kernel(first, second)
    assert kernel.shape == (4, 2, 9, 9)
    torch.testing.assert_close(F.conv2d(x, kernel), F.conv2d(F.conv2d(x, first), second))

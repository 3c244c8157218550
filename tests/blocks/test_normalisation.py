import pytest
import torch
from torch import nn

from imfuse.blocks.normalisation import scale_and_shift


def test_scale_and_shift_are_what_evaluation_computes() -> None:
    torch.manual_seed(0)
    norm = nn.BatchNorm2d(3).double()
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    for _ in range(5):
        norm(torch.rand(4, 3, 6, 6, dtype=torch.double) * 3)
    norm.eval()
    x = torch.rand(2, 3, 5, 4, dtype=torch.double)
    scale, shift = (value.reshape(1, -1, 1, 1) for value in scale_and_shift(norm))
    torch.testing.assert_close(scale * x + shift, norm(x), atol=1e-12, rtol=0)


def test_without_running_statistics_there_is_nothing_to_fold() -> None:
    with pytest.raises(RuntimeError, match="running statistics"):
        scale_and_shift(nn.BatchNorm2d(2, track_running_stats=False))

from collections.abc import Iterable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from helpers import settled_auif, settled_csc_ivfn
from imfuse.bench.cost import multiplications_per_pixel
from imfuse.networks.protocol import FusionNetwork


class _Convolutions(FusionNetwork):
    """Per source 3×3 from 1 to 5 channels and back; once per picture a product that no pixel pays for."""

    def __init__(self) -> None:
        super().__init__()
        self.one = nn.Conv2d(1, 5, 3, padding=1)
        self.two = nn.Conv2d(5, 1, 3, padding=1)

    @property
    def halo(self) -> int:
        return 2

    def fuse(self, sources: Iterable[Tensor], survey: Any = None) -> Tensor:
        constant = (torch.ones(30, 30) @ torch.ones(30, 30)).mean()
        total = [self.two(self.one(source)) for source in sources]
        return torch.stack(total).mean(0) * constant


def test_products_per_pixel_in_closed_form() -> None:
    network = _Convolutions().eval()
    assert multiplications_per_pixel(network) == 2 * (9 * 5 + 9 * 5)
    assert multiplications_per_pixel(network, sources=5) == 5 * 90


def test_auif_is_one_kernel_of_25_per_layer_and_a_decoder_of_9() -> None:
    # Two sources, base and detail encoder of three layers each; the composition of kernels is once per picture.
    assert multiplications_per_pixel(settled_auif(layers=3, filters=8)) == 2 * 2 * 3 * 25 + 9


@pytest.mark.parametrize(("units", "filters"), [(1, 4), (3, 6)])
def test_csc_ivfn_is_one_analysis_per_unit_and_a_synthesis_between_them(units: int, filters: int) -> None:
    network = settled_csc_ivfn(units=units, filters=filters)
    branch = 9 * filters * (2 * units - 1)
    assert multiplications_per_pixel(network) == 2 * 2 * branch + 2 * 9 * filters

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from imfuse.metrics import entropy


@pytest.mark.parametrize("count", [1, 2, 3, 64, 256])
def test_equally_frequent_levels_give_log2_of_their_count(count: int) -> None:
    picture = (torch.arange(count * 6) % count).to(torch.uint8).view(1, 1, 6, count)
    assert entropy(picture).item() == pytest.approx(math.log2(count), abs=1e-12)


def test_unequal_shares() -> None:
    picture = torch.tensor([0, 0, 0, 255], dtype=torch.uint8).view(1, 1, 2, 2)
    expected = -(0.75 * math.log2(0.75) + 0.25 * math.log2(0.25))
    assert entropy(picture).item() == pytest.approx(expected, rel=1e-12)


def test_values_are_rounded_to_the_nearest_level() -> None:
    picture = torch.tensor([99.6, 100.4, 100.0, 100.6], dtype=torch.float64).view(1, 1, 2, 2) / 255
    assert entropy(picture).item() == pytest.approx(0.75 * math.log2(4 / 3) + 0.25 * 2, rel=1e-12)


def test_float32_levels_equal_uint8() -> None:
    picture = torch.arange(256, dtype=torch.uint8).repeat(3)[:660].view(1, 1, 22, 30)
    assert torch.equal(entropy(picture), entropy(picture.float() / 255))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 40), st.integers(1, 40))
def test_brute_force_and_order_of_pixels(seed: int, height: int, width: int) -> None:
    values = np.random.default_rng(seed).normal(128, 20, height * width).clip(0, 255).astype(np.uint8)
    shares = np.unique(values, return_counts=True)[1] / values.size
    expected = -np.sum(shares * np.log2(shares))
    given_order = torch.from_numpy(values).view(1, 1, height, width)
    sorted_order = torch.from_numpy(np.sort(values)).view(1, 1, height, width)
    assert entropy(given_order).item() == pytest.approx(expected, abs=1e-12)
    assert entropy(sorted_order).item() == entropy(given_order).item()

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from imfuse.metrics import (
    entropy,
    mutual_information,
    mutual_information_bits,
    normalised_mutual_information,
)


def ramp(count: int, repeats: int) -> Tensor:
    """Equally frequent levels 0…count − 1."""
    return (torch.arange(count * repeats) % count).to(torch.uint8).view(1, 1, repeats, count)


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


def test_a_copy_shares_all_its_entropy() -> None:
    picture = ramp(64, 5)
    assert mutual_information(picture, [picture]).item() == pytest.approx(math.log(64), rel=1e-12)
    assert mutual_information_bits(picture, [picture, 255 - picture]).item() == pytest.approx(12.0, rel=1e-12)
    assert normalised_mutual_information(picture, [picture, 255 - picture]).item() == pytest.approx(2.0, rel=1e-12)


def test_independent_pictures_share_nothing() -> None:
    first = torch.arange(16, dtype=torch.uint8).view(1, 1, 16, 1).expand(1, 1, 16, 16)
    second = first.transpose(-1, -2)
    assert mutual_information(first, [second]).item() == pytest.approx(0.0, abs=1e-12)
    assert normalised_mutual_information(first, [second, first]).item() == pytest.approx(1.0, rel=1e-12)


def test_a_source_with_half_the_levels_shares_its_own_entropy() -> None:
    fused, source = ramp(8, 3), ramp(8, 3) // 2
    assert mutual_information_bits(fused, [source]).item() == pytest.approx(2.0, rel=1e-12)
    assert normalised_mutual_information(fused, [source]).item() == pytest.approx(2 * 2 / (2 + 3), rel=1e-12)


def test_constant_pictures_share_nothing() -> None:
    constant, picture = torch.full((1, 1, 6, 64), 9, dtype=torch.uint8), ramp(64, 6)
    for fused, source in ((constant, picture), (picture, constant), (constant, constant)):
        assert mutual_information(fused, [source]).item() == pytest.approx(0.0, abs=1e-12)
        assert normalised_mutual_information(fused, [source]).item() == pytest.approx(0.0, abs=1e-12)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 4), st.integers(1, 300), st.integers(1, 4))
def test_mutual_information_brute_force(seed: int, batch: int, pixels: int, count: int) -> None:
    random = np.random.default_rng(seed)
    base = random.integers(0, 12, (batch, pixels))
    pictures = [(base + random.integers(0, 5, base.shape)) * 15 for _ in range(count + 1)]

    def entropy_of(*labels: np.ndarray) -> float:
        shares = np.unique(np.stack(labels), axis=1, return_counts=True)[1] / labels[0].size
        return float(-np.sum(shares * np.log(shares)))

    fused, *sources = (torch.from_numpy(p.astype(np.uint8)).view(batch, 1, 1, pixels) for p in pictures)
    given_floats = [picture.float() / 255 for picture in (fused, *sources)]
    for i in range(batch):
        pairs = [(entropy_of(pictures[0][i]), entropy_of(s[i]), entropy_of(pictures[0][i], s[i])) for s in pictures[1:]]
        shared = sum(f + s - both for f, s, both in pairs)
        share = sum(2 * (f + s - both) / (f + s) if f + s > 0 else 0.0 for f, s, both in pairs)
        for f, others in ((fused, sources), (given_floats[0], given_floats[1:])):
            assert mutual_information(f, others)[i].item() == pytest.approx(shared, abs=1e-12)
            assert normalised_mutual_information(f, others)[i].item() == pytest.approx(share, abs=1e-12)
